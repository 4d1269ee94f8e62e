"""A question about one version, split or window reads the files that can hold its rows, in Spark and in DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import scans
from golds import write_gold
from pyspark.sql import SparkSession

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.events import ledger
from lakehouse_nlp.core.views import questions

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

FIRST = datetime(2024, 5, 1)
RUNS = ((1, 0), (1, 1), (2, 2), (2, 3))  # version, and the day after the first on which it scored
ROWS = 200


@pytest.fixture
def ctx(home: Path, make_context: Callable[..., Context], spark: SparkSession) -> Context:
    """A lake with predictions of two versions, a file for each of their runs, and gold with a file for each split."""
    ctx = make_context(home)
    write_gold(ctx, spark, rows=ROWS)
    ctx.sign("score")
    ctx.tables.ensure("predictions")
    schema = spark.table("tiny.predictions").schema
    for number, (version, day) in enumerate(RUNS):
        said = ("train", "test", None, "good", 0.9, {"good": 0.9}, "tiny", version, "r", "h", 1, "r")
        rows = [(f"k{n:03}", *said, FIRST + timedelta(days=day), None) for n in range(number % 2, ROWS, 2)]
        ctx.tables.append_once("predictions", spark.createDataFrame(rows, schema).coalesce(1), app="a", version=number)
    return ctx


# What is asked, and how many files Spark and DuckDB read of the four: DuckDB 1.5 skips none where a time is asked for.
QUESTIONS = {
    "a version": ("version = 1", 2, 2),
    "a version that is not there": ("version = 3", 0, 0),
    "a key that is in no file": ("key > 'l'", 0, 0),
    "a window": ("scored_at >= TIMESTAMP '2024-05-02 00:00:00'", 3, 4),
    "a window of a version": ("version = 1 AND scored_at < TIMESTAMP '2024-05-02 00:00:00'", 1, 4),
    "all": ("true", 4, 4),
}


def test_a_question_about_some_predictions_reads_their_files(ctx: Context) -> None:
    spark, found = ctx.tables.attach_all(), {}
    for asked, (where, *_) in QUESTIONS.items():
        query = f"SELECT prediction, count(*) AS n FROM tiny.predictions WHERE {where} GROUP BY prediction"
        read = scans.by_spark(spark.sql(query)).get("predictions", [0])
        found[asked] = (where, *read, *scans.by_duckdb(ctx.root, query))
    assert found == QUESTIONS


def test_what_the_shown_version_says_is_read_from_its_files_alone(ctx: Context) -> None:
    shown = ("tiny", "r", "tiny", 2, "shown", "current", 1, "[]", "{}", "who", None, None)
    ledger(ctx)
    ctx.tables.record("ops.model_events", [shown])
    asked = questions()["class_shares"].replace("{project}", "tiny")
    assert scans.by_spark(ctx.tables.attach_all().sql(asked))["predictions"] == [2]


def test_a_split_of_gold_is_read_from_its_file(ctx: Context) -> None:
    query = "SELECT label, count(*) AS n FROM tiny.gold WHERE split = 'test' GROUP BY label"
    assert scans.by_spark(ctx.tables.attach_all().sql(query)) == {"gold": [1]}
    assert scans.by_duckdb(ctx.root, query) == [1]


def test_plans_are_adaptive_and_small_shuffles_end_in_one_task(ctx: Context, spark: SparkSession) -> None:
    assert spark.conf.get("spark.sql.adaptive.enabled") == "true"
    asked = ctx.tables.read("predictions").groupBy("key").count()
    asked.collect()
    told = asked._jdf.queryExecution().executedPlan().toString()
    assert "isFinalPlan=true" in told
    assert "AQEShuffleRead coalesced" in told


def test_gold_has_a_file_for_each_split_however_many_tasks_write_it(ctx: Context, spark: SparkSession) -> None:
    rows = ctx.tables.read("gold").repartition(8).localCheckpoint()
    ctx.tables.replace_window("gold", rows)
    assert scans.by_duckdb(ctx.root, "SELECT key FROM tiny.gold") == [3]
