"""Features and baseline of training rows that come in blocks: what `fit_features` and `fit_baseline` find, from sums.

The booster's columns are those of rows in memory, in the same order; the regressions agree as far as both are fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix

from lakehouse_nlp.model import baseline as plain
from lakehouse_nlp.model.baseline import Baseline
from lakehouse_nlp.model.blocks import Blocks, Sums
from lakehouse_nlp.model.columns import Columns, places, table_of, value_sums
from lakehouse_nlp.model.features import Features, together
from lakehouse_nlp.model.linear import Linear, class_sums, dependent, rarity, rows_with, tfidf
from lakehouse_nlp.model.rows import Floats, Ints, Rows, Spec, finite
from lakehouse_nlp.model.task import Task
from lakehouse_nlp.model.together import Lesson, regressions

WHOLE = -1


def fit_features(
    rows: Blocks[Rows], task: Task, values: Floats, fold: Ints, spec: Spec
) -> tuple[Features, Blocks[csr_matrix]]:
    """As `features.fit_features`: the features, and what the booster sees of the rows, linear scores out of fold."""
    (there,) = rows.total(lambda _, block: (rows_with(block.counts),))
    idf = rarity(there, len(rows))
    linear, partial, selected = _text(rows, task, values, fold, spec, idf)
    coded = _Coded.of(rows, task, values, fold, spec)

    def seen(start: int, block: Rows) -> csr_matrix:
        weights, folds = tfidf(block.counts, idf, spec), fold[start : start + len(block)]
        scores = _held_out(weights, folds, linear, partial)
        return together(scores, coded.encode(block, folds), weights[:, selected])

    return Features(spec, task, idf, linear, selected, coded.columns), rows.map(seen)


def fit_baseline(rows: Blocks[Rows], columns: Columns, task: Task, values: Floats) -> Baseline:
    """As `baseline.fit_baseline`."""

    def first(_: int, block: Rows) -> Sums:
        numbers = finite(block.numeric)
        return np.nansum(numbers, axis=0), (~np.isnan(numbers)).sum(axis=0)

    sums, found = rows.total(first)
    there = np.maximum(found, 1)
    mean = sums / there
    (squares,) = rows.total(lambda _, block: (np.nansum((finite(block.numeric) - mean) ** 2, axis=0),))
    spread = np.sqrt(squares / there)
    scale = np.where(spread > 0, spread, 1.0)
    whole = np.zeros(len(values), np.int64)

    def lesson(start: int, block: Rows) -> Lesson:
        return _lesson(start, plain.design(block, columns, mean, scale), task, values, whole)

    width = 2 * len(mean) + sum(len(known) for known in columns.levels)
    (fits,) = regressions(rows.map(lesson), width, task, plain.C, [WHOLE])
    return Baseline(mean, scale, Linear(fits[:, :-1], fits[:, -1]))


def _text(
    rows: Blocks[Rows], task: Task, values: Floats, fold: Ints, spec: Spec, idf: Floats
) -> tuple[Linear, list[Linear], Ints]:
    """The regression of all rows, those without each fold, and the selected buckets."""
    if not spec.buckets:
        return Linear(np.zeros((0, 0)), np.zeros(0)), [], np.zeros(0, np.int64)
    codes = task.codes(values)
    classes = int(codes.max()) + 1
    lessons = rows.map(
        lambda start, block: _lesson(start, tfidf(block.counts, idf, spec), task, values, fold),
    )
    full, *partial = (
        Linear(fit[:, :-1], fit[:, -1])
        for fit in regressions(lessons, spec.buckets, task, spec.linear_c, [WHOLE, *range(spec.folds)])
    )
    (observed,) = lessons.total(
        lambda start, block: (class_sums(block.features, codes[start : start + block.shape[0]], classes),)
    )
    return full, partial, dependent(observed, np.bincount(codes), spec.select)


def _lesson(start: int, features: csr_matrix, task: Task, values: Floats, fold: Ints) -> Lesson:
    inside = slice(start, start + features.shape[0])
    return Lesson(features, task.columns(values[inside]), task.row_weights(values[inside]), fold[inside])


def _held_out(terms: csr_matrix, fold: Ints, full: Linear, partial: Sequence[Linear]) -> Floats:
    """As `linear.fit_linear` has them: a row without terms gets the score that serving would give it."""
    found = np.empty((len(fold), len(full.bias)))
    for k, model in enumerate(partial):
        found[fold == k] = model.scores(terms[fold == k])
    found[np.diff(terms.indptr) == 0] = full.bias
    return found


@dataclass(frozen=True)
class _Coded:
    """Encodings; `held`: the tables of target columns without each fold, by the place of the column."""

    columns: Columns
    held: dict[int, list[Floats]]

    @classmethod
    def of(cls, rows: Blocks[Rows], task: Task, values: Floats, fold: Ints, spec: Spec) -> _Coded:
        """As `columns.fit_columns`."""
        if not spec.categorical:
            return cls(Columns([], []), {})
        levels = _levels(rows, len(spec.categorical))

        def sums(start: int, block: Rows) -> Sums:
            inside = slice(start, start + len(block))
            return tuple(_by_fold(block, levels, task.columns(values[inside]), fold[inside], spec.folds))

        by_fold, columns = rows.total(sums), task.columns(values)
        kinds = [spec.encode.get(name, "native") for name in spec.categorical]
        tables, held = [], {}
        for place, kind in enumerate(kinds):
            counts, found = by_fold[2 * place], by_fold[2 * place + 1]
            tables.append(table_of(kind, counts.sum(axis=0), found.sum(axis=0), columns.mean(axis=0), len(values)))
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
