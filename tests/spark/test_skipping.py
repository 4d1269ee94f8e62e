"""A question about one version, split or window reads the files that can hold its rows, in Spark and in DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import scans
from golds import write_gold
from pyspark.sql import SparkSession

from lakehouse_nlp.core import duck
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


def _shown(ctx: Context, version: int, canary: int | None = None, share: float | None = None) -> None:
    ledger(ctx)
    told = ("tiny", "r", "tiny", version, "shown", "current", 1, "[]", "{}", "who", canary, share)
    ctx.tables.record("ops.model_events", [told])


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
    _shown(ctx, 2)
    asked = questions()["class_shares"].replace("{project}", "tiny")
    assert scans.by_spark(ctx.tables.attach_all().sql(asked))["predictions"] == [2]


@pytest.mark.parametrize(
    ("canary", "share", "files", "versions"), [(None, None, 2, [2]), (1, 0.5, 4, [1, 2]), (3, 0.5, 2, [2])]
)
def test_duckdb_reads_the_files_of_what_is_shown(
    ctx: Context, canary: int | None, share: float | None, files: int, versions: list[int]
) -> None:
    _shown(ctx, 2, canary, share)
    query = "SELECT DISTINCT version FROM tiny.current_predictions ORDER BY version"
    assert [row["version"] for row in duck.rows(ctx.root, query)] == versions
    assert scans.by_duckdb(ctx.root, query) == [files]


def test_duckdb_shows_what_was_shown_last(ctx: Context) -> None:
    found, query = [], "SELECT min(version) AS a, max(version) AS b, count(*) AS n FROM tiny.current_predictions"
    ledger(ctx)
    for version in (None, 2, 1):
        if version:
            _shown(ctx, version)
        found += duck.rows(ctx.root, query)
    assert found == [{"a": None, "b": None, "n": 0}, {"a": 2, "b": 2, "n": ROWS}, {"a": 1, "b": 1, "n": ROWS}]


def test_what_is_compared_is_read_from_the_shown_version_s_files_and_from_all(ctx: Context) -> None:
    _shown(ctx, 2)
    query = "SELECT version, other_version, count(*) AS n FROM tiny.compared_predictions GROUP BY ALL"
    assert duck.rows(ctx.root, query) == [{"version": 2, "other_version": 1, "n": ROWS}]
    assert scans.by_duckdb(ctx.root, query) == [2, 4]


def test_a_ledger_whose_files_are_missing_is_no_fault_of_other_tables(ctx: Context) -> None:
    _shown(ctx, 2)
    for file in ctx.tables.path("ops.model_events").glob("*.parquet"):
        file.unlink()
    assert duck.rows(ctx.root, "SELECT count(*) AS n FROM tiny.predictions") == [{"n": 2 * ROWS}]
    with pytest.raises(duckdb.IOException, match="model_events"):
        duck.rows(ctx.root, "FROM tiny.current_predictions")


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
