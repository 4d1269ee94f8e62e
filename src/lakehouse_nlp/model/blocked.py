"""Features and baseline of training rows that come in blocks: what `fit_scores` and `fit_baseline` find, from sums.

The booster's columns are those of rows in memory, in the same order; the regressions agree as far as both are fitted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from lakehouse_nlp.model import baseline as plain
from lakehouse_nlp.model.baseline import Baseline
from lakehouse_nlp.model.blocks import Blocks, Sums
from lakehouse_nlp.model.coded import Coded
from lakehouse_nlp.model.columns import Columns
from lakehouse_nlp.model.features import Features, together
from lakehouse_nlp.model.linear import Linear, class_sums, dependent, held_out, rarity, rows_with, tfidf
from lakehouse_nlp.model.rows import Floats, Ints, Rows, Spec
from lakehouse_nlp.model.task import Task
from lakehouse_nlp.model.together import Lesson, regressions

WHOLE = -1


@dataclass(frozen=True)
class Scored:
    """As `features.Scored`, of which only what takes sums over all rows is there: the rest is made block by block.

    `partial`: the regressions without each fold; `observed`: TF-IDF summed by class, classes x buckets.
    """

    rows: Blocks[Rows]
    spec: Spec
    task: Task
    values: Floats
    fold: Ints
    idf: Floats
    linear: Linear
    partial: list[Linear]
    observed: Floats
    coded: Coded
    kept: Ints | None = None

    @property
    def columns(self) -> Columns:
        """How categories become numbers."""
        return self.coded.columns

    def select(self, terms: int) -> tuple[Features, Blocks[csr_matrix]]:
        """The features with the best of the terms, and what the booster sees of the rows, linear scores out of fold."""
        spec, fold, idf, linear, partial = self.spec, self.fold, self.idf, self.linear, self.partial
        coded, best = self.coded, self.kept
        if best is None:
            best = dependent(self.observed, np.bincount(self.task.codes(self.values)), terms)
        selected = best

        def seen(start: int, block: Rows) -> csr_matrix:
            weights, folds = tfidf(block.counts, idf, spec), fold[start : start + len(block)]
            scores = held_out(weights, folds, linear, partial)
            return together(scores, coded.encode(block, folds), block.vectors, weights[:, selected])

        features = Features(replace(spec, select=terms), self.task, idf, linear, selected, self.columns)
        return features, self.rows.map(seen)


def fit_scores(
    rows: Blocks[Rows], task: Task, values: Floats, fold: Ints, spec: Spec, kept: Features | None = None
) -> Scored:
    """As `features.fit_scores`."""
    idf = kept.idf if kept else _rarity(rows)
    linear, partial, observed = _text(rows, task, values, fold, spec, idf, kept)
    coded = Coded.of(rows, task, values, fold, spec, kept.columns if kept else None)
    selected = kept.selected if kept else None
    return Scored(rows, spec, task, values, fold, idf, linear, partial, observed, coded, selected)


def fit_baseline(rows: Blocks[Rows], columns: Columns, task: Task, values: Floats) -> Baseline:
    """As `baseline.fit_baseline`."""

    def first(_: int, block: Rows) -> Sums:
        numbers = plain.numbers(block)
        return np.nansum(numbers, axis=0), (~np.isnan(numbers)).sum(axis=0)

    sums, found = rows.total(first)
    there = np.maximum(found, 1)
    mean = sums / there
    (squares,) = rows.total(lambda _, block: (np.nansum((plain.numbers(block) - mean) ** 2, axis=0),))
    spread = np.sqrt(squares / there)
    scale = np.where(spread > 0, spread, 1.0)
    whole = np.zeros(len(values), np.int64)

    def lesson(start: int, block: Rows) -> Lesson:
        return _lesson(start, plain.design(block, columns, mean, scale), task, values, whole)

    width = 2 * len(mean) + sum(len(known) for known in columns.levels)
    (fits,) = regressions(rows.map(lesson), width, task, plain.C, [WHOLE])
    return Baseline(mean, scale, Linear(fits[:, :-1], fits[:, -1]))


def _rarity(rows: Blocks[Rows]) -> Floats:
    """As `linear.inverse_document_frequency`."""
    (there,) = rows.total(lambda _, block: (rows_with(block.counts),))
    return rarity(there, len(rows))


def _text(
    rows: Blocks[Rows], task: Task, values: Floats, fold: Ints, spec: Spec, idf: Floats, kept: Features | None
) -> tuple[Linear, list[Linear], Floats]:
    """The regression of all rows, those without each fold, and the terms' sums by class; of `kept` features the
    first stays, and the last are not asked for.
    """
    codes = task.codes(values)
    classes = int(codes.max()) + 1
    if not spec.buckets:
        return Linear(np.zeros((0, 0)), np.zeros(0)), [], np.zeros((classes, 0))
    lessons = rows.map(
        lambda start, block: _lesson(start, tfidf(block.counts, idf, spec), task, values, fold),
    )
    held = [*range(spec.folds)] if kept else [WHOLE, *range(spec.folds)]
    fits = [Linear(fit[:, :-1], fit[:, -1]) for fit in regressions(lessons, spec.buckets, task, spec.linear_c, held)]
    if kept:
        return kept.linear, fits, np.zeros((classes, 0))
    (observed,) = lessons.total(
        lambda start, block: (class_sums(block.features, codes[start : start + block.shape[0]], classes),)
    )
    return fits[0], fits[1:], observed


def _lesson(start: int, features: csr_matrix, task: Task, values: Floats, fold: Ints) -> Lesson:
    inside = slice(start, start + features.shape[0])
    return Lesson(features, task.columns(values[inside]), task.row_weights(values[inside]), fold[inside])
