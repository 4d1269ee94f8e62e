"""The reference of a model: its training rows and its outputs on held-out rows as histograms, in batches of gold.

Counts and sorted numbers depend on no order of rows, so the same gold gives the same reference, whoever reads it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix

from lakehouse_nlp.core import duck
from lakehouse_nlp.model.blocks import Blocks
from lakehouse_nlp.model.distances import Chance
from lakehouse_nlp.model.histograms import FIRST, MOST_TERMS, Histogram, bucket, of_categories, of_numbers
from lakehouse_nlp.model.reference import (
    NEW_TERMS,
    TERMS,
    Centroid,
    Reference,
    of_outputs,
    packed,
    places_of,
)
from lakehouse_nlp.model.rows import Ints, Rows
from lakehouse_nlp.model.stacked import StackedModel
from lakehouse_nlp.model.vectoriser import ngrams
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.material import Material
from lakehouse_nlp.train.source import GOLD, LABELLED, Source

READ = 15_000
# Figures of a row's text that gold has anyway.
LENGTHS = ("n_tokens", "n_chars")

Texts = Callable[[], Iterable[pa.Array]]  # the same texts whenever it is asked


def reference(model: StackedModel, material: Material) -> Reference:
    """The reference of a model of this material; outputs are those of the validation rows, or where there are none of
    the test rows.
    """
    source, held = material.source, material.validation if len(material.validation) else material.test
    split = "validation" if held is material.validation else "test"
    said = model.outputs(held.rows)
    found = [*_columns(source), _label(model, material.train)]
    found += of_outputs(said, model.predictions(said), model.classes)
    centroid = centroid_of(material.train.rows) if source.spec.vectors else None
    if not source.ctx.settings.text:
        return Reference(tuple(found), centroid=centroid)
    terms, known = of_texts(lambda: _texts(source, "train"), lambda: _texts(source, split))
    return Reference((*found, *terms), known, centroid)


def of_texts(train: Texts, held: Texts, most: int = MOST_TERMS) -> tuple[list[Histogram], bytes]:
    """Histograms of the commonest terms, and of terms new to the training rows, and the bitset of their terms."""
    often: Counter[str] = Counter()
    for text in train():
        _, ids, terms = once_a_row(text)
        rows = np.bincount(ids, minlength=len(terms)).tolist()
        often.update({term: n for term, n in zip(terms.to_pylist(), rows, strict=True) if n})
    chosen = tuple(term for term, _ in sorted(often.items(), key=lambda item: (-item[1], item[0]))[:most])
    places, known = places_of(chosen), packed(often)
    new = ~np.unpackbits(np.frombuffer(known, dtype=np.uint8)).astype(bool)
    common = _Terms.of(train(), places, len(chosen) + 1)
    unseen = _Terms.of(held(), new.astype(np.int64), 2)
    return [
        Histogram(TERMS, "input", "terms", common.counts, common.rows, values=chosen, chance=common.chance),
        Histogram(NEW_TERMS, "input", "new_terms", unseen.counts, unseen.rows, chance=unseen.chance),
    ], known


def once_a_row(text: pa.Array | pa.ChunkedArray) -> tuple[Ints, Ints, pa.Array]:
    """The terms among the first words of each text: row and index of each, once a row, and the terms by index."""
    ((rows, ids, terms),) = ngrams(text, 1)
    early = np.arange(len(rows)) - np.searchsorted(rows, rows) < FIRST
    at, term = np.divmod(np.unique(rows[early] * len(terms) + ids[early]), max(len(terms), 1))
    return at, term, terms


def centroid_of(rows: Rows | Blocks[Rows]) -> Centroid:
    """The centroid of the rows' vectors, of those that have one; rounded so that the size of batches does not show."""

    def sums(_: int, block: Rows) -> tuple[int, np.ndarray, np.ndarray]:
        vectors = block.vectors[~np.isnan(block.vectors).any(axis=1)].astype(np.float64)
        return len(vectors), vectors.sum(axis=0), vectors.T @ vectors

    counts, firsts, seconds = zip(*rows.each(sums), strict=True)
    many = max(sum(counts), 1)
    mean = np.sum(firsts, axis=0) / many
    covariance = np.sum(seconds, axis=0) / many - np.outer(mean, mean)
    trace, squared = float(np.trace(covariance)), float(np.sum(covariance * covariance))
    return Centroid(tuple(np.round(mean, 6).tolist()), sum(counts), round(trace, 6), round(squared, 9))


