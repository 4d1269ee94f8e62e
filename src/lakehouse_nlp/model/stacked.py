"""The stacked model: XGBoost over a linear score, the best TF-IDF terms, numbers and categories.

A training row's linear score is out of fold, so that the booster does not trust it too much; any other row's is that of
the regression of all training rows. Everything is float64 until one cast to float32 at the booster's door, by the same
code on both sides, so that serving meets the very values that training saw.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from lakehouse_nlp.model.linear import Linear, best_terms, fit_linear, inverse_document_frequency, tfidf
from lakehouse_nlp.model.rows import Floats, Ints, Rows, Spec, encode, levels

if TYPE_CHECKING:
    import xgboost

__all__ = ["Rows", "Spec", "StackedModel", "fit"]


@dataclass
class StackedModel:
    """A fitted model.

    `classes`: names, sorted. `idf`: one a bucket. `selected`: the buckets that the booster sees, ascending. `levels`:
    the known values of each categorical column. `terms`: names of selected buckets, as far as known; set them with
    `Vectoriser.terms`. `threads`: for predicting; 1, because Spark's tasks are parallel already.
    """

    spec: Spec
    classes: list[str]
    idf: Floats
    linear: Linear
    selected: Ints
    levels: list[list[str]]
    booster: xgboost.Booster
    terms: dict[int, str] = field(default_factory=dict)
    threads: int = 1

    def predict_proba(self, rows: Rows) -> Floats:
        """Probabilities, n x classes. A row's do not depend on the rows beside it."""
        if not len(rows):
            return np.zeros((0, len(self.classes)))
        terms = self._tfidf(rows)
        features = _features(self.linear.scores(terms), terms, self.selected, rows, self.levels)
        self.booster.set_param({"nthread": self.threads})
        proba = self.booster.predict(_matrix(features, self.spec, len(self.linear.bias), self.threads))
        last = proba.astype(np.float64)
        return last if last.ndim == 2 else np.column_stack([1.0 - last, last])

    def linear_proba(self, rows: Rows) -> Floats:
        """Probabilities of the regression alone, n x classes: the baseline that the booster must beat."""
        return self.linear.proba(self._tfidf(rows))

    def importance(self) -> list[tuple[str, float]]:
        """The features the booster splits on and their mean gain a split, best first."""
        names = self.feature_names()
        gains: dict[str, Any] = self.booster.get_score(importance_type="gain")
        return sorted(((names[int(key[1:])], float(gain)) for key, gain in gains.items()), key=lambda x: (-x[1], x[0]))

    def feature_names(self) -> list[str]:
        """The booster's columns: `linear` or `linear:<class>`, columns by their names, terms as `text:<term>`."""
        scores = ["linear"] if len(self.linear.bias) == 1 else [f"linear:{name}" for name in self.classes]
        texts = [f"text:{self.terms.get(bucket, f'#{bucket}')}" for bucket in self.selected.tolist()]
        return [*scores, *self.spec.numeric, *self.spec.categorical, *texts]

    def save(self, folder: Path | str) -> None:
        """Writes `booster.ubj`, `arrays.npz` and `model.json` into the folder, which is made if it is not there."""
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        self.booster.save_model(path / "booster.ubj")
        arrays = {"idf": self.idf, "selected": self.selected, "weights": self.linear.weights, "bias": self.linear.bias}
        np.savez_compressed(path / "arrays.npz", **arrays)  # type: ignore[arg-type]
        terms = {str(bucket): term for bucket, term in sorted(self.terms.items())}
        about = {"spec": asdict(self.spec), "classes": self.classes, "levels": self.levels, "terms": terms}
        (path / "model.json").write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | str, threads: int = 1) -> StackedModel:
        """What `save` wrote; predicts the same, bit by bit."""
        import xgboost

        path = Path(folder)
        about: dict[str, Any] = json.loads((path / "model.json").read_text(encoding="utf-8"))
        with np.load(path / "arrays.npz", allow_pickle=False) as arrays:
            linear = Linear(arrays["weights"], arrays["bias"])
            idf, selected = arrays["idf"], arrays["selected"]
        terms = {int(bucket): term for bucket, term in about["terms"].items()}
        booster = xgboost.Booster(model_file=path / "booster.ubj")
        spec = Spec(**about["spec"])
        return cls(spec, about["classes"], idf, linear, selected, about["levels"], booster, terms, threads)

    def _tfidf(self, rows: Rows) -> csr_matrix:
        return tfidf(rows.counts, self.idf, self.spec)


def fit(
    rows: Rows,
    labels: NDArray[Any],
    spec: Spec,
    threads: int,
    on_round: Callable[[int, int], None] | None = None,
) -> StackedModel:
    """Fits a model on rows and their class names, n each; calls `on_round(done, rounds)` after each boosting round.

    The same rows in the same order, spec and number of threads give the same model to the byte: sort the rows by key.
    Raises ValueError when the labels are of fewer than two classes.
    """
    classes, codes = np.unique(labels.astype(str), return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"labels hold {len(classes)} class(es) ({', '.join(classes) or 'no rows'}); need 2 or more")
    idf = inverse_document_frequency(rows.counts)
    terms = tfidf(rows.counts, idf, spec)
    linear, held_out = fit_linear(terms, codes, spec, threads)
    selected, known = best_terms(terms, codes, spec.select), levels(rows.categorical)
    features = _features(held_out, terms, selected, rows, known)
    booster = _boost(features, codes, spec, threads, on_round)
    return StackedModel(spec, classes.tolist(), idf, linear, selected, known, booster)


def _boost(
    features: csr_matrix, codes: Ints, spec: Spec, threads: int, on_round: Callable[[int, int], None] | None
) -> xgboost.Booster:
    import xgboost

    classes = int(codes.max()) + 1
    task = {"objective": "binary:logistic"} if classes == 2 else {"objective": "multi:softprob", "num_class": classes}
    params = {"tree_method": "hist", "seed": spec.seed, "nthread": threads, **spec.booster, **task}
    data = _matrix(features, spec, 1 if classes == 2 else classes, threads, codes)
    booster = xgboost.Booster(params, [data])
    for done in range(spec.rounds):
        booster.update(data, done)
        if on_round:
            on_round(done + 1, spec.rounds)
    return booster


def _features(scores: Floats, terms: csr_matrix, selected: Ints, rows: Rows, known: list[list[str]]) -> csr_matrix:
    """The booster's columns, float32: scores, numbers and category codes, then the selected terms.

    XGBoost takes what a CSR leaves out for missing. So the dense columns are all written, zeros too, with NaN for
    missing; a term that a text lacks is left out.
    """
    dense = np.hstack([scores, rows.numeric, encode(rows.categorical, known)])
    dense = np.where(np.abs(dense) <= np.finfo(np.float32).max, dense, np.nan).astype(np.float32)
    n, width = dense.shape
    written = csr_matrix((dense.ravel(), np.tile(np.arange(width), n), np.arange(n + 1) * width), shape=dense.shape)
    return hstack([written, terms[:, selected].astype(np.float32)], format="csr")


def _matrix(features: csr_matrix, spec: Spec, scores: int, threads: int, codes: Ints | None = None) -> xgboost.DMatrix:
    """The features with XGBoost's column types: `c` for categories, `q` for quantities."""
    import xgboost

    before, between = scores + len(spec.numeric), len(spec.categorical)
    types = ["q"] * before + ["c"] * between + ["q"] * (features.shape[1] - before - between)
    return xgboost.DMatrix(features, label=codes, feature_types=types, enable_categorical=True, nthread=threads)
