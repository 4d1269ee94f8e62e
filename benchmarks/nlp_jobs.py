"""Jobs of `bench.py` that make `clean_text` and tokens of silver's text: our pipeline, Spark NLP's usual, SQL, DuckDB.

Each tells the processor time of Spark's JVM and of all that it starts, or of the process that DuckDB runs in, for the
whole of the rows into a sink that keeps nothing, and a digest of one row in twenty.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paired
from bench_home import SILVER, SPLIT, opened, timed
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Clean = Callable[[DataFrame], DataFrame]
STOPPED = "gold.nlp.stop_words=english"
STEMMED = "gold.nlp.stem=true"
# The annotators of our settings one by one: the tokens that all but the usual pipeline have to make.
REFERENCE = "gold.nlp.annotators=all"
# What Spark NLP's manuals begin with: Tokenizer, Normalizer, StopWordsCleaner.
USUAL = ("gold.nlp.tokenizer=rules", "gold.nlp.normalizer=true")
# Rows that wake the session up, and one row in so many whose tokens are compared.
FIRST, SAMPLED = 1000, 20
# Rows of an Arrow batch that DuckDB hands out.
BATCH = 10_000


def ours(home: Path, lake: str, *sets: str) -> dict[str, Any]:
    """The gold stage's own rows, under the settings."""
    from lakehouse_nlp.gold.stage import gold_rows

    ctx = opened(home, lake, STOPPED, *sets)
    return _cost(ctx, home, partial(gold_rows, ctx))


def sql(home: Path, lake: str) -> dict[str, Any]:
    """The same tokens by Spark's own functions."""
    ctx = opened(home, lake, STOPPED)
    stopped = ", ".join("'{}'".format(word.replace("'", "\\'")) for word in _stop_words())
    pattern = ctx.settings.gold.nlp.pattern.replace("\\", "\\\\").replace("'", "\\'")
    tokens = f"filter(split(lower(_text), '{pattern}'), word -> word NOT IN ('', {stopped}))"
    return _cost(ctx, home, lambda silver: _tokens(silver.withColumn("_text", _text()), F.expr(tokens)))


def by_duckdb(home: Path, lake: str) -> dict[str, Any]:
    """The same tokens by DuckDB, in Arrow batches that nobody keeps. Spark only compares them, from a file."""
    import duckdb

    ctx, file = opened(home, lake, STOPPED), home / "duckdb.parquet"
    stopped = "|".join(map(re.escape, _stop_words())).replace("'", "''")
    # Faster than NOT IN: that asks for one word after the other.
    tokens = f"list_filter({SPLIT}, lambda word: NOT regexp_full_match(word, '(?:{stopped})?'))"
    query = f"""
        SELECT key, array_to_string(tokens, ' ') AS clean_text, tokens
        FROM (SELECT key, {tokens} AS tokens FROM '{home / SILVER}')"""
    with duckdb.connect() as connection:
        rows = len(connection.execute(f"SELECT key FROM '{home / SILVER}'").to_arrow_table())
        _read(connection, f"{query} LIMIT {FIRST}")
        before = time.process_time()
        told = timed(lambda: _read(connection, query), rows)
        cpu = time.process_time() - before
        connection.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)")
    return _told(told, cpu, ctx.spark.read.parquet(str(file)).where(_sampled("key")))


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
    return _told(told, cpu, clean(silver.where(_sampled("_key"))))


def _told(told: dict[str, Any], cpu: float, sampled: DataFrame) -> dict[str, Any]:
    same = sampled.agg(F.sum(F.xxhash64("key", "clean_text", "tokens").cast("decimal(38,0)"))).first()
    return {**told, "cpu_seconds": cpu, "rows_per_cpu_s": told["rows"] / cpu, "digest": str(same[0])}


def _sampled(key: str) -> Column:
    return F.pmod(F.xxhash64(key), F.lit(SAMPLED)) == 0


def _read(connection: DuckDBPyConnection, query: str) -> None:
    for _ in connection.execute(f"SELECT clean_text, tokens FROM ({query})").to_arrow_reader(BATCH):
        pass


def _drained(cleaned: DataFrame) -> None:
    cleaned.select("clean_text", "tokens").write.format("noop").mode("overwrite").save()


def _stop_words() -> list[str]:
    from pyspark.ml.feature import StopWordsRemover

    return StopWordsRemover.loadDefaultStopWords("english")


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
    "nlp_duckdb": by_duckdb,
    "stem": _set(STEMMED),
    "stem_usual": _set(*USUAL, STEMMED),
    "stem_reference": _set(REFERENCE, STEMMED),
}
