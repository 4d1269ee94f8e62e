"""What a model is made of and fed with: its specification, rows as arrays, and the folds they are dealt into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from lakehouse_nlp.model.vectoriser import Vectoriser
from lakehouse_nlp.model.vectors import Singles, Vectors

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Objects = NDArray[np.object_]
Objective = Literal["auto", "binary", "multiclass", "regression"]
T = TypeVar("T")


@dataclass(frozen=True)
class Spec:
    """Everything that, with the training rows, decides a model.

    `buckets` is 0 where no terms are counted; `vocabulary`, where it is not empty, takes the place of the hash.
    `vectors` makes dense vectors of the text, beside its terms or in their place.
    `select` is how many terms the booster sees, and `folds` how many parts the out-of-fold scores are made in.
    `linear_c` is the inverse strength of the L2 penalty; `booster` holds XGBoost parameters by XGBoost's own names.
    `encode` says how a categorical column becomes numbers (native, frequency, target; native unless named);
    `monotone`: numeric column -> 1 (the output never falls as it grows) or -1. `class_weights`: none, balanced, or
    class -> weight. `early_stopping`: rounds to wait for a better validation loss, 0 for never. `threshold`: the metric
    that the cut between two classes is chosen for on the validation rows, or nothing: the likelier class.
    """

    buckets: int = 2**18
    ngrams: int = 2
    sublinear: bool = True
    vocabulary: tuple[str, ...] = field(default=(), repr=False)
    vectors: Vectors | None = field(default=None, repr=False)
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    encode: Mapping[str, str] = field(default_factory=dict)
    select: int = 3000
    linear_c: float = 8.0
    folds: int = 3
    seed: int = 0
    rounds: int = 200
    booster: Mapping[str, float | int] = field(default_factory=dict)
    objective: Objective = "auto"
    class_weights: str | Mapping[str, float] = "none"
    early_stopping: int = 0
    monotone: Mapping[str, int] = field(default_factory=dict)
    calibration: str = "none"
    threshold: str = ""

    def __post_init__(self) -> None:
        """Takes lists, as JSON has them, for tuples."""
        for name in ("numeric", "categorical", "vocabulary"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def vectoriser(self) -> Vectoriser:
        """The vectoriser of training and of serving."""
        return Vectoriser(self.buckets, self.ngrams, self.sublinear, self.vocabulary)


@dataclass
class Rows:
    """n rows: `counts` n x buckets raw term counts, `numeric` n x m floats with NaN for missing, `categorical` n x c
    objects, each a string or None, `vectors` n x size of the text; none of these unless given.
    """

    counts: csr_matrix
    numeric: Floats
    categorical: Objects
    vectors: Singles = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.vectors is None:
            self.vectors = np.zeros((len(self), 0), dtype=np.float32)

    def __len__(self) -> int:
        return int(self.counts.shape[0])

    def take(self, index: NDArray[Any]) -> Rows:
        """The rows at these positions, or where this mask is true."""
        return Rows(self.counts[index], self.numeric[index], self.categorical[index], self.vectors[index])

    def each(self, work: Callable[[int, Rows], T]) -> Iterator[T]:
        """What `work` says of the rows: as of `Blocks`, of which they are one."""
        yield work(0, self)


def joined(parts: Sequence[Rows]) -> Rows:
    """The rows of one part after the other; there must be one part at least."""
    if len(parts) == 1:
        return parts[0]
    return Rows(
        vstack([part.counts for part in parts], format="csr"),
        np.concatenate([part.numeric for part in parts]),
        np.concatenate([part.categorical for part in parts]),
        np.concatenate([part.vectors for part in parts]),
    )


def finite(numbers: Floats) -> Floats:
    """The numbers, with NaN for those that float32, and so XGBoost, cannot hold."""
    return np.asarray(np.where(np.abs(numbers) <= np.finfo(np.float32).max, numbers, np.nan))


def folds_of(codes: Ints, folds: int, seed: int, groups: NDArray[Any] | None = None) -> Ints:
    """A fold for each row, 0 to `folds` - 1: each class dealt out in turn, in an order that the seed shuffles.

    `groups`: rows of one value, n, stay together; a group counts as of the rarest class among its rows, and large ones
    are dealt first, so that folds are of like size. Raises ValueError for fewer groups than folds.
    """
    of = places_of(groups, len(codes))
    sizes = np.bincount(of)
    if groups is not None and len(sizes) < folds:
        raise ValueError(f"train.folds is {folds}, and the training rows are of {len(sizes)} groups (gold.split.by)")
    rank = np.argsort(np.argsort(np.bincount(codes), kind="stable"), kind="stable")
    rarest = np.full(len(sizes), len(rank))
    np.minimum.at(rarest, of, rank[codes])
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    dealt = shuffled[np.lexsort((-sizes[shuffled], np.argsort(rank)[rarest[shuffled]]))]
    fold = np.empty(len(sizes), dtype=np.int64)
    fold[dealt] = np.arange(len(sizes)) % folds
    return fold[of]


def places_of(groups: NDArray[Any] | None, rows: int) -> Ints:
    """The position of each row's group among the distinct ones, n; without groups each row is one of its own."""
    return np.arange(rows) if groups is None else np.unique(groups.astype(str), return_inverse=True)[1]
