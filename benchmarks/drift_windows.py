"""Windows of real reviews with a planted shift: each row is counted once, and a window is a sum of rows."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_matrix

from lakehouse_nlp.model.histograms import BUCKETS, bucket, category_bins, number_bins, of_categories, of_numbers
from lakehouse_nlp.model.reference import NEW_TERMS, TERMS, Reference, of_outputs, places_of
from lakehouse_nlp.model.rows import Rows, Spec
from lakehouse_nlp.model.stacked import fit
from lakehouse_nlp.model.vectoriser import Vectoriser
from lakehouse_nlp.monitor.judge import Counts
from lakehouse_nlp.train.reference import centroid_of, of_texts, once_a_row

SHIFTS = ("vocabulary", "class balance", "length", "language", "missing values")
TRAINED, HELD, CUT = 25_000, 6_000, 15
TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
COMMONEST = "de la que el en y a los del se las por un para con no una su al lo como más pero muy es mi"
SPANISH = frozenset(COMMONEST.split())


VECTORISER = Vectoriser(buckets=2**14, ngrams=1, sublinear=True)


@dataclass
class Reviews:
    """n reviews: tokens joined by blanks, category (or None) and label; how often each hashed term is in a text, and
    which buckets its terms fall into, both n x buckets.
    """

    texts: np.ndarray
    categories: np.ndarray
    labels: np.ndarray
    counts: csr_matrix
    terms: csr_matrix

    @classmethod
    def of(cls, texts: np.ndarray, categories: np.ndarray, labels: np.ndarray) -> Reviews:
        """Reviews of these texts."""
        text = pa.array(texts, pa.string())
        rows, ids, terms = once_a_row(text)
        buckets = np.fromiter(map(bucket, terms.to_pylist()), np.int64, len(terms))[ids]
        once = csr_matrix((np.ones(len(rows)), (rows, buckets)), (len(texts), BUCKETS))
        return cls(texts, categories, labels, VECTORISER.counts(text), once)

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, index: Any) -> Reviews:
        """The reviews at these positions."""
        return Reviews(*(getattr(self, part.name)[index] for part in fields(self)))

    @cached_property
    def vectors(self) -> np.ndarray:
        """A random projection of the words' shares: dense vectors of a text, without an encoder."""
        projection = np.random.default_rng(0).normal(size=(self.counts.shape[1], 50))
        lengths = np.maximum(np.asarray(self.counts.sum(axis=1)), 1)
        return np.asarray(self.counts.multiply(1 / lengths) @ projection, dtype=np.float32)


