"""The linear part: L2-normalised TF-IDF, a regression over it, and its out-of-fold scores."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import expit

from lakehouse_nlp.model.rows import Floats, Ints, Spec
from lakehouse_nlp.model.task import Task

MAX_ITERATIONS = 1000
# Regressions that are fitted side by side: each has a copy of its rows, and twenty vectors as wide as they are.
TOGETHER = 2


@dataclass(frozen=True)
class Linear:
    """Regressions, one a column: `weights` columns x features, `bias` columns.

    Logistic ones of one column, the last class against the first, for two classes, else of one for each class against
    the rest; a ridge regression of one column for numbers.
    """

    weights: Floats
    bias: Floats

    def scores(self, terms: csr_matrix) -> Floats:
        """Log-odds, or numbers, of n x features rows, n x columns. NaN for a class without training rows."""
        return np.asarray(terms @ self.weights.T + self.bias)

    def proba(self, terms: csr_matrix) -> Floats:
        """Probabilities of n x features rows, n x classes."""
        each = np.asarray(expit(self.scores(terms)))
        if each.shape[1] == 1:
            return np.hstack([1.0 - each, each])
        return np.asarray(each / each.sum(axis=1, keepdims=True))


def inverse_document_frequency(counts: csr_matrix) -> Floats:
    """ln((1 + n) / (1 + rows with the term)) + 1 for each bucket, as scikit-learn's TfidfTransformer has it."""
    return rarity(rows_with(counts), counts.shape[0])


def rows_with(counts: csr_matrix) -> Ints:
    """In how many rows each bucket is."""
    return np.bincount(counts.indices, minlength=counts.shape[1])


def rarity(there: Ints, rows: int) -> Floats:
    """The inverse document frequency of buckets that are in so many of the rows."""
    return np.asarray(np.log((1.0 + rows) / (1.0 + there)) + 1.0)


def tfidf(counts: csr_matrix, idf: Floats, spec: Spec) -> csr_matrix:
    """Term frequency times `idf`, each row of Euclidean length 1 (or empty), float64, n x buckets."""
    weights = spec.vectoriser.tf(counts).data
    weights *= idf.take(counts.indices)
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    length = np.sqrt(np.bincount(row, weights * weights, minlength=counts.shape[0]))
    weights /= length.take(row)
    return csr_matrix((weights, counts.indices, counts.indptr), shape=counts.shape)


def best_terms(terms: csr_matrix, codes: Ints, select: int) -> Ints:
    """The `select` buckets that depend most on the class by chi-squared, ascending; only those that depend at all."""
    return dependent(class_sums(terms, codes, int(codes.max()) + 1), np.bincount(codes), select)


def class_sums(terms: csr_matrix, codes: Ints, classes: int) -> Floats:
    """The sum of each bucket by class, classes x buckets."""
    shape = (classes, len(codes))
    return np.asarray((csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))), shape) @ terms).toarray())


def dependent(observed: Floats, rows: Ints, select: int) -> Ints:
    """The best buckets by their sums in each class, and the rows of each class."""
    expected = np.outer(rows / rows.sum(), observed.sum(axis=0))
    distance = np.divide((observed - expected) ** 2, expected, out=np.zeros_like(observed), where=expected > 0)
    chi2 = distance.sum(axis=0)
    best = np.argsort(-chi2, kind="stable")[:select]
    return np.sort(best[chi2[best] > 0])


def fit_linear(
    terms: csr_matrix, task: Task, values: Floats, fold: Ints, spec: Spec, threads: int, kept: Linear | None = None
) -> tuple[Linear, Floats]:
    """The regression of all rows, and each row's scores by a regression of the folds that it is not in, n x columns.

    `kept`: a regression that stays the one of serving; those of the folds are fitted all the same.
    A row without terms has the scores that serving would give it: they tell nothing of its label. The fits run
    `threads` at a time, or `TOGETHER`; the result does not depend on how many. Without buckets there are no columns.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    if not terms.shape[1]:
        return Linear(np.zeros((0, 0)), np.zeros(0)), np.zeros((len(values), 0))
    columns, weights = task.columns(values), task.row_weights(values)
    parts = [] if kept else [np.arange(len(values))]
    parts += [np.flatnonzero(fold != k) for k in range(spec.folds)]

    def one(job: tuple[Ints, Floats]) -> Floats:
        part, column = job
        inside = terms if len(part) == len(values) else terms[part]
        return regression(inside, column[part], weights[part], task, spec.linear_c)

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(max(1, min(threads, TOGETHER))) as pool:
        fits = np.array(list(pool.map(one, product(parts, columns.T)))).reshape(len(parts), columns.shape[1], -1)
    full, *partial = [*([kept] if kept else []), *(Linear(fit[:, :-1], fit[:, -1]) for fit in fits)]
    return full, held_out(terms, fold, full, partial)


def held_out(terms: csr_matrix, fold: Ints, full: Linear, partial: Sequence[Linear]) -> Floats:
    """Each row's scores by the regression without its fold, n x columns; without terms, those of the `full` one."""
    found = np.empty((len(fold), len(full.bias)))
    for k, model in enumerate(partial):
        found[fold == k] = model.scores(terms[fold == k])
    found[np.diff(terms.indptr) == 0] = full.bias
    return found


def regression(features: csr_matrix, column: Floats, weights: Floats, task: Task, c: float) -> Floats:
    """One regression's weights and, last, its bias: of a class against the rest, or of numbers, with L2 penalty 1 / c.

    NaN where all rows are of the class, or none. L-BFGS and conjugate gradients: deterministic.
    """
    from sklearn.linear_model import LogisticRegression, Ridge

    weighted = weights if task.weighted else None
    if not task.classes:
        ridge = Ridge(alpha=1 / c, solver="sparse_cg", tol=1e-6).fit(features, column, weighted)
        return np.append(ridge.coef_, ridge.intercept_)
    if np.ptp(column) == 0:
        return np.full(features.shape[1] + 1, np.nan)
    model = LogisticRegression(C=c, max_iter=MAX_ITERATIONS).fit(features, column > 0, weighted)
    return np.append(model.coef_[0], model.intercept_)
