"""The linear baseline of a table: standardised numbers (a missing one is the mean, and flagged) and one-hot categories.

The numbers of a text's vector are among them. Where terms are counted, their own regression is the baseline.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, hstack

from lakehouse_nlp.model.columns import Columns
from lakehouse_nlp.model.linear import Linear, regression
from lakehouse_nlp.model.rows import Floats, Ints, Rows, finite
from lakehouse_nlp.model.task import Task

# Strong enough a penalty that rare categories do no harm: 0.1 was best of 0.01, 0.1 and 1 on the hospital stays.
C = 0.1


@dataclass(frozen=True)
class Baseline:
    """A regression over numbers and categories; `mean` and `scale` standardise the numbers, one each."""

    mean: Floats
    scale: Floats
    linear: Linear

    def design(self, rows: Rows, columns: Columns) -> csr_matrix:
        """What the regression sees of the rows, n x (2 x numbers + known values of all categories)."""
        return design(rows, columns, self.mean, self.scale)


def fit_baseline(rows: Rows, columns: Columns, task: Task, values: Floats) -> Baseline:
    """The regression of training rows."""
    found = numbers(rows)
    missing = np.isnan(found)
    there = np.maximum((~missing).sum(axis=0), 1)
    mean = np.where(missing, 0.0, found).sum(axis=0) / there
    spread = np.sqrt((np.where(missing, 0.0, found - mean) ** 2).sum(axis=0) / there)
    scale = np.where(spread > 0, spread, 1.0)
    seen = design(rows, columns, mean, scale)
    weights = task.row_weights(values)
    fits = np.array([regression(seen, column, weights, task, C) for column in task.columns(values).T])
    return Baseline(mean, scale, Linear(fits[:, :-1], fits[:, -1]))


def design(rows: Rows, columns: Columns, mean: Floats, scale: Floats) -> csr_matrix:
    """Standardised numbers, a flag for each that is missing, and one-hot categories."""
    found = numbers(rows)
    missing = np.isnan(found)
    standard = np.where(missing, 0.0, (found - mean) / scale)
    hot = [_one_hot(codes, len(known)) for codes, known in zip(columns.places(rows), columns.levels, strict=True)]
    return hstack([csr_matrix(np.hstack([standard, missing])), *hot], format="csr")


def numbers(rows: Rows) -> Floats:
    """All numbers of the rows, NaN for missing."""
    return finite(np.hstack([rows.numeric, rows.vectors]))


def _one_hot(codes: Ints, known: int) -> csr_matrix:
    """A column for each known value; none is set where the value is unseen or missing."""
    there = np.flatnonzero(codes >= 0)
    return csr_matrix((np.ones(len(there)), (there, codes[there])), shape=(len(codes), known))
