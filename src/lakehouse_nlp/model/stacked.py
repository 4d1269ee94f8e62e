"""The stacked model: XGBoost over the features, calibrated and cut as the specification asks; a baseline beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lakehouse_nlp.model import blocked
from lakehouse_nlp.model.baseline import Baseline, fit_baseline
from lakehouse_nlp.model.blocks import Blocks
from lakehouse_nlp.model.booster import Learners, here
from lakehouse_nlp.model.calibration import Calibration, best_cut, cut_metrics, fit_calibration
from lakehouse_nlp.model.callbacks import OnOutputs, OnRound
from lakehouse_nlp.model.features import Features, Scored, fit_scores
from lakehouse_nlp.model.rows import Floats, Ints, Objects, Rows, Spec, folds_of
from lakehouse_nlp.model.task import Task

if TYPE_CHECKING:
    import xgboost

Validation = tuple[Rows | Blocks[Rows], NDArray[Any]]

__all__ = ["Prepared", "Rows", "Spec", "StackedModel", "fit", "score"]


@dataclass
class StackedModel:
    """A fitted model.

    `cut`: the probability of the last of two classes from which on it is the prediction; None: the likeliest class is.
    `threads`: for predicting; 1, because Spark's tasks are parallel already.
    """

    features: Features
    booster: xgboost.Booster
    baseline: Baseline | None = None
    calibration: Calibration | None = None
    cut: float | None = None
    threads: int = 1

    @property
    def spec(self) -> Spec:
        """What the model was made by."""
        return self.features.spec

    @property
    def classes(self) -> list[str]:
        """The names of the classes, sorted; none for a regression."""
        return list(self.features.task.classes)

    def outputs(self, rows: Rows | Blocks[Rows]) -> Floats:
        """Probabilities, n x classes, or for a regression numbers, n x 1. A row's do not depend on those beside it."""
        if not len(rows):
            return np.zeros((0, max(len(self.classes), 1)))
        return np.concatenate(list(rows.each(lambda _, block: self._outputs(block))))

    def linear_outputs(self, rows: Rows | Blocks[Rows]) -> Floats:
        """What the linear baseline says, shaped as `outputs`: the booster must beat it."""
        if not len(rows):
            return np.zeros((0, max(len(self.classes), 1)))
        return np.concatenate(list(rows.each(lambda _, block: self._linear_outputs(block))))

    def predictions(self, outputs: Floats) -> Objects:
        """The class that each row of probabilities stands for, or its number as text, n."""
        if not self.classes:
            return np.array([repr(value) for value in outputs[:, 0].tolist()], dtype=object)
        best = outputs.argmax(axis=1) if self.cut is None else (outputs[:, 1] >= self.cut).astype(np.int64)
        return np.asarray(np.array(self.classes, dtype=object)[best])

    def importance(self) -> list[tuple[str, float]]:
        """The features the booster splits on and their mean gain a split, best first."""
        names = self.features.names()
        gains: dict[str, Any] = self.booster.get_score(importance_type="gain")
        return sorted(((names[int(key[1:])], float(gain)) for key, gain in gains.items()), key=lambda x: (-x[1], x[0]))

    def _outputs(self, rows: Rows) -> Floats:
        said = self.features.boosting(self.threads).outputs(self.booster, self.features.of(rows))
        return self.calibration.apply(said) if self.calibration else said

    def _linear_outputs(self, rows: Rows) -> Floats:
        if self.baseline:
            linear, seen = self.baseline.linear, self.baseline.design(rows, self.features.columns)
        else:
            linear, seen = self.features.linear, self.features.tfidf(rows)
        return linear.proba(seen) if self.classes else linear.scores(seen)