def read(path: Path) -> Reviews:
    """One review an id, sorted by it; those of 3 stars, which have no label, are left out."""
    rows: dict[str, dict[str, Any]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            rows[row["ReviewID"]] = row
    found = [rows[key] for key in sorted(rows) if rows[key].get("Content") and float(rows[key]["Overall"]) != 3]
    texts = [" ".join(TOKEN.findall(f"{row.get('Title') or ''} {row['Content']}".lower())) for row in found]
    labels = ["positive" if float(row["Overall"]) > 3 else "negative" for row in found]
    kinds = [row["category"] for row in found]
    return Reviews.of(*(np.array(values, dtype=object) for values in (texts, kinds, labels)))


def spanish(text: str) -> bool:
    """Whether three words of ten are among Spanish's commonest."""
    words = text.split()
    return len(words) >= 8 and sum(word in SPANISH for word in words) > 0.3 * len(words)


@dataclass
class Counted:
    """n rows: the bin of each by feature, or of a text's features how often it adds to each; vectors, n x size."""

    bins: dict[str, np.ndarray]
    terms: dict[str, csr_matrix]
    vectors: np.ndarray

    def __len__(self) -> int:
        return len(self.vectors)


@dataclass
class Window:
    """So many rows as histograms, and the sum of their vectors; `before`: windows before it."""

    rows: int
    counts: dict[str, Counts]
    sums: np.ndarray
    before: Sequence[Window] = ()


class World:
    """A model of cameras and phones, its reference, and reviews that it has not seen: as they are, and by shift."""

    def __init__(self, reviews: Reviews, seed: int) -> None:
        """`seed`: of the split into training rows, held-out ones, and those that windows are drawn from."""
        rng = np.random.default_rng(seed)
        foreign, laptops = np.array([spanish(text) for text in reviews.texts]), reviews.categories == "laptops"
        plain = rng.permutation(np.flatnonzero(~foreign & ~laptops))
        train, held = reviews.take(plain[:TRAINED]), reviews.take(plain[TRAINED : TRAINED + HELD])
        rest = reviews.take(plain[TRAINED + HELD :])
        self.spec = Spec(buckets=2**14, ngrams=1, select=300, rounds=40, categorical=("category",))
        self.model = fit(_rows(train), train.labels, self.spec, threads=2)
        self.reference = self._reference(train, held)
        self.plain = self._counted(rest)
        cut = np.array([" ".join(text.split()[:CUT]) for text in rest.texts], object)
        shifted = (
            _elsewhere(rng, reviews.take(np.flatnonzero(laptops & ~foreign)), rest),
            rest.take(np.flatnonzero(rest.labels == "negative")),
            Reviews.of(cut, rest.categories, rest.labels),
            _elsewhere(rng, reviews.take(np.flatnonzero(foreign & ~laptops)), rest),
            replace(rest, categories=np.full(len(rest), None, object)),
        )
        self.shifted = {name: self._counted(rows) for name, rows in zip(SHIFTS, shifted, strict=True)}

    def window(self, rng: np.random.Generator, size: int, shift: str | None = None, share: float = 0.0) -> Window:
        """Rows drawn by chance, so large a share of them from those of the shift."""
        many = round(size * share) if shift else 0
        parts = [(self.plain, size - many), *([(self.shifted[shift], many)] if shift and many else [])]
        drawn = [(of, rng.choice(len(of), n, replace=n > len(of))) for of, n in parts]
        found = {}
        for each in self.reference.histograms:
            of = (_sum(rows, part, each.name, len(each.counts)) for part, rows in drawn)
            found[each.name] = Counts(size, tuple(np.sum(list(of), axis=0).astype(int).tolist()))
        return Window(size, found, np.sum([of.vectors[rows].sum(axis=0, dtype=float) for of, rows in drawn], axis=0))

    def _reference(self, train: Reviews, held: Reviews) -> Reference:
        texts = [pa.array(part.texts, pa.string()) for part in (train, held)]
        terms, known = of_texts(lambda: texts[:1], lambda: texts[1:])
        outputs, rows = self.model.outputs(_rows(held)), _rows(train)
        rows.vectors = train.vectors
        columns = [
            of_numbers("n_tokens", _lengths(train)),
            of_categories("category", _often(train.categories)),
            of_categories("label", _often(train.labels), "label"),
        ]
        said = of_outputs(outputs, self.model.predictions(outputs), self.model.classes)
        return Reference((*columns, *terms, *said), known, centroid_of(rows))

    def _counted(self, reviews: Reviews) -> Counted:
        of, outputs = self.reference, self.model.outputs(_rows(reviews))
        numbers = {"n_tokens": _lengths(reviews), "score": outputs[:, -1], "confidence": outputs.max(axis=1)}
        kinds = {"category": reviews.categories, "label": reviews.labels}
        kinds["prediction"] = self.model.predictions(outputs)
        bins = {name: number_bins(values, of[name].cuts) for name, values in numbers.items()}
        bins |= {name: category_bins(values, of[name].values) for name, values in kinds.items()}
        new = ~np.unpackbits(np.frombuffer(of.known, np.uint8)).astype(bool)
        places = {TERMS: places_of(of[TERMS].values), NEW_TERMS: new.astype(np.int64)}
        once = reviews.terms.tocoo()
        found = {
            name: csr_matrix((once.data, (once.row, place[once.col])), (len(reviews), len(of[name].counts)))
            for name, place in places.items()
        }
        return Counted(bins, found, reviews.vectors)


def _rows(reviews: Reviews) -> Rows:
    return Rows(reviews.counts, np.zeros((len(reviews), 0)), reviews.categories[:, None])


def _elsewhere(rng: np.random.Generator, others: Reviews, rest: Reviews) -> Reviews:
    """Their texts, with the categories of the rest: the text alone gives them away."""
    return replace(others, categories=rng.choice(rest.categories, len(others)))


def _sum(rows: np.ndarray, of: Counted, name: str, bins: int) -> np.ndarray:
    if name in of.bins:
        return np.bincount(of.bins[name][rows], minlength=bins)
    return np.asarray(of.terms[name][rows].sum(axis=0)).ravel()


def _lengths(reviews: Reviews) -> np.ndarray:
    return np.array([len(text.split()) for text in reviews.texts], dtype=np.float64)


def _often(values: np.ndarray) -> dict[str | None, int]:
    names, often = np.unique(values.astype(str), return_counts=True)
    return dict(zip(map(str, names), map(int, often), strict=True))
