"""A gold table for the tests of training."""

from __future__ import annotations

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
    schema = "key string, purpose string, label string, split string, price double, clean_text string, "
    schema += "tokens array<string>, n_chars int, n_tokens int, nlp_hash string, row_hash bigint"
    ctx.sign("gold")
    ctx.tables.ensure("gold", {"price": "double"})
    spark.conf.set(OPTIMISED, "false")  # a file of each part in each split, as they are wanted here
    ctx.tables.replace_window("gold", spark.createDataFrame(found, schema).repartition(partitions))
    spark.conf.unset(OPTIMISED)
