"""A gold table for the tests of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from lakehouse_nlp.core.context import Context

OPTIMISED = "spark.databricks.delta.optimizeWrite.enabled"


def write_gold(ctx: Context, spark: SparkSession, partitions: int = 1, rows: int = 200, nlp: str = "h") -> None:
    """Rows of text and price that tell the label, mostly, in the place of those that are there."""
    found = [
        (f"k{n:03}", "train", "good" if n % 2 else "bad", ("train", "train", "train", "test", "validation")[n % 5],
         float(n % 2 + n % 7), "fox good" if n % 2 and n % 9 else "hen so", ["fox"], 8, 2, nlp, n)
        for n in range(rows)
    ]  # fmt: skip
    put(ctx, spark, found, partitions)


def put(
    ctx: Context, spark: SparkSession, rows: Sequence[tuple[Any, ...]], partitions: int = 1,
    carried: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """The rows in the place of those that are there; `carried`: the project's own columns, which follow the split."""
    carried = {"price": "double"} if carried is None else carried
    own = "".join(f"{name} {kind}, " for name, kind in carried.items())
    schema = f"key string, purpose string, label string, split string, {own}clean_text string, tokens array<string>, "
    schema += "n_chars int, n_tokens int, nlp_hash string, row_hash bigint"
    ctx.sign("gold")
    ctx.tables.ensure("gold", carried)
    spark.conf.set(OPTIMISED, "false")  # a file of each part in each split, as they are wanted here
    ctx.tables.replace_window("gold", spark.createDataFrame(rows, schema).repartition(partitions))
    spark.conf.unset(OPTIMISED)