@dataclass(frozen=True)
class _Terms:
    """Terms of texts over bins, once a row: counts, rows, and the null distribution by how rows differ."""

    counts: tuple[int, ...]
    rows: int
    chance: Chance

    @classmethod
    def of(cls, texts: Iterable[pa.Array], places: Ints, bins: int) -> _Terms:
        """`places`: the bin of each bucket."""
        rows, counts, products = 0, np.zeros(bins), np.zeros((bins, bins))
        for text in texts:
            at, ids, terms = once_a_row(text)
            own = places[np.fromiter(map(bucket, terms.to_pylist()), np.int64, len(terms))]
            each = csr_matrix((np.ones(len(at)), (at, own[ids])), shape=(len(text), bins))
            rows, counts = rows + len(text), counts + np.asarray(each.sum(axis=0)).ravel()
            products += (each.T @ each).toarray()
        if not counts.sum():
            return cls(tuple(int(n) for n in counts), rows, Chance.of_bins(bins))
        shares, mean = counts / counts.sum(), counts.sum() / rows
        apart = np.eye(bins) - np.outer(shares, np.ones(bins))  # a row's counts less what the shares expect of so many
        covariance = apart @ products @ apart.T / rows / mean**2
        return cls(tuple(int(n) for n in counts), rows, Chance.of_spread(covariance, shares))


def _columns(source: Source) -> list[Histogram]:
    """Histograms of the numbers and categories that the model sees, and of the lengths of its text."""
    spec, text = source.spec, bool(source.ctx.settings.text)
    numbers = (*spec.numeric, *(LENGTHS if text else ()))
    chosen = [f'cast("{name}" as double) as "n {name}"' for name in numbers]
    chosen += [f'cast("{name}" as string) as "c {name}"' for name in spec.categorical]
    if not chosen:
        return []
    table = pa.Table.from_batches(list(_batches(source, "train", chosen)))
    found = [of_numbers(name, table[f"n {name}"].to_numpy().astype(np.float64)) for name in numbers]
    kinds = ((name, pc.value_counts(table[f"c {name}"])) for name in spec.categorical)
    return [*found, *(of_categories(name, dict(zip(*map(_listed, c.flatten()), strict=True))) for name, c in kinds)]


def _listed(values: pa.Array) -> list[Any]:
    found: list[Any] = values.to_pylist()
    return found


def _label(model: StackedModel, train: Labelled) -> Histogram:
    if model.classes:
        return of_categories("label", Counter(train.labels.tolist()), "label")
    return of_numbers("label", train.labels.astype(np.float64), "label")


def _texts(source: Source, split: str) -> Iterator[pa.Array]:
    return (batch["clean_text"] for batch in _batches(source, split, ["clean_text"]))


def _batches(source: Source, split: str, chosen: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Columns of the labelled rows of a split: by DuckDB where this process reads gold itself, else by Spark."""
    if source.near:
        query = f"SELECT {', '.join(chosen)} {LABELLED}"
        yield from duck.batches(source.ctx.tables.path(GOLD), source.version, query, [split], READ)
        return
    frame = source.frame(split).selectExpr(*(name.replace('"', "`") for name in chosen))
    schema = pa.schema(
        [(f.name, pa.float64() if f.dataType.typeName() == "double" else pa.string()) for f in frame.schema]
    )
    rows = frame.toLocalIterator(prefetchPartitions=True)
    while block := list(islice(rows, READ)):
        yield pa.RecordBatch.from_pylist([row.asDict() for row in block], schema)
