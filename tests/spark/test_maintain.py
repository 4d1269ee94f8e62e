"""Upkeep: what models and stages need stays, what nothing needs goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import scans
from golds import write_gold
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rows import bring, content

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.registry import Registry, Version
from lakehouse_nlp.core.tables import Tables, upkeep
from lakehouse_nlp.gold import stage as gold
from lakehouse_nlp.maintain import maintain
from lakehouse_nlp.score import stage as score
from lakehouse_nlp.train import stage as train
from lakehouse_nlp.train.reproduce import reproduce

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
MakeContext = Callable[..., Context]
SPLITS = 3  # gold has files of its own for each
LEARNING: dict[str, Any] = {
    "features": {"numeric": ["price"]},
    "train": {"booster": {"rounds": 5}},
    "lake": {"retain_days": 0},
}


def _files(ctx: Context, table: str = "gold") -> set[str]:
    """The files of a table, those of its log aside."""
    folder = ctx.tables.path(table)
    return {str(path.relative_to(folder)) for path in folder.rglob("*.parquet") if "_delta_log" not in path.parts}


def _learnt(ctx: Context, spark: SparkSession, partitions: int = 1) -> Version:
    """The first model, of gold in so many files a split."""
    write_gold(ctx, spark, partitions)
    ctx.sign("train")
    train.run(ctx)
    (version,) = Registry(ctx).versions()
    return version


def test_versions_that_models_name_stay_and_all_other_old_files_go(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, **LEARNING)
    version = _learnt(ctx, spark, 3)
    trained_on = _files(ctx)
    write_gold(ctx, spark, 4, rows=210)
    write_gold(ctx, spark, 5, rows=220)
    (ctx.tables.path("gold") / "part-left-by-a-killed-run.parquet").write_bytes(b"PAR1")
    before, rows = _files(ctx), content(ctx, "gold")
    assert len(before) == SPLITS * (3 + 4 + 5) + 1

    found = {each.table: each for each in maintain(ctx, dry_run=True).tables}["gold"]
    assert (found.merged, found.removed, found.versions) == (0, SPLITS * 4 + 1, (int(version.tags["gold_version"]),))
    assert _files(ctx) == before
    assert not ctx.tables.log("ops.steps").exists

    found = {each.table: each for each in maintain(ctx).tables}["gold"]
    assert (found.merged, found.into, found.removed) == (SPLITS * 5, SPLITS, SPLITS * (4 + 5) + 1)
    assert found.megabytes > 0
    assert trained_on < _files(ctx)
    assert len(_files(ctx)) == SPLITS * (3 + 1)
    assert content(ctx, "gold") == rows
    assert reproduce(ctx, version.run_id).same
    (step,) = ctx.tables.read("ops.steps").collect()
    assert (step["stage"], step["state"], step["note"].split(",")[0]) == ("maintain", "done", "28 files removed")

    again = {each.table: each for each in maintain(ctx).tables}["gold"]
    assert (again.merged, again.removed) == (0, 0)
    Registry(ctx).client.delete_model_version("tiny", "1")
    assert {each.table: each for each in maintain(ctx).tables}["gold"].removed == SPLITS * 3
    assert content(ctx, "gold") == rows


def test_rows_are_put_in_order_where_a_key_may_be_in_many_files(
    spark: SparkSession, home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(upkeep.ORDERED, "spark.databricks.delta.optimize.maxFileSize", "3000")  # else one would do
    ctx = make_context(home, **LEARNING)
    write_gold(ctx, spark, 6, rows=1000)
    rows, version = content(ctx, "gold"), ctx.tables.log("gold").changed()
    query = "SELECT clean_text FROM tiny.gold WHERE split = 'train' AND key = 'k331'"
    assert scans.by_duckdb(ctx.root, query) == [6]

    found = {each.table: each for each in maintain(ctx, order=True).tables}["gold"]
    assert found.merged == SPLITS * 6
    assert found.into > SPLITS
    assert scans.by_duckdb(ctx.root, query) == [1]
    assert scans.by_spark(ctx.tables.read("gold").where("split = 'train' AND key = 'k331'")) == {"gold": [1]}
    assert content(ctx, "gold") == rows
    assert ctx.tables.log("gold").changed() == version  # no stage has anything to do for it
    assert "spark.databricks.delta.optimize.maxFileSize" not in {row["key"] for row in spark.sql("SET").collect()}

    assert ctx.tables.order("gold", "key") == (0, 0)  # it is


def test_young_files_stay_for_the_days_that_are_set(spark: SparkSession, home: Path, make_context: MakeContext) -> None:
    for days in (7, 30):
        ctx = make_context(home, **{**LEARNING, "lake": {"retain_days": days}})
        write_gold(ctx, spark, 2)
        write_gold(ctx, spark, 2)
        before = _files(ctx)
        (found,) = (each for each in maintain(ctx).tables if each.table == "gold")
        assert (found.merged, found.removed, found.hours) == (SPLITS * 2, 0, 24 * days)
        assert before < _files(ctx)


def test_changes_that_a_stage_has_not_read_stay(spark: SparkSession, home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, lake={"retain_days": 0})
    row = {"id": "1", "title": "a", "body": "b", "stars": "5", "day": "1.2.2024", "price": "1"}
    bring(ctx, spark, 1, row)
    ctx.sign("silver", "r")
    ctx.tables.ensure("silver", {name: column.type for name, column in ctx.settings.columns.items()})
    silver = ctx.tables.read("bronze").selectExpr(
        "id", "title", "body", "cast(stars as double) stars", "cast(null as date) day", "cast(price as double) price",
        "id _key", "'good' _label", "_purpose", "_file", "_row", "_batch", "_ingested_at", "_batch _row_hash",
    )  # fmt: skip
    ctx.tables.merge_once("silver", silver, on=["_key"], upto={"bronze": 1})
    gold.run(ctx)
    for n in (2, 3):  # gold has yet to read how the row changed
        ctx.sign("silver", "r")
        fresh = silver.withColumn("_row_hash", F.lit(n).cast("bigint")).withColumn("title", F.lit(f"title {n}"))
        ctx.tables.merge_once("silver", fresh, on=["_key"], upto={"bronze": 1})
    changes = {name for name in _files(ctx, "silver") if name.startswith("_change_data")}
    assert changes
    maintain(ctx)
    assert changes <= _files(ctx, "silver")
    assert gold.run(ctx).written == 1
    assert [row["clean_text"] for row in ctx.tables.read("gold").collect()] == ["title 3 b"]
    maintain(ctx)
    assert not any(name.startswith("_change_data") for name in _files(ctx, "silver"))


def test_killed_between_merging_and_deleting_the_next_call_does_the_rest(
    spark: SparkSession, home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = make_context(home, lake={"retain_days": 0})
    write_gold(ctx, spark, 4)
    rows, real = content(ctx, "gold"), Tables.vacuum

    def killed(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Tables, "vacuum", killed)
    with pytest.raises(KeyboardInterrupt):
        maintain(ctx)
    monkeypatch.setattr(Tables, "vacuum", real)
    assert content(ctx, "gold") == rows
    maintain(ctx)
    assert len(_files(ctx)) == SPLITS
    assert content(ctx, "gold") == rows


def test_a_version_that_is_champion_again_scores_all_where_its_changes_are_gone(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, **LEARNING)
    _learnt(ctx, spark)
    Registry(ctx).client.set_registered_model_alias("tiny", "champion", "1")
    assert score.run(ctx).written == 200
    write_gold(ctx, spark, rows=210)
    train.run(ctx)
    Registry(ctx).client.set_registered_model_alias("tiny", "champion", "2")
    assert score.run(ctx).written == 210
    write_gold(ctx, spark, rows=220)
    assert score.run(ctx).written == 10
    maintain(ctx)
    Registry(ctx).client.set_registered_model_alias("tiny", "champion", "1")
    assert score.run(ctx).written == 20
    assert score.due(ctx) is None


def test_all_of_a_table_is_read_though_the_files_that_were_written_are_gone(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, **LEARNING)
    version = _learnt(ctx, spark, 4)
    before = _files(ctx)
    maintain(ctx)
    assert not before & _files(ctx)  # not for the model's sake either: the rows are in those that were merged
    assert reproduce(ctx, version.run_id).same
    assert train.due(ctx) is None

    Registry(ctx).client.set_registered_model_alias("tiny", "champion", "1")
    assert score.run(ctx).written == 200
    scored = _files(ctx, "predictions")
    maintain(ctx)
    assert not scored & _files(ctx, "predictions")
    assert ctx.tables.changes("predictions", None, ctx.tables.log("predictions").changed() or 0).count() == 200
    train.run(ctx)
    Registry(ctx).client.set_registered_model_alias("tiny", "champion", "2")
    assert score.run(ctx).written == 200
    assert reproduce(ctx, Registry(ctx).get(2).run_id).same


def test_tables_of_a_catalog_are_its_own_to_maintain(home: Path, make_context: MakeContext) -> None:
    with pytest.raises(UsageError, match="the tables are kept by the catalog main"):
        maintain(make_context(home, lake={"catalog": "main"}))
