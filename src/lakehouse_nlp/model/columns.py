"""Categorical columns as numbers: XGBoost's own categories, their frequency, or the mean target, out of fold.

One table a column takes each known value, an unseen one and a missing one to what the booster sees; the same table
serves training and serving. Target means are smoothed towards the overall mean (Micci-Barreca 2001).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse_nlp.model.rows import Floats, Ints, Objects, Rows, Spec
from lakehouse_nlp.model.task import Task

# How many rows of a value weigh as much as the overall mean.
SMOOTHING = 10.0
NAN = float("nan")


@dataclass(frozen=True)
class Columns:
    """Fitted encodings. `levels`: the known values of each categorical column; `tables`: for each, what those values,
    an unseen one and a missing one become, (levels + 2) x width.
    """

    levels: list[list[str]]
    tables: list[Floats]

    def encode(self, rows: Rows) -> Floats:
        """The numbers, then each categorical column as its table has it, n x width; NaN for missing."""
        found = [table[codes] for table, codes in zip(self.tables, self.places(rows), strict=True)]
        return np.hstack([rows.numeric, *found])

    def places(self, rows: Rows) -> list[Ints]:
        """For each column each value's position among the known ones, n; -2 for an unseen one, -1 for a missing one."""
        return [places(column, known) for column, known in zip(rows.categorical.T, self.levels, strict=True)]


def fit_columns(
    rows: Rows, task: Task, values: Floats, fold: Ints, spec: Spec, kept: Columns | None = None
) -> tuple[Columns, Floats]:
    """The encodings of training rows, and the rows encoded: target means by the folds that a row is not in.

    `kept`: encodings that stay those of serving.
    """
    levels = [sorted({value for value in column if value is not None}) for column in rows.categorical.T]
    levels = kept.levels if kept else levels
    columns = task.columns(values)
    tables, encoded = [], [rows.numeric]
    for place, (name, known) in enumerate(zip(spec.categorical, levels, strict=True)):
        codes, kind = places(rows.categorical[:, place], known), spec.encode.get(name, "native")
        table = kept.tables[place] if kept else _table(kind, codes, columns, len(known))
        seen = table[codes]
        if kind == "target":
            for k in range(spec.folds):
                others = _means(*_sums(codes[fold != k], columns[fold != k], len(known)))
                seen[fold == k] = others[codes[fold == k]]
        tables.append(table)
        encoded.append(seen)
    return Columns(levels, tables), np.hstack(encoded)


def places(column: Objects, known: Sequence[str]) -> Ints:
    """Each value's position among the known ones, n; -2 for an unseen one, -1 for a missing one."""
    texts = pa.array(column, pa.string(), from_pandas=True)
    found = pc.fill_null(pc.index_in(texts, value_set=pa.array(known, pa.string())), -2)
    missing = pc.is_null(texts).to_numpy(zero_copy_only=False)
    return np.where(missing, -1, found.to_numpy(zero_copy_only=False)).astype(np.int64)


def names(spec: Spec, task: Task) -> list[str]:
    """What the encoded columns are called: by their column, and by class where there is one for each."""
    made = [task.named(c) if spec.encode.get(c) == "target" else [c] for c in spec.categorical]
    return [*spec.numeric, *(name for group in made for name in group)]


def types(spec: Spec, task: Task) -> list[str]:
    """XGBoost's type of each encoded column: `c` for its own categories, `q` for quantities."""
    native = {name for name in spec.categorical if spec.encode.get(name, "native") == "native"}
    return ["q"] * len(spec.numeric) + [
        "c" if name in native else "q" for name in names(spec, task)[len(spec.numeric) :]
    ]


def _table(kind: str, codes: Ints, columns: Floats, known: int) -> Floats:
    return table_of(kind, *_sums(codes, columns, known))


def table_of(kind: str, rows: Floats, sums: Floats, overall: Floats, total: int) -> Floats:
    """What each known value, an unseen and a missing one become; see `_sums` for the rest."""
    if kind == "target":
        return _means(rows, sums, overall, total)
    if kind == "frequency":
        return np.append(rows / max(total, 1), [0.0, NAN])[:, None]
    return np.append(np.arange(len(rows), dtype=np.float64), [NAN, NAN])[:, None]


def _sums(codes: Ints, columns: Floats, known: int) -> tuple[Floats, Floats, Floats, int]:
    """Rows by known value, sums of each column by value, the columns' overall means, and all rows."""
    rows, sums = value_sums(codes, columns, known)
    return rows, sums, columns.mean(axis=0), len(codes)


def value_sums(codes: Ints, columns: Floats, known: int) -> tuple[Floats, Floats]:
    """Rows by known value, and the sums of each column by value, known x columns."""
    there = codes >= 0
    rows = np.bincount(codes[there], minlength=known).astype(np.float64)
    return rows, np.column_stack([np.bincount(codes[there], column[there], minlength=known) for column in columns.T])


def _means(rows: Floats, sums: Floats, overall: Floats, _: int) -> Floats:
    """The smoothed mean of each column by value, (known + 2) x columns: overall for an unseen one, NaN for missing."""
    means = (sums + SMOOTHING * overall) / (rows[:, None] + SMOOTHING)
    return np.vstack([means, overall, np.full(len(overall), NAN)])
