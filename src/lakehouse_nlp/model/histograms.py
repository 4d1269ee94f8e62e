"""One feature of a population as counts over bins that training fixed: a column, the text's terms, an output.

Bins are told by values alone, so numpy in training and a Spark expression in monitoring count the same rows alike.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lakehouse_nlp.model.distances import Chance
from lakehouse_nlp.model.profile import cuts_of
from lakehouse_nlp.model.rows import Floats, Ints, finite

Kind = Literal["number", "category", "terms", "new_terms"]
Side = Literal["input", "output", "label"]

# Values of a category that have a bin of their own: the commonest, and none that is rarer than this share.
MOST_VALUES, LEAST_SHARE = 50, 0.005
# Terms that have a bin of their own, and the buckets that the hash of a term falls into.
MOST_TERMS, BUCKETS = 100, 2**20
# Words of a text that are looked at: a few very long texts would hide what the others say (docs/monitoring.md).
FIRST = 150


@dataclass(frozen=True)
class Histogram:
    """Counts over bins.

    `number`: the bins between `cuts`, then that of missing ones; `category`: a bin for each of `values`, then others,
    then missing ones; `terms`: a bin for each of `values`, then all others; `new_terms`: terms that training had, then
    others. A term counts once for a row, or a few long texts would decide. `rows`: how many rows were counted.
    """

    name: str
    side: Side
    kind: Kind
    counts: tuple[int, ...]
    rows: int
    cuts: tuple[float, ...] = ()
    values: tuple[str, ...] = ()
    chance: Chance = field(default=Chance(1.0, 1.0))

    @property
    def bins(self) -> list[str]:
        """What each bin holds, for people."""
        if self.kind == "number":
            ends = [f"{cut:.6g}" for cut in self.cuts]
            between = [f"{low} to {high}" for low, high in zip(["", *ends], [*ends, ""], strict=True)]
            return [*(part.strip() for part in between), "(missing)"]
        if self.kind == "new_terms":
            return ["known", "new"]
        return [*self.values, "(other)", *(["(missing)"] if self.kind == "category" else [])]

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        chance = [self.chance.scale, self.chance.freedom]
        return {"name": self.name, "side": self.side, "kind": self.kind, "rows": self.rows, "counts": list(self.counts),
                "cuts": list(self.cuts), "values": list(self.values), "chance": chance}  # fmt: skip

    @classmethod
    def of_plain(cls, found: Mapping[str, Any]) -> Histogram:
        """From JSON."""
        lists = {name: tuple(found[name]) for name in ("counts", "cuts", "values")}
        return cls(**{**found, **lists, "chance": Chance(*found["chance"])})


def of_numbers(name: str, values: Floats, side: Side = "input") -> Histogram:
    """Numbers, n, by their deciles; NaN, and what float32 cannot hold, is missing."""
    numbers = finite(values)
    cuts = tuple(cuts_of(numbers[~np.isnan(numbers)]))
    counts = count(number_bins(values, cuts), len(cuts) + 2)
    return Histogram(name, side, "number", counts, len(values), cuts, chance=chance_of(counts))


def of_categories(name: str, often: Mapping[str | None, int], side: Side = "input") -> Histogram:
    """Values, None among them, and how often each is there; ties to the alphabetically first."""
    rows, there = sum(often.values()), [(n, value) for value, n in often.items() if value is not None]
    best = sorted(there, key=lambda pair: (-pair[0], pair[1]))[:MOST_VALUES]
    chosen = {value: n for n, value in best if n >= LEAST_SHARE * rows}
    missing = often.get(None, 0)
    counts = (*chosen.values(), rows - missing - sum(chosen.values()), missing)
    return Histogram(name, side, "category", counts, rows, values=tuple(chosen), chance=chance_of(counts))


def number_bins(values: Floats, cuts: Sequence[float]) -> Ints:
    """The bin of each number, n."""
    numbers = finite(values)
    found = np.searchsorted(np.asarray(cuts), numbers, side="right")
    return np.where(np.isnan(numbers), len(cuts) + 1, found).astype(np.int64)


def category_bins(values: NDArray[Any], names: Sequence[str]) -> Ints:
    """The bin of each value, n; each is a string or None."""
    places: dict[str | None, int] = {name: place for place, name in enumerate(names)}
    places[None] = len(names) + 1
    return np.fromiter((places.get(value, len(names)) for value in values), np.int64, len(values))


def bucket(term: str) -> int:
    """The bucket of a term: Spark SQL has the same as `crc32(term) % BUCKETS`."""
    return zlib.crc32(term.encode()) % BUCKETS


def count(bins: Ints, many: int) -> tuple[int, ...]:
    """How often each of so many bins occurs."""
    return tuple(int(n) for n in np.bincount(bins, minlength=many))


def chance_of(counts: Sequence[int]) -> Chance:
    """What chance does to a histogram to which each row adds one count: bins that training left empty do not vary."""
    return Chance.of_bins(int(np.count_nonzero(counts)))
