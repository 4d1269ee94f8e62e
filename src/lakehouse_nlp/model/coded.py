"""Encodings of categories of training rows that come in blocks: what `columns.fit_columns` finds, from sums by fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse_nlp.model.blocks import Blocks, Sums
from lakehouse_nlp.model.columns import Columns, places, table_of, value_sums
from lakehouse_nlp.model.rows import Floats, Ints, Rows, Spec
from lakehouse_nlp.model.task import Task


@dataclass(frozen=True)
class Coded:
    """Encodings; `held`: the tables of target columns without each fold, by the place of the column."""

    columns: Columns
    held: dict[int, list[Floats]]

    @classmethod
    def of(
        cls, rows: Blocks[Rows], task: Task, values: Floats, fold: Ints, spec: Spec, kept: Columns | None = None
    ) -> Coded:
        """As `columns.fit_columns`."""
        if not spec.categorical:
            return cls(Columns([], []), {})
        levels = kept.levels if kept else _levels(rows, len(spec.categorical))

        def sums(start: int, block: Rows) -> Sums:
            inside = slice(start, start + len(block))
            return tuple(_by_fold(block, levels, task.columns(values[inside]), fold[inside], spec.folds))

        by_fold, columns = rows.total(sums), task.columns(values)
        kinds = [spec.encode.get(name, "native") for name in spec.categorical]
        tables, held = [], {}
        for place, kind in enumerate(kinds):
            counts, found = by_fold[2 * place], by_fold[2 * place + 1]
            whole = table_of(kind, counts.sum(axis=0), found.sum(axis=0), columns.mean(axis=0), len(values))
            tables.append(kept.tables[place] if kept else whole)
            if kind == "target":
                held[place] = [_without(k, counts, found, columns[fold != k]) for k in range(spec.folds)]
        return cls(Columns(levels, tables), held)

    def encode(self, block: Rows, fold: Ints) -> Floats:
        """The block's rows encoded, target means out of fold."""
        parts = [block.numeric]
        for place, codes in enumerate(self.columns.places(block)):
            seen = self.columns.tables[place][codes]
            for k, table in enumerate(self.held.get(place, [])):
                seen[fold == k] = table[codes[fold == k]]
            parts.append(seen)
        return np.hstack(parts)


def _without(k: int, counts: Floats, sums: Floats, columns: Floats) -> Floats:
    """The target means of the rows outside a fold."""
    others = np.arange(len(counts)) != k
    return table_of("target", counts[others].sum(axis=0), sums[others].sum(axis=0), columns.mean(axis=0), len(columns))


def _levels(rows: Blocks[Rows], columns: int) -> list[list[str]]:
    """The values of each column, sorted."""

    def distinct(_: int, block: Rows) -> list[list[str]]:
        return [pc.unique(pa.array(column, pa.string())).drop_null().to_pylist() for column in block.categorical.T]

    found: list[set[str]] = [set() for _ in range(columns)]
    for block in rows.each(distinct):
        for known, values in zip(found, block, strict=True):
            known.update(values)
    return [sorted(known) for known in found]


def _by_fold(block: Rows, levels: Sequence[Sequence[str]], columns: Floats, fold: Ints, folds: int) -> list[Floats]:
    """For each column rows and sums by fold and value."""
    found = []
    for column, known in zip(block.categorical.T, levels, strict=True):
        codes = places(column, known)
        parts = [value_sums(codes[fold == k], columns[fold == k], len(known)) for k in range(folds)]
        found += [np.stack([rows for rows, _ in parts]), np.stack([sums for _, sums in parts])]
    return found
