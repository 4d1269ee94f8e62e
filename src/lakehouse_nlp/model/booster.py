"""XGBoost: features to a matrix, rounds with early stopping and constraints, outputs in and out of fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lakehouse_nlp.model.blocks import Spool
from lakehouse_nlp.model.callbacks import OnOutputs, OnRound, asked, pages, told
from lakehouse_nlp.model.rows import Floats, Ints, Spec
from lakehouse_nlp.model.task import Task

if TYPE_CHECKING:
    import xgboost

# XGBoost's own default.
MAX_BIN = 256


class Learner(Protocol):
    """What makes boosters of features and values, n each: here, or somewhere else."""

    def fit(
        self,
        features: Any,
        values: Floats,
        validation: tuple[Any, Floats] | None = None,
        on_round: OnRound | None = None,
        on_outputs: OnOutputs | None = None,
        onto: xgboost.Booster | None = None,
    ) -> xgboost.Booster:
        """The booster, as `Boosting.fit`."""

    def held_out(self, features: Any, values: Floats, fold: Ints, rounds: int) -> Floats:
        """What boosters of the other folds say of each row, as `Boosting.held_out`."""


@dataclass(frozen=True)
class Boosting:
    """How features become a booster. `types`: XGBoost's type of each feature, `c` for its own categories, else `q`;
    `monotone`: 1, -1 or 0 for each, or nothing.
    """

    task: Task
    spec: Spec
    types: Sequence[str]
    threads: int
    monotone: Sequence[int] = ()

    def matrix(
        self,
        features: csr_matrix | Spool[csr_matrix],
        values: Floats | None = None,
        ref: xgboost.DMatrix | None = None,
        binned: bool = True,
    ) -> xgboost.DMatrix:
        """Rows for XGBoost, which takes what a CSR leaves out for missing; with `values`, n, to learn from.

        Rows in a spool are binned block by block, into pages on disk, or kept there as they are where not `binned`;
        `ref`: a matrix whose bins they share.
        """
        import xgboost

        weights = None if values is None or not self.task.weighted else self.task.row_weights(values)
        if isinstance(features, Spool):
            bins = {"max_bin": int(self.spec.booster.get("max_bin", MAX_BIN)), "ref": ref} if binned else {}
            kind: Any = xgboost.ExtMemQuantileDMatrix if binned else xgboost.DMatrix
            steps = pages(features, values, weights, list(self.types))
            paged = kind(steps, enable_categorical=True, nthread=self.threads, **bins)
            paged.spool = features  # whose folder has the pages, and stays as long as they are asked for
            found: xgboost.DMatrix = paged
            return found
        return xgboost.DMatrix(
            features,
            label=values,
            weight=weights,
            feature_types=list(self.types),
            enable_categorical=True,
            nthread=self.threads,
        )

    def fit(
        self,
        features: csr_matrix | Spool[csr_matrix],
        values: Floats,
        validation: tuple[csr_matrix | Spool[csr_matrix], Floats] | None = None,
        on_round: OnRound | None = None,
        on_outputs: OnOutputs | None = None,
        onto: xgboost.Booster | None = None,
    ) -> xgboost.Booster:
        """The booster of these rows; calls `on_round(done, rounds)` after each round, and after every tenth
        `on_outputs(done, outputs)` with what it says of the validation rows, as `outputs`. Either may raise to end it.

        `onto`: a booster of the same features that is gone on with, by `spec.rounds` more; it stays as it is.
        With `spec.early_stopping` and validation rows it ends at the round of the least validation loss.
        """
        import xgboost

        # Trees that were made on other rows cut within the bins of these: they are asked about the numbers themselves.
        binned = onto is None
        matrix = self.matrix(features, values, binned=binned)
        callbacks, watched = [told(on_round, self.spec.rounds)] if on_round else [], []
        watching = self.spec.early_stopping or on_outputs
        checked = None
        if watching and validation and len(validation[1]):
            checked = self.matrix(*validation, ref=matrix if binned else None, binned=binned)
        if checked and on_outputs:
            callbacks.append(asked(checked, self._shaped, on_outputs))
        if checked and self.spec.early_stopping:
            callbacks.append(xgboost.callback.EarlyStopping(rounds=self.spec.early_stopping, save_best=True))
            watched.append((checked, "validation"))
        return self._train(matrix, self.spec.rounds, evals=watched, callbacks=callbacks, xgb_model=onto)

    def held_out(self, features: csr_matrix | Spool[csr_matrix], values: Floats, fold: Ints, rounds: int) -> Floats:
        """What boosters of the other folds say of each row, as `outputs`."""
        parts = []
        for inside in (fold == k for k in range(self.spec.folds)):
            booster = self._train(self.matrix(taken(features, ~inside), values[~inside]), rounds)
            parts.append((inside, self.outputs(booster, taken(features, inside))))
        found = np.empty((len(values), parts[0][1].shape[1]))
        for inside, said in parts:
            found[inside] = said
        return found

    def outputs(self, booster: xgboost.Booster, features: csr_matrix | Spool[csr_matrix]) -> Floats:
        """Probabilities, n x classes, or numbers, n x 1; float64."""
        if isinstance(features, Spool):
            return np.concatenate(list(features.each(lambda _, block: self.outputs(booster, block))))
        booster.set_param({"nthread": self.threads})
        return self._shaped(booster.inplace_predict(features))  # nothing is copied; what a CSR leaves out is missing

    def _shaped(self, predicted: NDArray[Any]) -> Floats:
        """XGBoost's predictions as `outputs` gives them."""
        said = predicted.astype(np.float64)
        if said.ndim == 2:
            return said
        return np.column_stack([1.0 - said, said]) if self.task.classes else said[:, None]

    def parameters(self) -> dict[str, Any]:
        """XGBoost's parameters, but for the threads."""
        constraints = {"monotone_constraints": tuple(self.monotone)} if any(self.monotone) else {}
        fixed = {"tree_method": "hist", "seed": self.spec.seed}
        return {**fixed, **self.spec.booster, **self.task.parameters(), **constraints}

    def _train(self, matrix: xgboost.DMatrix, rounds: int, **more: Any) -> xgboost.Booster:
        import xgboost

        params = {"nthread": self.threads, **self.parameters()}
        return xgboost.train(params, matrix, num_boost_round=rounds, verbose_eval=False, **more)


# Who makes boosters, by what is to be learnt from.
Learners = Callable[[Boosting], Learner]


def here(boosting: Boosting) -> Learner:
    """The boosters are made in this process."""
    return boosting


def taken(features: csr_matrix | Spool[csr_matrix], mask: NDArray[np.bool_]) -> csr_matrix | Spool[csr_matrix]:
    """The rows where the mask is true."""
    if isinstance(features, Spool):
        return features.where(mask)
    return features[mask]
