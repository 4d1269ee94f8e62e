"""XGBoost: features to a matrix, rounds with early stopping and constraints, outputs in and out of fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lakehouse_nlp.model.rows import Floats, Ints, Spec
from lakehouse_nlp.model.task import Task

if TYPE_CHECKING:
    import xgboost

OnRound = Callable[[int, int], None]
OnOutputs = Callable[[int, Floats], None]

# Rounds between two looks at what the booster says of the validation rows.
EVERY = 10


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

    def matrix(self, features: csr_matrix, values: Floats | None = None) -> xgboost.DMatrix:
        """Rows for XGBoost, which takes what a CSR leaves out for missing; with `values`, n, to learn from."""
        import xgboost

        weights = None if values is None or not self.task.weighted else self.task.row_weights(values)
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
        features: csr_matrix,
        values: Floats,
        validation: tuple[csr_matrix, Floats] | None = None,
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

        callbacks, watched = [_told(on_round, self.spec.rounds)] if on_round else [], []
        matrix = self.matrix(*validation) if validation and len(validation[1]) else None
        if matrix and on_outputs:
            callbacks.append(_asked(matrix, self._shaped, on_outputs))
        if matrix and self.spec.early_stopping:
            callbacks.append(xgboost.callback.EarlyStopping(rounds=self.spec.early_stopping, save_best=True))
            watched.append((matrix, "validation"))
        return self._train(features, values, self.spec.rounds, evals=watched, callbacks=callbacks, xgb_model=onto)

    def held_out(self, features: csr_matrix, values: Floats, fold: Ints, rounds: int) -> Floats:
        """What boosters of the other folds say of each row, as `outputs`."""
        parts = [
            (inside, self.outputs(self._train(features[~inside], values[~inside], rounds), features[inside]))
            for inside in (fold == k for k in range(self.spec.folds))
        ]
        found = np.empty((len(values), parts[0][1].shape[1]))
        for inside, said in parts:
            found[inside] = said
        return found

    def outputs(self, booster: xgboost.Booster, features: csr_matrix) -> Floats:
        """Probabilities, n x classes, or numbers, n x 1; float64."""
        booster.set_param({"nthread": self.threads})
        return self._shaped(booster.predict(self.matrix(features)))

    def _shaped(self, predicted: NDArray[Any]) -> Floats:
        """XGBoost's predictions as `outputs` gives them."""
        said = predicted.astype(np.float64)
        if said.ndim == 2:
            return said
        return np.column_stack([1.0 - said, said]) if self.task.classes else said[:, None]

    def _train(self, features: csr_matrix, values: Floats, rounds: int, **more: Any) -> xgboost.Booster:
        import xgboost

        constraints = {"monotone_constraints": tuple(self.monotone)} if any(self.monotone) else {}
        fixed = {"tree_method": "hist", "seed": self.spec.seed, "nthread": self.threads}
        params = {**fixed, **self.spec.booster, **self.task.parameters(), **constraints}
        return xgboost.train(params, self.matrix(features, values), num_boost_round=rounds, verbose_eval=False, **more)


def _told(on_round: OnRound, rounds: int) -> Any:
    import xgboost

    class Told(xgboost.callback.TrainingCallback):
        """Says after each round how many are done."""

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            on_round(epoch + 1, rounds)
            return False

    return Told()


def _asked(matrix: xgboost.DMatrix, shaped: Callable[[NDArray[Any]], Floats], on_outputs: OnOutputs) -> Any:
    import xgboost

    class Asked(xgboost.callback.TrainingCallback):
        """Asks the booster, as far as it is, for the rows of the matrix."""

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            if (epoch + 1) % EVERY == 0:
                on_outputs(epoch + 1, shaped(model.predict(matrix)))
            return False

    return Asked()
