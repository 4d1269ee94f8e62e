"""The linear part: L2-normalised TF-IDF, logistic regression over it, and its out-of-fold scores."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import expit

from lakehouse_nlp.model.rows import Floats, Ints, Spec

MAX_ITERATIONS = 1000


@dataclass(frozen=True)
class Linear:
    """Logistic regressions, one a column: `weights` columns x buckets, `bias` columns.

    One column, the last class against the first, for two classes; else one for each class against the rest.
    """

    weights: Floats
    bias: Floats

    def scores(self, terms: csr_matrix) -> Floats:
        """Log-odds of TF-IDF rows, n x columns. NaN for a class that was not in the training rows."""
        return np.asarray(terms @ self.weights.T + self.bias)

    def proba(self, terms: csr_matrix) -> Floats:
        """Probabilities of TF-IDF rows, n x classes."""
        each = np.asarray(expit(self.scores(terms)))
        if each.shape[1] == 1:
            return np.hstack([1.0 - each, each])
        return np.asarray(each / each.sum(axis=1, keepdims=True))


def inverse_document_frequency(counts: csr_matrix) -> Floats:
    """ln((1 + n) / (1 + rows with the term)) + 1 for each bucket, as scikit-learn's TfidfTransformer has it."""
    rows_with = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.asarray(np.log((1.0 + counts.shape[0]) / (1.0 + rows_with)) + 1.0)


def tfidf(counts: csr_matrix, idf: Floats, spec: Spec) -> csr_matrix:
    """Term frequency times `idf`, each row of Euclidean length 1 (or empty), float64, n x buckets."""
    tf = spec.vectoriser.tf(counts)
    weights = tf.data * idf[tf.indices]
    row = np.repeat(np.arange(tf.shape[0]), np.diff(tf.indptr))
    length = np.sqrt(np.bincount(row, weights**2, minlength=tf.shape[0]))
    return csr_matrix((weights / length[row], tf.indices, tf.indptr), shape=tf.shape)


def best_terms(terms: csr_matrix, codes: Ints, select: int) -> Ints:
    """The `select` buckets that depend most on the class by chi-squared, ascending; only those that depend at all."""
    member = csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))))
    observed = (member @ terms).toarray()
    expected = np.outer(np.bincount(codes) / len(codes), observed.sum(axis=0))
    distance = np.divide((observed - expected) ** 2, expected, out=np.zeros_like(observed), where=expected > 0)
    chi2 = distance.sum(axis=0)
    best = np.argsort(-chi2, kind="stable")[:select]
    return np.sort(best[chi2[best] > 0])


def fit_linear(terms: csr_matrix, codes: Ints, spec: Spec, threads: int) -> tuple[Linear, Floats]:
    """The regression of all rows, and each row's scores by a regression of the folds that it is not in, n x columns.

    A row without terms has the scores that serving would give it: they tell nothing of its label. The fits run
    `threads` at a time; the result does not depend on how many.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    fold, classes = _fold_of(codes, spec), int(codes.max()) + 1
    members = [codes == k for k in (range(classes) if classes > 2 else [1])]
    parts = [np.arange(len(codes)), *(np.flatnonzero(fold != k) for k in range(spec.folds))]
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(max(1, threads)) as pool:
        fits = pool.map(lambda task: _fit(terms[task[0]], task[1][task[0]], spec), product(parts, members))
        columns = np.array(list(fits)).reshape(len(parts), len(members), -1)
    full, *partial = [Linear(part[:, :-1], part[:, -1]) for part in columns]
    held_out = np.empty((len(codes), len(members)))
    for k, model in enumerate(partial):
        held_out[fold == k] = model.scores(terms[fold == k])
    held_out[np.diff(terms.indptr) == 0] = full.bias
    return full, held_out


def _fold_of(codes: Ints, spec: Spec) -> Ints:
    """A fold for each row: each class dealt out in turn, in an order that the seed shuffles."""
    shuffled = np.random.default_rng(spec.seed).permutation(len(codes))
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    fold = np.empty(len(codes), dtype=np.int64)
    fold[by_class] = np.arange(len(codes)) % spec.folds
    return fold


def _fit(terms: csr_matrix, member: NDArray[np.bool_], spec: Spec) -> Floats:
    """One regression's weights and, last, its bias; NaN where all rows are members, or none. L-BFGS: deterministic."""
    from sklearn.linear_model import LogisticRegression

    if member.all() or not member.any():
        return np.full(terms.shape[1] + 1, np.nan)
    model = LogisticRegression(C=spec.linear_c, max_iter=MAX_ITERATIONS).fit(terms, member)
    return np.append(model.coef_[0], model.intercept_)
