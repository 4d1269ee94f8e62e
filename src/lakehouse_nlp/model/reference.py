"""What a model was trained on and what it said of rows it did not learn from, as histograms: the reference of drift.

Kept with the model as JSON of a few hundred kilobytes at most, so that monitoring needs no row of training.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lakehouse_nlp.model.distances import Chance
from lakehouse_nlp.model.histograms import BUCKETS, Histogram, bucket, of_categories, of_numbers
from lakehouse_nlp.model.profile import scores
from lakehouse_nlp.model.rows import Floats, Ints

FORMAT = 1
TERMS, NEW_TERMS = "terms", "new_terms"


@dataclass(frozen=True)
class Centroid:
    """The mean of n vectors, and what chance does to the squared distance of two means: the trace of their covariance,
    and that of its square.
    """

    mean: tuple[float, ...]
    rows: int
    trace: float
    squared: float

    def distance(self, mean: ArrayLike) -> float:
        """The squared distance from another mean, in units of a row's mean squared distance from its own."""
        apart = np.asarray(mean, dtype=np.float64) - np.asarray(self.mean)
        return float(apart @ apart) / self.trace if self.trace else 0.0

    @property
    def chance(self) -> Chance:
        """The null distribution of the distance, by Satterthwaite's two moments."""
        ratio = self.squared / self.trace**2 if self.trace else 1.0
        return Chance(ratio, 1 / ratio)


@dataclass(frozen=True)
class Reference:
    """Histograms of the training rows and of the outputs on rows that were held out; `known`: the buckets of all terms
    of the training rows, as a packed bitset; `centroid`: of the rows' vectors, where the model has any.
    """

    histograms: tuple[Histogram, ...]
    known: bytes = b""
    centroid: Centroid | None = None

    def __getitem__(self, name: str) -> Histogram:
        """The histogram of this name. Raises KeyError."""
        return {each.name: each for each in self.histograms}[name]

    @property
    def has_terms(self) -> bool:
        """Whether the model reads text."""
        return bool(self.known)

    def of_terms(self, buckets: ArrayLike, counts: ArrayLike) -> dict[str, list[int]]:
        """Histograms of the text by how many terms, each once a row, fell into each of these buckets."""
        places, often = np.asarray(buckets, dtype=np.int64), np.asarray(counts, dtype=np.int64)
        own, inside = self._places[places], self._bits[places]
        many = len(self[TERMS].counts)
        return {
            TERMS: np.bincount(own, often, many).astype(np.int64).tolist(),
            NEW_TERMS: [int(often[inside].sum()), int(often[~inside].sum())],
        }

    @cached_property
    def _bits(self) -> NDArray[np.bool_]:
        return np.unpackbits(np.frombuffer(self.known, dtype=np.uint8)).astype(bool)

    @cached_property
    def _places(self) -> Ints:
        """The bin of each bucket."""
        return places_of(self[TERMS].values)

    def to_json(self) -> str:
        """As it is kept; the same reference gives the same text."""
        found: dict[str, Any] = {
            "format": FORMAT,
            "histograms": [each.plain() for each in self.histograms],
            "known": base64.b64encode(zlib.compress(self.known, 9)).decode(),
            "centroid": vars(self.centroid) if self.centroid else None,
        }
        return json.dumps(found, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Reference:
        """What was kept."""
        found = json.loads(text)
        centroid = found["centroid"]
        return cls(
            tuple(Histogram.of_plain(each) for each in found["histograms"]),
            zlib.decompress(base64.b64decode(found["known"])),
            Centroid(**{**centroid, "mean": tuple(centroid["mean"])}) if centroid else None,
        )


def of_outputs(outputs: Floats, predictions: NDArray[Any], classes: Sequence[str]) -> list[Histogram]:
    """What a model says: `prediction` and `confidence` of classes, and `score`, as `profile.scores` has it."""
    found = [of_numbers("score", scores(outputs, classes), "output")]
    if classes:
        places = {name: place for place, name in enumerate(classes)}
        own = outputs[np.arange(len(outputs)), [places[name] for name in predictions]]
        found += [
            of_categories("prediction", Counter(predictions.tolist()), "output"),
            of_numbers("confidence", own, "output"),
        ]
    return found


def packed(terms: Mapping[str, int]) -> bytes:
    """The buckets of the terms as a bitset."""
    bits = np.zeros(BUCKETS, dtype=bool)
    bits[[bucket(term) for term in terms]] = True
    return np.packbits(bits).tobytes()


def places_of(terms: Sequence[str]) -> Ints:
    """The bin of each bucket: that of the term, of two in one bucket the first, or the bin after all of these."""
    places = np.full(BUCKETS, len(terms), dtype=np.int64)
    for place, term in reversed(list(enumerate(terms))):
        places[bucket(term)] = place
    return places
