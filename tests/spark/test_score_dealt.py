"""How gold is dealt to tasks and batches before it is scored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from golds import write_gold
from pyspark.sql import DataFrame, SparkSession

from lakehouse_nlp.core import dealing
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.score import predict

pytestmark = pytest.mark.spark
MakeContext = Callable[..., Context]


def _dealt(ctx: Context) -> DataFrame:
    return dealing.dealt(ctx.tables.read("gold"), ctx.tables.log("gold").sizes(), "key")


def test_a_file_that_would_keep_all_waiting_is_dealt_out(
    spark: SparkSession, home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = make_context(home)
    write_gold(ctx, spark, rows=20_000)
    files, cores = len(ctx.tables.log("gold").sizes()), spark.sparkContext.defaultParallelism
    assert files == 3  # one a split, that of training larger than the others
    assert _dealt(ctx).rdd.getNumPartitions() <= files  # so few bytes are not worth it
    monkeypatch.setattr(dealing, "SMALL", 0)
    assert _dealt(ctx).rdd.getNumPartitions() == dealing.TASKS * cores
    keys = _dealt(ctx).select("key").distinct().count()
    assert keys == 20_000
    write_gold(ctx, spark, partitions=8, rows=20_000)
    assert _dealt(ctx).rdd.getNumPartitions() < dealing.TASKS * cores


def test_batches_are_bounded_by_bytes_too(spark: SparkSession, home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, score={"batch_rows": 150, "batch_mb": 32})
    write_gold(ctx, spark)
    gold = ctx.tables.log("gold")
    each = sum(gold.sizes()) / gold.rows()
    assert predict._batch_rows(ctx) == 150
    assert predict._batch_rows(make_context(home, score={"batch_mb": each * 10.5 / 1e6})) == 10
    assert predict._batch_rows(make_context(home, score={"batch_mb": each / 2e6})) == 1
    assert predict._batch_rows(make_context(home / "elsewhere", score={"batch_rows": 7})) == 7
