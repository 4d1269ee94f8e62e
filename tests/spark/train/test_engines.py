"""Training in memory, in batches and on a cluster: the same figures, each the same booster again, and what is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import telling
from pyspark.sql import SparkSession

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.registry import Registry
from lakehouse_nlp.model.blocks import Spool
from lakehouse_nlp.model.stored import booster_hash, load, save
from lakehouse_nlp.train import blocks, stage
from lakehouse_nlp.train.engines import choose
from lakehouse_nlp.train.evaluation import figures
from lakehouse_nlp.train.fitting import modelled
from lakehouse_nlp.train.material import gathered, specification
from lakehouse_nlp.train.oncluster import OnCluster
from lakehouse_nlp.train.reproduce import reproduce
from lakehouse_nlp.train.source import Source

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
MakeContext = Callable[..., Context]


def _learnt(ctx: Context, version: int | None = None) -> tuple[str, dict[str, Any], Any]:
    with gathered(ctx, ctx.settings, version) as material:
        model, parts = modelled(ctx, ctx.settings, material), (material.train, material.validation, material.test)
        metrics = figures(model, *parts)
        held = {"memory": "Rows", "batches": Spool.__name__, "cluster": OnCluster.__name__}[material.engine.name]
        assert {type(part.rows).__name__ for part in parts} == {held}
        return booster_hash(model), metrics, model


ALL = {"class_weights": "balanced", "early_stopping": 3, "calibration": "platt", "threshold": "f1_macro", "folds": 2}


def _twice(spark: SparkSession, ctx: Context, rows: list[tuple[Any, ...]]) -> tuple[dict[str, Any], Any]:
    """The figures and the model, which are the same again for the same rows in other files and another order."""
    telling.write(ctx, spark, rows)
    first, metrics, model = _learnt(ctx)
    telling.write(ctx, spark, rows[::-1], partitions=5)
    assert _learnt(ctx)[0] == first
    return metrics, model


@pytest.mark.parametrize(
    ("classes", "more"),
    [(2, ALL), (3, {}), (2, {"monotone": {"price": "increasing"}})],
    ids=["all", "three", "monotone"],
)
def test_batches_give_what_memory_gives(
    spark: SparkSession, home: Path, make_context: MakeContext, classes: int, more: dict[str, Any]
) -> None:
    rows = telling.rows(4000, classes)
    contexts = [
        make_context(home, **telling.LEARNING, train={**telling.TRAIN, **more, "engine": name})
        for name in ("memory", "batches")
    ]
    (memory, _), (batches, _) = (_twice(spark, ctx, rows) for ctx in contexts)
    assert memory["test"]["accuracy"] > 0.9
    telling.near(memory, batches)
    assert memory["rounds"] == batches["rounds"]


def test_a_cluster_gives_what_memory_gives(
    spark: SparkSession, home: Path, make_context: MakeContext, tmp_path: Path
) -> None:
    rows = telling.rows(6000)
    memory = make_context(home, **telling.LEARNING, train={**telling.TRAIN, **ALL, "engine": "memory"})
    telling.write(memory, spark, rows)
    cluster = make_context(
        home, **telling.LEARNING, train={**telling.TRAIN, **ALL, "engine": "cluster", "num_workers": 2}
    )
    found, model = _twice(spark, cluster, rows)
    telling.near(_learnt(memory)[1], found)
    save(model, tmp_path)
    some = next(Source(memory, None, model.spec).chunks("test", 100)).rows
    np.testing.assert_array_equal(load(tmp_path).outputs(some), model.outputs(some))
    zeros = some.numeric[:, 0] == 0
    assert zeros.any()
    cuts = model.booster.trees_to_dataframe()["Split"]
    assert not ((cuts > 0) & (cuts < 1e-30)).any()


def test_more_workers_than_there_is_room_for_are_refused(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, **telling.LEARNING, train={"engine": "cluster", "num_workers": 64})
    version = telling.write(ctx, spark, telling.rows(60))
    with pytest.raises(UsageError, match=r"train.num_workers is 64, and the session has room for 2 tasks at a time"):
        _learnt(ctx, version)


def test_training_reads_the_files_and_columns_of_its_rows(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, **telling.LEARNING)
    version = telling.write(ctx, spark, telling.rows(600))
    source = Source(ctx, version, specification(ctx.settings))
    gold = ctx.tables.path("gold")
    for split in ("test", "validation"):
        for file in gold.glob(f"split={split}/*.parquet"):
            file.unlink()
    assert source.near
    here = list(source.chunks("train", 100))
    assert sum(len(part) for part in here) == 300
    assert source.size() == (300, sum(row[9] for row in telling.rows(600) if row[3] == "train"))
    asked = blocks.columns(source.spec, (), "`")
    plan = source.frame("train").selectExpr(*asked)._jdf.queryExecution().executedPlan().toString()
    assert "ReadSchema: struct<key:string,label:string,price:double,title:string,clean_text:string>" in plan
    assert "split#" in plan.split("PartitionFilters:")[1].split("]")[0]
    with pytest.raises(Exception, match="parquet"):
        list(source.chunks("test", 100))


def test_both_readers_give_the_same_rows(spark: SparkSession, home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, **telling.LEARNING)
    version = telling.write(ctx, spark, telling.rows(600))
    telling.write(ctx, spark, telling.rows(60))  # a newer version is not what is asked for
    source = Source(ctx, version, specification(ctx.settings), ("title",))
    near = blocks.joined(list(source.chunks("train", 64)), source.spec, source.about)
    far = blocks.collect(source.frame("train"), source.spec, source.about)
    assert near.keys.tolist() == far.keys.tolist() == sorted(far.keys)
    assert len(near) == 300
    assert near.labels.tolist() == far.labels.tolist()
    assert near.about["title"].tolist() == far.about["title"].tolist()
    ours, theirs = blocks.held(near), blocks.held(far)
    assert (ours.counts != theirs.counts).nnz == 0
    np.testing.assert_array_equal(ours.numeric, theirs.numeric)
    assert ours.categorical.tolist() == theirs.categorical.tolist()
    parts = list(blocks.rechunked(source.chunks("train", 64), source.spec, source.about, 70))
    assert [len(part) for part in parts] == [70, 70, 70, 70, 20]
    assert np.concatenate([part.keys for part in parts]).tolist() == far.keys.tolist()
    buckets = sorted(set(ours.counts.indices.tolist()))[:20]
    assert source.names(buckets, 64) == blocks.names(source.frame("train"), source.spec, buckets)


def test_columns_that_two_readers_write_differently_are_left_to_spark(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, features={"categorical": ["price"]})
    version = telling.write(ctx, spark, telling.rows(60))
    source = Source(ctx, version, specification(ctx.settings))
    assert not source.near
    assert len(blocks.joined(list(source.chunks("train", 64)), source.spec)) == 30
    assert source.size()[0] == 30


@pytest.mark.parametrize(
    ("more", "name", "why"),
    [
        ({}, "memory", "300 rows, about 3 MB; train.memory_mb is 4,096"),
        ({"memory_mb": 1}, "batches", "300 rows, about 3 MB; train.memory_mb is 1"),
    ],
)
def test_auto_goes_by_the_rows(
    spark: SparkSession, home: Path, make_context: MakeContext, more: dict[str, Any], name: str, why: str
) -> None:
    ctx = make_context(home, **telling.LEARNING, train=more)
    version = telling.write(ctx, spark, [(*row[:9], 60, *row[10:]) for row in telling.rows(600)])
    found = choose(ctx.settings, Source(ctx, version, specification(ctx.settings)))
    assert (found.name, found.why) == (name, why)


def test_the_note_and_the_tags_say_which_engine_it_was(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, **telling.LEARNING, train={**telling.TRAIN, "engine": "batches"})
    telling.write(ctx, spark, telling.rows(600))
    ctx.sign("train")
    assert stage.run(ctx).note.endswith("; batches (by train.engine)")
    (version,) = Registry(ctx).versions()
    assert (version.tags["engine"], version.tags["engine_why"]) == ("batches", "by train.engine")
    assert reproduce(make_context(home, **telling.LEARNING), version.run_id).same
