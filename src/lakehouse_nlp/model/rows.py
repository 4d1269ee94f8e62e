"""What a model is made of and fed with: its specification, and rows as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lakehouse_nlp.model.vectoriser import Vectoriser

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Objects = NDArray[np.object_]


@dataclass(frozen=True)
class Spec:
    """Everything that, with the training rows, decides a model.

    `booster` holds XGBoost parameters by XGBoost's own names; `linear_c` is the inverse strength of the L2 penalty;
    `select` is how many terms the booster sees, and `folds` how many parts the out-of-fold scores are made in.
    """

    buckets: int = 2**18
    ngrams: int = 2
    sublinear: bool = True
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    select: int = 3000
    linear_c: float = 8.0
    folds: int = 3
    seed: int = 0
    rounds: int = 200
    booster: Mapping[str, float | int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Takes lists, as JSON has them, for tuples."""
        object.__setattr__(self, "numeric", tuple(self.numeric))
        object.__setattr__(self, "categorical", tuple(self.categorical))

    @property
    def vectoriser(self) -> Vectoriser:
        """The vectoriser of training and of serving."""
        return Vectoriser(self.buckets, self.ngrams, self.sublinear)


@dataclass
class Rows:
    """n rows: `counts` n x buckets raw term counts, `numeric` n x m floats with NaN for missing, `categorical` n x c
    objects, each a string or None.
    """

    counts: csr_matrix
    numeric: Floats
    categorical: Objects

    def __len__(self) -> int:
        return int(self.counts.shape[0])

    def take(self, index: NDArray[Any]) -> Rows:
        """The rows at these positions, or where this mask is true."""
        return Rows(self.counts[index], self.numeric[index], self.categorical[index])


def levels(categorical: Objects) -> list[list[str]]:
    """The distinct values of each column, sorted, without the missing."""
    return [sorted({value for value in column if value is not None}) for column in categorical.T]


def encode(categorical: Objects, known: list[list[str]]) -> Floats:
    """Each value's position among the known ones of its column, n x c; NaN where it is missing or unknown."""
    codes = np.full(categorical.shape, np.nan)
    for column, values in enumerate(known):
        texts = pa.array(categorical[:, column], pa.string(), from_pandas=True)
        codes[:, column] = pc.index_in(texts, value_set=pa.array(values, pa.string())).to_numpy(zero_copy_only=False)
    return codes
