"""Labelled rows of gold as sparse arrays, sorted by key, so that the order of files and tasks changes nothing.

`chunks`, `vocabulary` and `names` ask Spark: rows are vectorised where they are, and what travels is hashed numbers and
never text. `source.py` has the way without Spark.
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

from lakehouse_nlp.model import rows as arrays
from lakehouse_nlp.model.blocks import Blocks
from lakehouse_nlp.model.pyfunc import frame_to_rows
from lakehouse_nlp.model.rows import Rows, Spec

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

# What a column about the rows is called on its way: it may be a feature, too.
ABOUT, GROUP = "about ", "group of rows"


@dataclass
class Labelled:
    """n rows of features, in memory or in blocks elsewhere, with their keys, labels and splits, sorted by key; `about`:
    columns that are no features, by name, each a string or None. `groups`: what rows that belong together have in
    common; None: each stands alone. `read_ms`: milliseconds of one thread in which a row became features, in the mean.
    """

    rows: Rows | Blocks[Rows]
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
        """The rows where this mask is true; of rows in memory also those at these positions."""
        rows = self.rows.take(index) if isinstance(self.rows, Rows) else self.rows.where(index)
        about = {name: values[index] for name, values in self.about.items()}
        groups = None if self.groups is None else self.groups[index]
        keys, labels = self.keys[index], self.labels[index]
        return Labelled(rows, keys, labels, self.splits[index], about, groups, self.read_ms)

    def __len__(self) -> int:
        return len(self.keys)


def columns(spec: Spec, about: Sequence[str], quote: str, by: str | None = None) -> list[str]:
    """What is read of gold, for SELECT: nothing that the model does not see. `quote`: Spark's or DuckDB's, of names;
    `by`: the column that groups the rows.
    """
    casts = [(name, "double", name) for name in spec.numeric]
    casts += [(name, "string", name) for name in spec.categorical]
    casts += [(name, "string", f"{ABOUT}{name}") for name in about]
    made = [f"cast({quote}{name}{quote} as {kind}) as {quote}{alias}{quote}" for name, kind, alias in casts]
    text = ["clean_text"] if spec.buckets or spec.vectors else []
    return ["key", "label", "split", *text, *made, *([group_of(by, quote)] if by else [])]


def group_of(by: str, quote: str) -> str:
    """SQL of a row's group by this column of gold: its value, or of a row without one its key, told apart."""
    return f"coalesce('=' || cast({quote}{by}{quote} as string), '#' || key) as {quote}{GROUP}{quote}"


def block(frame: pd.DataFrame, spec: Spec, about: Sequence[str] = ()) -> Labelled:
    """A frame of these columns as arrays."""
    begun = time.thread_time()  # of this thread: what runs beside it does not count
    rows = frame_to_rows(frame, spec)
    read_ms = 1000 * (time.thread_time() - begun) / max(len(rows), 1)
    return beside(frame, about, rows, read_ms)


def beside(frame: pd.DataFrame, about: Sequence[str], rows: Rows | Blocks[Rows], read_ms: float) -> Labelled:
    """Rows with what a frame of these columns has beside features."""
    keys, labels, splits = (frame[name].to_numpy(object) for name in ("key", "label", "split"))
    named = {name: frame[f"{ABOUT}{name}"].to_numpy(object) for name in about}
    groups = frame[GROUP].to_numpy(object) if GROUP in frame else None
    return Labelled(rows, keys, labels, splits, named, groups, read_ms)


def chunks(gold: DataFrame, spec: Spec, about: Sequence[str] = (), by: str | None = None) -> Iterator[Labelled]:
    """The rows of gold in order of their keys; `gold` has a label in every row."""

    def blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield pa.RecordBatch.from_pydict({"block": [pickle.dumps(block(batch.to_pandas(), spec, about), 5)]})

    ordered = gold.selectExpr(*columns(spec, about, "`", by)).orderBy("key")
    for row in ordered.mapInArrow(blocks, "block binary").toLocalIterator(prefetchPartitions=True):
        yield pickle.loads(row["block"])


def collect(gold: DataFrame, spec: Spec, about: Sequence[str] = (), by: str | None = None) -> Labelled:
    """All of them in memory; `by`: the column that groups them; a row without a value stands alone."""
    return joined(list(chunks(gold, spec, about, by)), spec, about)


def joined(parts: Sequence[Labelled], spec: Spec, about: Sequence[str] = ()) -> Labelled:
    """The rows of one part after the other, in memory."""
    if not parts:
        none, empty = spec.vectoriser.counts(pa.array([], pa.string())), np.zeros(0, dtype=object)
        rows = Rows(none, np.zeros((0, len(spec.numeric))), np.zeros((0, len(spec.categorical)), object))
        return Labelled(rows, empty, empty, empty, dict.fromkeys(about, empty))
    keys, labels, splits = (np.concatenate([getattr(p, name) for p in parts]) for name in ("keys", "labels", "splits"))
    named = {name: np.concatenate([part.about[name] for part in parts]) for name in about}
    grouped = [part.groups for part in parts if part.groups is not None]
    read_ms = sum(part.read_ms * len(part) for part in parts) / max(len(keys), 1)
    rows = arrays.joined([held(part) for part in parts])
    return Labelled(rows, keys, labels, splits, named, np.concatenate(grouped) if grouped else None, read_ms)


def held(part: Labelled) -> Rows:
    """The rows of a part that is in memory."""
    if not isinstance(part.rows, Rows):
        raise TypeError(f"{len(part):,} rows are in blocks, and not in memory")
    return part.rows


def rechunked(parts: Iterable[Labelled], spec: Spec, about: Sequence[str], rows: int) -> Iterator[Labelled]:
    """The same rows, so many in each part but the last, however they came."""
    waiting: list[Labelled] = []
    count = 0
    for part in parts:
        waiting.append(part)
        count += len(part)
        if count >= rows:
            whole = joined(waiting, spec, about)
            ends = range(0, count - rows + 1, rows)
            yield from (whole.take(np.arange(start, start + rows)) for start in ends)
            waiting = [whole.take(np.arange(len(ends) * rows, count))]
            count -= len(ends) * rows
    if count:
        yield joined(waiting, spec, about)


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

    found = gold.select("clean_text").mapInArrow(terms, "bucket bigint, term string").collect()
    return elected((row["bucket"], row["term"]) for row in found)


def elected(votes: Iterable[tuple[int, str]]) -> dict[int, str]:
    """The name that most batches give to a bucket; ties to the alphabetically first."""
    found: dict[int, Counter[str]] = {}
    for bucket, term in votes:
        found.setdefault(bucket, Counter())[term] += 1
    return {bucket: min(found[bucket].items(), key=lambda item: (-item[1], item[0]))[0] for bucket in sorted(found)}
