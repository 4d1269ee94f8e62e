"""Labelled rows of gold as sparse arrays: vectorised where the rows are, brought to the driver as a few blocks.

A block is many rows in one cell, so what travels is hashed numbers and never text; the driver sorts them by key, so
that the order of files and tasks changes nothing.
"""

from __future__ import annotations

import pickle
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import vstack

from lakehouse_nlp.model.pyfunc import frame_to_rows
from lakehouse_nlp.model.rows import Rows, Spec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# What a column about the rows is called on its way: it may be a feature, too.
ABOUT, GROUP = "about ", "group of rows"


@dataclass
class Labelled:
    """n rows of features with their keys, labels and splits, sorted by key; `about`: columns that are no features, by
    name, each a string or None. `groups`: what rows that belong together have in common; None: each stands alone.
    `read_ms`: milliseconds of one thread in which a row became features, in the mean.
    """

    rows: Rows
    keys: NDArray[Any]
    labels: NDArray[Any]
    splits: NDArray[Any]
    about: dict[str, NDArray[Any]] = field(default_factory=dict)
    groups: NDArray[Any] | None = None
    read_ms: float = 0.0

    def part(self, split: str) -> Labelled:
        """The rows of one split."""
        return self.take(self.splits == split)

    def take(self, index: NDArray[Any]) -> Labelled:
        """The rows at these positions, or where this mask is true."""
        about = {name: values[index] for name, values in self.about.items()}
        groups = None if self.groups is None else self.groups[index]
        rows, keys, labels = self.rows.take(index), self.keys[index], self.labels[index]
        return Labelled(rows, keys, labels, self.splits[index], about, groups, self.read_ms)

    def __len__(self) -> int:
        return len(self.keys)


def collect(gold: DataFrame, spec: Spec, about: Sequence[str] = (), by: str | None = None) -> Labelled:
    """The rows of gold as features on the driver, and the columns `about` them; `gold` has a label in every row.

    `by`: the column that groups them; a row without a value stands alone.
    """
    features = [f"cast(`{name}` as double) `{name}`" for name in spec.numeric]
    features += [f"cast(`{name}` as string) `{name}`" for name in spec.categorical]
    others = [f"cast(`{name}` as string) `{ABOUT}{name}`" for name in about]
    chosen = gold.selectExpr("key", "label", "split", "clean_text", group_of(by), *features, *others)
    beside = ("key", "label", "split", GROUP, *(f"{ABOUT}{name}" for name in about))

    def blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            frame = batch.to_pandas()
            begun = time.process_time()  # of this process: what runs beside it does not count
            rows = frame_to_rows(frame, spec)
            block = (rows, time.process_time() - begun, *(frame[name].to_numpy(object) for name in beside))
            yield pa.RecordBatch.from_pydict({"block": [pickle.dumps(block, protocol=5)]})

    found = [
        pickle.loads(row["block"])
        for row in chosen.mapInArrow(blocks, "block binary").toLocalIterator(prefetchPartitions=True)
    ] or [(_none(spec), 0.0, *(np.zeros(0, dtype=object) for _ in beside))]
    rows = Rows(
        vstack([block[0].counts for block in found], format="csr"),
        np.concatenate([block[0].numeric for block in found]),
        np.concatenate([block[0].categorical for block in found]),
        np.concatenate([block[0].vectors for block in found]),
    )
    keys, labels, splits, groups, *more = (
        np.concatenate([block[2 + place] for block in found]) for place in range(len(beside))
    )
    named, read_ms = dict(zip(about, more, strict=True)), 1000 * sum(block[1] for block in found) / max(len(rows), 1)
    whole = Labelled(rows, keys, labels, splits, named, groups if by else None, read_ms)
    return whole.take(np.argsort(keys.astype(str), kind="stable"))


def group_of(by: str | None) -> str:
    """SQL of a row's group by this column of gold: its value, or of a row without one its key, told apart."""
    return f"coalesce('=' || cast(`{by}` as string), '#' || key) as `{GROUP}`" if by else f"key as `{GROUP}`"


def _none(spec: Spec) -> Rows:
    """No rows."""
    counts = spec.vectoriser.counts(pa.array([], pa.string()))
    return Rows(counts, np.zeros((0, len(spec.numeric))), np.zeros((0, len(spec.categorical)), object))


def vocabulary(gold: DataFrame, spec: Spec, most: int, min_rows: int) -> tuple[str, ...]:
    """The terms that are in the most rows of gold, `most` of them at most, each in `min_rows` rows at least, sorted."""
    hashed = replace(spec, vocabulary=()).vectoriser

    def terms(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            found, rows = hashed.rows_with(batch["clean_text"])
            yield pa.RecordBatch.from_pydict({"term": found.cast(pa.string()), "n": pa.array(rows)})

    counted = gold.select("clean_text").mapInArrow(terms, "term string, n bigint").groupBy("term").sum("n")
    best = counted.where(f"`sum(n)` >= {min_rows}").orderBy("sum(n)", "term", ascending=[False, True]).limit(most)
    return tuple(sorted(row["term"] for row in best.collect()))


def names(gold: DataFrame, spec: Spec, buckets: list[int]) -> dict[int, str]:
    """The most frequent term of each bucket, as the partitions of gold see it; ties to the alphabetically first."""
    if not buckets:
        return {}
    wanted, vectoriser = frozenset(buckets), spec.vectoriser

    def terms(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            found = vectoriser.terms(batch["clean_text"], wanted)
            yield pa.RecordBatch.from_pydict(
                {"bucket": pa.array(found.keys(), pa.int64()), "term": pa.array(found.values(), pa.string())}
            )

    votes: dict[int, Counter[str]] = {}
    for row in gold.select("clean_text").mapInArrow(terms, "bucket bigint, term string").collect():
        votes.setdefault(row["bucket"], Counter())[row["term"]] += 1
    return {bucket: min(votes[bucket].items(), key=lambda item: (-item[1], item[0]))[0] for bucket in sorted(votes)}
