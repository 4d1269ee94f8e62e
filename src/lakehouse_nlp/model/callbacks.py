"""What XGBoost calls back: for the rows of a spool, page by page, and after each round."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lakehouse_nlp.model.blocks import Spool
from lakehouse_nlp.model.rows import Floats

if TYPE_CHECKING:
    import xgboost

OnRound = Callable[[int, int], None]
OnOutputs = Callable[[int, Floats], None]

# Rounds between two looks at what the booster says of the validation rows.
EVERY = 10


def pages(features: Spool[csr_matrix], values: Floats | None, weights: Floats | None, types: list[str]) -> Any:
    """The blocks as XGBoost asks for them, one at a time; it keeps its pages in the spool's folder."""
    import xgboost

    class Pages(xgboost.DataIter):
        """A block a step."""

        def __init__(self) -> None:
            super().__init__(cache_prefix=str(features.folder / "pages"))
            self._next = 0

        def next(self, input_data: Callable[..., Any]) -> bool:
            if self._next == features.blocks:
                return False
            inside = features.rows_of(self._next)
            label = None if values is None else values[inside]
            weight = None if weights is None else weights[inside]
            input_data(data=features.block(self._next), label=label, weight=weight, feature_types=types)
            self._next += 1
            return True

        def reset(self) -> None:
            self._next = 0

    return Pages()


def told(on_round: OnRound, rounds: int) -> Any:
    """Says after each round how many are done."""
    import xgboost

    class Told(xgboost.callback.TrainingCallback):
        """Says after each round how many are done."""

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            on_round(epoch + 1, rounds)
            return False

    return Told()


def asked(matrix: xgboost.DMatrix, shaped: Callable[[NDArray[Any]], Floats], on_outputs: OnOutputs) -> Any:
    """Asks the booster, as far as it is, for the rows of the matrix, after every tenth round."""
    import xgboost

    class Asked(xgboost.callback.TrainingCallback):
        """Asks the booster, as far as it is, for the rows of the matrix."""

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            if (epoch + 1) % EVERY == 0:
                on_outputs(epoch + 1, shaped(model.predict(matrix)))
            return False

    return Asked()
