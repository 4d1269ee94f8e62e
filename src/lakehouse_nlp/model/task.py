"""What a model learns: one of two classes, one of several, or a number; read from the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lakehouse_nlp.model.rows import Floats, Ints, Objective

# With more distinct values than this, labels that are all numbers are a quantity.
MOST_CLASSES = 20
BINS = 4
XGBOOST = {"binary": "binary:logistic", "multiclass": "multi:softprob", "regression": "reg:squarederror"}


@dataclass(frozen=True)
class Task:
    """An objective and its classes, sorted, with the weight of each; none of them for a regression."""

    objective: Objective
    classes: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()

    @classmethod
    def of(cls, labels: NDArray[Any], wanted: Objective, class_weights: str | Mapping[str, float]) -> Task:
        """The task that training labels set.

        `wanted`: an objective, or auto, which takes more than 20 distinct labels that are all numbers for a quantity,
        and any others for classes. Raises ValueError where the labels do not fit.
        """
        names = sorted(set(labels.astype(str)))
        if cls.are_numbers(names, wanted):
            if odd := next((name for name in names if not _are_numbers([name])), None):
                raise ValueError(f"train.objective is regression, and the label {str(odd)!r} is no number")
            return cls("regression")
        found = _objective(names, wanted)
        return cls(found, tuple(names), _weights(labels.astype(str), names, class_weights))

    @staticmethod
    def are_numbers(names: Sequence[str], wanted: Objective) -> bool:
        """Whether distinct labels are taken for a quantity."""
        return wanted == "regression" or (wanted == "auto" and len(names) > MOST_CLASSES and _are_numbers(names))

    def values(self, labels: NDArray[Any]) -> Floats:
        """Positions in `classes`, or the numbers themselves, n. Raises ValueError for a label that is neither."""
        texts = labels.astype(str)
        if not self.classes:
            return np.asarray(texts, dtype=np.float64)
        places = np.searchsorted(self.classes, texts)
        known = np.array(self.classes)[np.minimum(places, len(self.classes) - 1)]
        if (unknown := texts[known != texts]).size:
            raise ValueError(f"no class {str(unknown[0])!r} in the training labels ({', '.join(self.classes)})")
        return np.asarray(places, dtype=np.float64)

    def codes(self, values: Floats) -> Ints:
        """The class of each value, n; of numbers, the quarter of them that it is in."""
        if self.classes:
            return values.astype(np.int64)
        return np.searchsorted(np.quantile(values, np.arange(1, BINS) / BINS), values).astype(np.int64)

    def columns(self, values: Floats) -> Floats:
        """What is regressed on, n x columns: one for two classes and for numbers, else one for each class."""
        if len(self.classes) > 2:
            return np.asarray(values[:, None] == np.arange(len(self.classes)), dtype=np.float64)
        return values[:, None]

    def row_weights(self, values: Floats) -> Floats:
        """How much each row counts, n."""
        if not self.weights:
            return np.ones(len(values))
        return np.asarray(np.array(self.weights)[values.astype(np.int64)])

    @property
    def weighted(self) -> bool:
        """Whether some rows count more than others."""
        return any(weight != 1.0 for weight in self.weights)

    def named(self, name: str) -> list[str]:
        """What to call the columns of something that is made for each column of `columns`."""
        return [f"{name}:{known}" for known in self.classes] if len(self.classes) > 2 else [name]

    def parameters(self) -> dict[str, Any]:
        """XGBoost's parameters of the objective."""
        several = {"num_class": len(self.classes)} if self.objective == "multiclass" else {}
        return {"objective": XGBOOST[self.objective], **several}


def _objective(names: Sequence[str], wanted: Objective) -> Objective:
    if len(names) < 2:
        raise ValueError(f"labels hold {len(names)} class(es) ({', '.join(names) or 'no rows'}); need 2 or more")
    found: Objective = "binary" if len(names) == 2 else "multiclass"
    if wanted not in ("auto", found):
        raise ValueError(f"train.objective is {wanted}, and the labels hold {len(names)} classes: {', '.join(names)}")
    return found


def _weights(texts: NDArray[Any], names: Sequence[str], wanted: str | Mapping[str, float]) -> tuple[float, ...]:
    """The weight of each class; `balanced` is rows / (classes x rows of the class), as scikit-learn has it."""
    if wanted == "balanced":
        return tuple(len(texts) / (len(names) * int((texts == name).sum())) for name in names)
    given = dict(wanted) if isinstance(wanted, Mapping) else {}
    if odd := sorted(set(given) - set(names)):
        raise ValueError(f"train.class_weights names {odd[0]!r}, and the labels are {', '.join(names)}")
    return tuple(given.get(name, 1.0) for name in names)


def _are_numbers(names: Sequence[str]) -> bool:
    try:
        return bool(np.isfinite(np.array(names, dtype=np.float64)).all())
    except ValueError:
        return False
