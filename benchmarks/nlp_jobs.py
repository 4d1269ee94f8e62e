"""Jobs of `bench.py` that make `clean_text` and tokens of silver's text: our pipeline, Spark NLP's usual one, SQL.

Each tells the processor time of Spark's JVM and of all that it starts, for the whole of the rows into a sink that
keeps nothing, and a digest of one row in twenty.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import paired
from bench_home import SILVER, opened, timed
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context

Clean = Callable[[DataFrame], DataFrame]
STOPPED = "gold.nlp.stop_words=english"
STEMMED = "gold.nlp.stem=true"
# The annotators of our settings one by one: the tokens that all but the usual pipeline have to make.
REFERENCE = "gold.nlp.annotators=all"
# What Spark NLP's manuals begin with: Tokenizer, Normalizer, StopWordsCleaner.
USUAL = ("gold.nlp.tokenizer=rules", "gold.nlp.normalizer=true")
# Rows that wake the session up, and one row in so many whose tokens are compared.
FIRST, SAMPLED = 1000, 20


def ours(home: Path, lake: str, *sets: str) -> dict[str, Any]:
    """The gold stage's own rows, under the settings."""
    from lakehouse_nlp.gold.stage import gold_rows

    ctx = opened(home, lake, STOPPED, *sets)
    return _cost(ctx, home, partial(gold_rows, ctx))


def sql(home: Path, lake: str) -> dict[str, Any]:
    """The same tokens by Spark's own functions."""
    from pyspark.ml.feature import StopWordsRemover

    ctx = opened(home, lake, STOPPED)
    words = StopWordsRemover.loadDefaultStopWords("english")
    stopped = ", ".join("'{}'".format(word.replace("'", "\\'")) for word in words)
    pattern = ctx.settings.gold.nlp.pattern.replace("\\", "\\\\").replace("'", "\\'")
    tokens = f"filter(split(lower(_text), '{pattern}'), word -> word NOT IN ('', {stopped}))"
    return _cost(ctx, home, lambda silver: _tokens(silver.withColumn("_text", _text()), F.expr(tokens)))


def _cost(ctx: Context, home: Path, clean: Clean) -> dict[str, Any]:
    silver = ctx.spark.read.parquet(str(home / SILVER)).select(
        F.col("key").alias("_key"), F.lit("train").alias("_purpose"), F.col("label").alias("_label"),
        F.xxhash64("key").alias("_row_hash"), "category", "Title", "Content",
    )  # fmt: skip
    jvm = ctx.spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
    _drained(clean(silver.limit(FIRST)))
    rows, before = silver.count(), paired.cpu_seconds(jvm)
    told = timed(lambda: _drained(clean(silver)), rows)
    cpu = paired.cpu_seconds(jvm) - before
    sampled = clean(silver.where(F.pmod("_row_hash", F.lit(SAMPLED)) == 0))
    same = sampled.agg(F.sum(F.xxhash64("key", "clean_text", "tokens").cast("decimal(38,0)"))).first()
    return {**told, "cpu_seconds": cpu, "rows_per_cpu_s": rows / cpu, "digest": str(same[0])}


def _drained(cleaned: DataFrame) -> None:
    cleaned.select("clean_text", "tokens").write.format("noop").mode("overwrite").save()


def _text() -> Any:
    return F.concat_ws(" ", "Title", "Content")


def _tokens(rows: DataFrame, tokens: Any) -> DataFrame:
    found = rows.withColumn("tokens", tokens)
    return found.select(F.col("_key").alias("key"), F.array_join("tokens", " ").alias("clean_text"), "tokens")


def _set(*sets: str) -> Callable[[Path, str], dict[str, Any]]:
    return lambda home, lake: ours(home, lake, *sets)


JOBS = {
    "nlp": ours,
    "nlp_usual": _set(*USUAL),
    "nlp_reference": _set(REFERENCE),
    "nlp_sql": sql,
    "stem": _set(STEMMED),
    "stem_usual": _set(*USUAL, STEMMED),
    "stem_reference": _set(REFERENCE, STEMMED),
}
