"""Labelled rows of gold as sparse arrays: vectorised where the rows are, brought to the driver as a few blocks.

A block is many rows in one cell, so what travels is hashed numbers and never text; the driver sorts them by key, so
that the order of files and tasks changes nothing.
"""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import vstack

from lakehouse_nlp.model.pyfunc import frame_to_rows
from lakehouse_nlp.model.rows import Rows, Spec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass
class Labelled:
    """n rows of features with their keys, labels and splits, sorted by key."""

    rows: Rows
    keys: NDArray[Any]
    labels: NDArray[Any]
    splits: NDArray[Any]

    def part(self, split: str) -> Labelled:
        """The rows of one split."""
        mask = self.splits == split
        return Labelled(self.rows.take(mask), self.keys[mask], self.labels[mask], self.splits[mask])

    def __len__(self) -> int:
        return len(self.keys)


def collect(gold: DataFrame, spec: Spec) -> Labelled:
    """The rows of gold as features on the driver; `gold` has a label in every row."""
    columns = ["key", "label", "split", "clean_text", *spec.numeric, *spec.categorical]
    numeric = [f"cast(`{name}` as double) `{name}`" for name in spec.numeric]
    texts = [f"cast(`{name}` as string) `{name}`" for name in spec.categorical]
    chosen = gold.selectExpr("key", "label", "split", "clean_text", *numeric, *texts).select(*columns)

    def blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            frame = batch.to_pandas()
            rows = frame_to_rows(frame, spec)
            about = [frame[name].to_numpy(object) for name in ("key", "label", "split")]
            yield pa.RecordBatch.from_pydict({"block": [pickle.dumps((rows, *about), protocol=5)]})

    found = [
        pickle.loads(row["block"])
        for row in chosen.mapInArrow(blocks, "block binary").toLocalIterator(prefetchPartitions=True)
    ]
    if not found:
        none = np.zeros(0, dtype=object)
        empty = Rows(
            spec.vectoriser.counts(pa.array([], pa.string())),
            np.zeros((0, len(spec.numeric))),
            np.zeros((0, len(spec.categorical)), object),
        )
        return Labelled(empty, none, none, none)
    rows = Rows(
        vstack([block[0].counts for block in found], format="csr"),
        np.concatenate([block[0].numeric for block in found]),
        np.concatenate([block[0].categorical for block in found]),
    )
    keys, labels, splits = (np.concatenate([block[place] for block in found]) for place in (1, 2, 3))
    order = np.argsort(keys.astype(str), kind="stable")
    return Labelled(rows.take(order), keys[order], labels[order], splits[order])


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
    wanted = frozenset(buckets)

    def terms(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            found = spec.vectoriser.terms(batch["clean_text"], wanted)
            yield pa.RecordBatch.from_pydict(
                {"bucket": pa.array(found.keys(), pa.int64()), "term": pa.array(found.values(), pa.string())}
            )

    votes: dict[int, Counter[str]] = {}
    for row in gold.select("clean_text").mapInArrow(terms, "bucket bigint, term string").collect():
        votes.setdefault(row["bucket"], Counter())[row["term"]] += 1
    return {bucket: min(votes[bucket].items(), key=lambda item: (-item[1], item[0]))[0] for bucket in sorted(votes)}
