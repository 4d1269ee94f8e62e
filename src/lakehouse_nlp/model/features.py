"""What the booster sees: the one vectoriser of training and serving, fitted on the training rows.

A linear score of the text, numbers, categories, the text's vector, and the best TF-IDF terms. A training row's linear
score is out of fold, so that the booster does not trust it too much; any other row's is that of the regression of all
training rows. Everything is float64 until one cast to float32 at the booster's door, by the same code on both sides, so
that serving meets the very values that training saw.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import csr_matrix, hstack

from lakehouse_nlp.model import columns as encodings
from lakehouse_nlp.model.booster import Boosting
from lakehouse_nlp.model.columns import Columns, fit_columns
from lakehouse_nlp.model.linear import Linear, best_terms, fit_linear, inverse_document_frequency, tfidf
from lakehouse_nlp.model.rows import Floats, Ints, Rows, Spec, finite
from lakehouse_nlp.model.task import Task
from lakehouse_nlp.model.vectors import Singles


@dataclass
class Features:
    """Fitted features.

    `idf`: one a bucket. `selected`: the buckets that the booster sees, ascending. `columns`: how categories become
    numbers. `terms`: names of selected buckets, as far as known; set them with `Vectoriser.terms`.
    """

    spec: Spec
    task: Task
    idf: Floats
    linear: Linear
    selected: Ints
    columns: Columns
    terms: dict[int, str] = field(default_factory=dict)

    def of(self, rows: Rows) -> csr_matrix:
        """What the booster sees of rows that it was not trained on, n x features, float32, by the names of `names`."""
        weights = self.tfidf(rows)
        return together(self.linear.scores(weights), self.columns.encode(rows), rows.vectors, weights[:, self.selected])

    def tfidf(self, rows: Rows) -> csr_matrix:
        """TF-IDF of the rows, n x buckets, float64."""
        return tfidf(rows.counts, self.idf, self.spec)

    def names(self) -> list[str]:
        """`linear` or `linear:<class>`, columns by their names, `w2v_17` or `onnx_17`, terms as `text:<term>`."""
        texts = [f"text:{self.terms.get(bucket, f'#{bucket}')}" for bucket in self.selected.tolist()]
        return [*self._scores(), *encodings.names(self.spec, self.task), *self._vectors(), *texts]

    def categories(self) -> dict[str, list[str]]:
        """What the numbers of XGBoost's own categories stand for, by column."""
        known = zip(self.spec.categorical, self.columns.levels, strict=True)
        return {name: words for name, words in known if self.spec.encode.get(name, "native") == "native"}

    def boosting(self, threads: int) -> Boosting:
        """How these features are learnt from."""
        before, after = len(self._scores()), len(self._vectors()) + len(self.selected)
        signs = [self.spec.monotone.get(name, 0) for name in encodings.names(self.spec, self.task)]
        kinds = ["q"] * before + encodings.types(self.spec, self.task) + ["q"] * after
        return Boosting(self.task, self.spec, kinds, threads, [0] * before + signs + [0] * after)

    def _scores(self) -> list[str]:
        return self.task.named("linear") if self.spec.buckets else []

    def _vectors(self) -> list[str]:
        found = self.spec.vectors
        return [f"{found.prefix}_{place}" for place in range(found.size)] if found else []


@dataclass(frozen=True)
class Scored:
    """Training rows with all that the booster sees but the terms, which are still to be selected.

    `rows`: as they came; `weights`: TF-IDF, n x buckets; `scores`: linear ones out of fold; `encoded`: numbers and
    categories, as `fit_columns` gives them; `kept`: the terms of the features that are gone on with.
    """

    rows: Rows
    spec: Spec
    task: Task
    values: Floats
    idf: Floats
    weights: csr_matrix
    linear: Linear
    scores: Floats
    columns: Columns
    encoded: Floats
    kept: Ints | None = None

    def select(self, terms: int) -> tuple[Features, csr_matrix]:
        """The features with the best of the terms, and what the booster sees of the training rows, n x features."""
        best = best_terms(self.weights, self.task.codes(self.values), terms) if self.kept is None else self.kept
        features = Features(replace(self.spec, select=terms), self.task, self.idf, self.linear, best, self.columns)
        return features, together(self.scores, self.encoded, self.rows.vectors, self.weights[:, best])


def fit_scores(
    rows: Rows, task: Task, values: Floats, fold: Ints, spec: Spec, threads: int, kept: Features | None = None
) -> Scored:
    """TF-IDF, linear scores and encoded columns of training rows.

    `kept`: features that a booster was trained on, to go on with; what a row tells of its own label stays out of fold.
    """
    idf = kept.idf if kept else inverse_document_frequency(rows.counts)
    weights = tfidf(rows.counts, idf, spec)
    linear, scores = fit_linear(weights, task, values, fold, spec, threads, kept.linear if kept else None)
    columns, encoded = fit_columns(rows, task, values, fold, spec, kept.columns if kept else None)
    selected = kept.selected if kept else None
    return Scored(rows, spec, task, values, idf, weights, linear, scores, columns, encoded, selected)


def together(scores: Floats, encoded: Floats, vectors: Singles, terms: csr_matrix) -> csr_matrix:
    """The booster's columns, float32: scores, numbers and categories, vectors, then the selected terms.

    XGBoost takes what a CSR leaves out for missing. So the dense columns are all written, zeros too, with NaN for
    missing and for what float32 cannot hold; a term that a text lacks is left out.
    """
    dense = finite(np.hstack([scores, encoded, vectors])).astype(np.float32)
    n, width = dense.shape
    written = csr_matrix((dense.ravel(), np.tile(np.arange(width), n), np.arange(n + 1) * width), shape=dense.shape)
    return hstack([written, terms.astype(np.float32)], format="csr")
