"""Blocks of rows that stay where Spark holds them: what is asked of them runs there, and answers come to the driver.

Blocks go to tasks by their number, and sums are added up in that order: with as many tasks, the same bits.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lakehouse_nlp.model.blocks import Blocks, Sums, added, chosen, height

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

S = TypeVar("S")
Of = TypeVar("Of", covariant=True)
BLOCK = "start bigint, block binary"
ROWS_A_BATCH = "spark.sql.execution.arrow.maxRecordsPerBatch"


class OnCluster(Blocks[Of]):
    """Blocks in a persisted frame of `start` and `block`, which is pickled. A pass over them is a job of Spark's."""

    together = 8

    def __init__(self, frame: DataFrame, rows: int, kept: list[DataFrame]) -> None:
        """`frame` is computed now; `kept`: the frames to be let go at the end."""
        self.frame, self._rows, self.kept = frame.persist(), rows, kept
        kept.append(self.frame)
        self.frame.count()

    def __len__(self) -> int:
        """The number of rows."""
        return self._rows

    def each(self, work: Callable[[int, Of], S]) -> Iterator[S]:
        """What `work` says of each block, in order."""
        yield from (said for _, said in self._asked(_of_each(work)))

    def total(self, work: Callable[[int, Of], Sums]) -> Sums:
        """The arrays that `work` gives, summed by task, and then over the tasks."""
        return reduce(added, (sums for _, sums in self._asked(_of_all(work))))

    def map(self, work: Callable[[int, Of], S]) -> OnCluster[S]:
        """What `work` makes of each block, kept on the cluster."""
        with one_by_one(self.frame):
            return OnCluster(self.frame.mapInArrow(_of_each(work), BLOCK), self._rows, self.kept)

    def where(self, mask: NDArray[np.bool_]) -> OnCluster[Of]:
        """The rows where the mask, n, is true."""
        before = np.append(0, np.cumsum(mask))

        def kept(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for start, block in unpickled(batches):
                rest = chosen(block, mask[start : start + height(block)])
                if height(rest):
                    yield row_of(int(before[start]), rest)

        with one_by_one(self.frame):
            return OnCluster(self.frame.mapInArrow(kept, BLOCK), int(before[-1]), self.kept)

    def _asked(self, work: Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]) -> list[tuple[int, Any]]:
        with one_by_one(self.frame):
            found = self.frame.mapInArrow(work, BLOCK).collect()
        return [(row["start"], pickle.loads(row["block"])) for row in sorted(found, key=lambda row: row["start"])]


def row_of(start: int, found: Any) -> pa.RecordBatch:
    """A block as a row of its frame."""
    return pa.RecordBatch.from_pydict({"start": [start], "block": [pickle.dumps(found, protocol=5)]})


def unpickled(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, Any]]:
    """The blocks of such rows, each with the position of its first row."""
    for batch in batches:
        for start, block in zip(batch["start"], batch["block"], strict=True):
            yield start.as_py(), pickle.loads(block.as_buffer())


def _of_each(work: Callable[[int, Any], Any]) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def asked(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for start, block in unpickled(batches):
            yield row_of(start, work(start, block))

    return asked


def _of_all(work: Callable[[int, Any], Sums]) -> Callable[..., Iterator[pa.RecordBatch]]:
    def asked(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        first, sums = -1, None
        for start, block in unpickled(batches):
            said = work(start, block)
            first, sums = (first, added(sums, said)) if sums is not None else (start, said)
        if sums is not None:
            yield row_of(first, sums)

    return asked


@contextmanager
def one_by_one(frame: DataFrame) -> Iterator[None]:
    """Blocks travel to Python one at a time: many of them in one Arrow batch could be more than it holds."""
    conf = frame.sparkSession.conf
    before = conf.get(ROWS_A_BATCH)
    conf.set(ROWS_A_BATCH, "1")
    try:
        yield
    finally:
        conf.set(ROWS_A_BATCH, str(before))
