"""Training on a cluster: rows stay on Spark's executors; the driver has keys, labels, sums over blocks, and models."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.settings.learning import Train
from lakehouse_nlp.model.booster import Boosting, Learner
from lakehouse_nlp.model.rows import Rows, Spec
from lakehouse_nlp.train import blocks
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.distributed import Distributed
from lakehouse_nlp.train.oncluster import BLOCK, OnCluster, row_of
from lakehouse_nlp.train.source import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Rows that are read to see how long it takes.
TIMED = 1000


@contextmanager
def cluster(source: Source, train: Train) -> Iterator[Cluster]:
    """The engine; Spark lets go of what it keeps for it at the end. Raises UsageError where workers have no room."""
    room = source.ctx.spark.sparkContext.defaultParallelism
    workers = train.num_workers or room
    if workers > room:
        raise UsageError(
            f"train.num_workers is {workers}, and the session has room for {room} tasks at a time",
            hint=f"--set train.num_workers={room}, or a session with more cores",
        )
    logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)
    engine = Cluster(source, train.batch_rows, workers)
    try:
        yield engine
    finally:
        for frame in engine.kept:
            frame.unpersist()


@dataclass(frozen=True)
class Cluster:
    """Rows in blocks on the cluster, and so many tasks to train."""

    source: Source
    batch_rows: int
    workers: int
    kept: list[DataFrame] = field(default_factory=list)

    def part(self, split: str) -> Labelled:
        """The rows of a split: what is beside the features here, the features on the cluster."""
        source, gold = self.source, self.source.frame(split)
        beside = gold.selectExpr(*blocks.columns(_no_features(source), source.about, "`", source.by))
        here = beside.toPandas().sort_values("key", ignore_index=True)
        keys = here["key"].to_numpy(object)
        rows: OnCluster[Rows] = OnCluster(self._blocks(gold, keys), len(keys), self.kept)
        return blocks.beside(here, source.about, rows, blocks.collect(gold.limit(TIMED), source.spec).read_ms)

    def learner(self, boosting: Boosting) -> Learner:
        """XGBoost on the cluster."""
        return Distributed(boosting, self.workers)

    def _blocks(self, gold: DataFrame, keys: NDArray[Any]) -> DataFrame:
        """The rows in blocks of `batch_rows`, by the order of their keys."""
        spec, size = self.source.spec, self.batch_rows
        firsts = keys[size::size].astype(object)

        def numbered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                places = np.searchsorted(firsts, batch["key"].to_numpy(zero_copy_only=False), side="right")
                yield batch.append_column("number", pa.array(places.astype(np.int32)))

        def cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            frames = ((int(n), part) for batch in batches for n, part in batch.to_pandas().groupby("number"))
            for found, parts in groupby(frames, key=lambda item: item[0]):
                labelled = [blocks.block(part, spec) for _, part in parts]
                yield row_of(found * size, blocks.joined(labelled, spec).rows)

        rows = gold.selectExpr(*blocks.columns(spec, (), "`"))
        schema = ", ".join(f"`{field.name}` {field.dataType.simpleString()}" for field in rows.schema)
        rows = rows.mapInArrow(numbered, f"{schema}, number int")
        placed = rows.repartition(self.workers, "number").sortWithinPartitions("number", "key")
        return placed.mapInArrow(cut, BLOCK)


def _no_features(source: Source) -> Spec:
    return replace(source.spec, buckets=0, vectors=None, numeric=(), categorical=())