@dataclass(frozen=True)
class Prepared:
    """Training rows as a booster sees them, so that several can be fitted on them: `seen` n x features, `values` and
    `fold` n each; validation rows for early stopping and the threshold; `learner`: who makes the boosters.
    """

    features: Features
    seen: csr_matrix | Blocks[csr_matrix]
    values: Floats
    fold: Ints
    validation: Validation | None = None
    learner: Learners = here

    def boosted(
        self,
        spec: Spec,
        threads: int,
        on_round: OnRound | None = None,
        on_outputs: OnOutputs | None = None,
        onto: xgboost.Booster | None = None,
    ) -> StackedModel:
        """The model of a specification that differs from the features' in what comes after them; without a baseline.

        `on_round`, `on_outputs`, `onto`: see `Boosting.fit`.
        """
        features, task = replace(self.features, spec=spec), self.features.task
        boosting = self.learner(features.boosting(threads))
        checked = self._checked if spec.early_stopping or on_outputs else None
        model = StackedModel(features, boosting.fit(self.seen, self.values, checked, on_round, on_outputs, onto))
        if spec.calibration != "none" and task.classes:
            held_out = boosting.held_out(self.seen, self.values, self.fold, model.booster.num_boosted_rounds())
            model.calibration = fit_calibration(spec.calibration, held_out, task.codes(self.values))
        if spec.threshold:
            model.cut = _cut(model, self.validation)
        return model

    @cached_property
    def _checked(self) -> tuple[csr_matrix | Blocks[csr_matrix], Floats] | None:
        if self.validation is None:
            return None
        features, (rows, labels) = self.features, self.validation
        seen = features.of(rows) if isinstance(rows, Rows) else rows.map(lambda _, block: features.of(block))
        return seen, features.task.values(labels)


def score(
    rows: Rows | Blocks[Rows],
    labels: NDArray[Any],
    spec: Spec,
    threads: int,
    groups: NDArray[Any] | None = None,
    kept: Features | None = None,
) -> tuple[Scored | blocked.Scored, Ints]:
    """All that the booster sees of training rows but the terms, and the fold of each row; `groups`: as in `fit`.

    `kept`: as in `fit_scores`. Raises ValueError when the labels do not fit the objective, or are of one class.
    """
    task = Task.of(labels, spec.objective, spec.class_weights)
    values = task.values(labels)
    fold = folds_of(task.codes(values), spec.folds, spec.seed, groups)
    if isinstance(rows, Rows):
        return fit_scores(rows, task, values, fold, spec, threads, kept), fold
    return blocked.fit_scores(rows, task, values, fold, spec, kept), fold


def fit(
    rows: Rows | Blocks[Rows],
    labels: NDArray[Any],
    spec: Spec,
    threads: int,
    on_round: OnRound | None = None,
    validation: Validation | None = None,
    groups: NDArray[Any] | None = None,
    onto: StackedModel | None = None,
    learner: Learners = here,
) -> StackedModel:
    """Fits a model on rows and their labels, n each; calls `on_round(done, rounds)` after each boosting round.

    `validation`: rows and labels for early stopping and for the threshold, where the specification asks for them;
    they are held as `rows` are.
    `groups`: rows of one value, n, are in one fold of everything that is made out of fold. `onto`: a model of the same
    classes and columns whose features are kept, and whose booster is gone on with. `learner`: who makes the boosters.
    The same rows in the same order, spec and number of threads give the same model to the byte: sort the rows by key.
    Raises ValueError when the labels do not fit the objective, or are of one class.
    """
    scored, fold = score(rows, labels, spec, threads, groups, onto.features if onto else None)
    features, seen = scored.select(spec.select)
    ready = Prepared(features, seen, scored.values, fold, validation, learner)
    model = ready.boosted(spec, threads, on_round, onto=onto.booster if onto else None)
    if not spec.buckets:
        model.baseline = _baseline(scored)
    return model


def _baseline(scored: Scored | blocked.Scored) -> Baseline:
    if isinstance(scored, Scored):
        return fit_baseline(scored.rows, scored.columns, scored.task, scored.values)
    return blocked.fit_baseline(scored.rows, scored.columns, scored.task, scored.values)


def _cut(model: StackedModel, validation: Validation | None) -> float:
    """The threshold that is best by `spec.threshold` on the validation rows. Raises ValueError where there is none."""
    known, task = cut_metrics(model.classes), model.features.task
    if len(model.classes) != 2 or model.spec.threshold not in known:
        raise ValueError(f"train.threshold is {model.spec.threshold!r}; for two classes there are {', '.join(known)}")
    if not validation or not len(validation[0]):
        raise ValueError(
            "train.threshold is chosen on validation rows, and there are none; raise gold.split.validation"
        )
    codes = task.codes(task.values(validation[1]))
    return best_cut(model.outputs(validation[0])[:, 1], codes, model.classes, model.spec.threshold)
