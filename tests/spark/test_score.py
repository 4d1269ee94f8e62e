"""Several models over one read of gold: each scores every row once, and each has a position of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from golds import write_gold
from pyspark.sql import SparkSession
from scored import events, more_gold, registered, said

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.registry import CHALLENGER, CHAMPION, Registry
from lakehouse_nlp.core.tables import Tables
from lakehouse_nlp.score import stage, whole

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
MakeContext = Callable[..., Context]
PRICE: dict[str, Any] = {"features": {"numeric": ["price"]}}
BOTH = {**PRICE, "score": {"models": ["champion", "challenger"]}}


def _two(ctx: Context, spark: SparkSession, rows: int = 20) -> None:
    write_gold(ctx, spark, rows=rows)
    registered(ctx, CHAMPION)
    registered(ctx, CHALLENGER, cut=5.5)


def test_champion_and_challenger_score_from_one_read_what_each_scores_alone(
    spark: SparkSession, tmp_path: Path, make_context: MakeContext
) -> None:
    together = make_context(tmp_path / "together", **BOTH)
    _two(together, spark)
    assert stage.due(together) == "gold is new to tiny/1"
    result = stage.run(together)
    assert (result.read, result.written) == (40, 40)
    assert result.note == "40 rows scored by tiny/1, tiny/2; current_predictions shows version 1"
    assert together.tables.log("predictions").version() == 1  # made, and written once
    assert stage.due(together) is None
    more_gold(together, spark, "k003", "new")
    assert stage.run(together).written == 4
    assert stage.due(together) is None

    alone = make_context(tmp_path / "alone", **PRICE)
    _two(alone, spark)
    more_gold(alone, spark, "k003", "new")
    stage.run(alone)
    assert {version for _, version in said(alone)} == {1}
    beside = make_context(tmp_path / "alone", **BOTH)
    assert stage.due(beside) == "gold is new to tiny/2"
    assert stage.run(beside).written == 21
    without_run = [{k: {**row, "model_run_id": ""} for k, row in said(ctx).items()} for ctx in (together, beside)]
    assert without_run[0] == without_run[1]
    assert len(without_run[0]) == 42
    assert {row["prediction"] for row in without_run[0].values()} == {"good", "bad"}


def test_a_version_whose_columns_are_gone_is_refused_by_name(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    write_gold(make_context(home), spark, rows=20)
    registered(make_context(home))
    with pytest.raises(DataError, match="tiny/1 reads price, which") as told:
        stage.run(make_context(home))
    assert told.value.hint.startswith("name them in features again")


def test_gold_is_read_once_and_only_the_columns_that_are_needed(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, **BOTH)
    _two(ctx, spark)
    spark.conf.set("spark.sql.debug.maxToStringFields", 100)
    rows = stage._rows(ctx, ctx.tables.read("gold"), list(stage.resolved(ctx).values()))
    plan = rows._jdf.queryExecution().executedPlan().toString()
    assert plan.count("FileScan") == 1
    read = re.search(r"FileScan parquet [\w.]+\[(.*?)\]", plan)
    assert read
    columns = {part.split("#")[0] for part in read[1].split(",")}
    assert columns == {"key", "purpose", "split", "label", "price", "clean_text", "nlp_hash", "row_hash"}
    assert (
        "ArrowEvalPython" not in rows.groupBy("key", "version").count()._jdf.queryExecution().executedPlan().toString()
    )


def test_an_alias_that_moves_while_it_scores_changes_nothing(
    spark: SparkSession, home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = make_context(home, **BOTH)
    _two(ctx, spark)
    real = stage.passes

    def passes(*args: Any) -> Any:  # asked once the versions are known, and before any model is
        Registry(ctx).client.set_registered_model_alias("tiny", CHAMPION, "2")
        return real(*args)

    monkeypatch.setattr(stage, "passes", passes)
    stage.run(ctx)
    prices = {row["key"]: row["price"] for row in ctx.tables.read("gold").collect()}
    good = {
        at: {prices[key] for (key, n), row in said(ctx).items() if (n, row["prediction"]) == (at, "good")}
        for at in (1, 2)
    }
    assert (min(good[1]), min(good[2])) == (4, 6)  # each said by its own model
    assert events(ctx) == [(1, "shown", None, None, None)]
    assert stage.due(ctx) == "tiny/2 is to be shown by current_predictions"
    assert stage.run(ctx).written == 0
    assert events(ctx)[1:] == [(2, "shown", 1, None, None)]


def test_a_registry_that_was_made_anew_has_other_versions_under_the_same_numbers(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    old = make_context(home, **PRICE)
    write_gold(old, spark, rows=20)
    registered(old)
    stage.run(old)
    before = said(old)

    store = {"mlflow": {"tracking_uri": "sqlite:///other/mlflow.db"}}
    new = make_context(home, **PRICE, **store)
    registered(new, cut=5.5)
    version = Registry(new).get(1)
    assert whole(new, version) == (False, "version 1 scored 0 of 20 rows of gold")
    assert stage.due(new) == "gold is new to tiny/1"
    assert stage.run(new).written == 20
    assert stage.due(new) is None
    after = said(new)
    assert {row["model_run_id"] for row in after.values()} == {version.run_id}
    assert {key for key, row in after.items() if row["prediction"] != before[key]["prediction"]}
    assert whole(new, version)[0]
    assert not whole(old, Registry(old).get(1))[0]

    assert stage.due(old) == "gold is new to tiny/1"  # and the way back
    assert stage.run(old).written == 20
    assert said(old) == before
    strict = make_context(home, **{**PRICE, "score": {"max_drift": 0.001}}, **store)
    registered(new, cut=6.5)
    # What is shown is the old registry's: the new one's version of that number does not take its place.
    assert stage.run(strict).note.startswith("20 rows scored by tiny/2; current_predictions shows version 1 still")
    assert said(new, "current_predictions") == before


def test_a_challenger_of_another_pipeline_or_of_no_version_stops_nobody(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, **{**BOTH, "score": {"models": ["champion", "challenger", "previous"]}})
    write_gold(ctx, spark, rows=10)
    with pytest.raises(DataError, match="score: model tiny has no champion"):
        stage.run(ctx)
    registered(ctx, CHAMPION)
    registered(ctx, CHALLENGER, nlp="other")
    assert stage.run(ctx).note == "10 rows scored by tiny/1; current_predictions shows version 1"
    Registry(ctx).client.set_registered_model_alias("tiny", CHAMPION, "2")
    with pytest.raises(DataError, match="was made by pipeline h, and tiny/2 was trained on other"):
        stage.run(ctx)


@pytest.mark.parametrize("where", ["merge_once", "record"])
def test_killed_at_a_write_and_run_again_the_tables_are_those_of_one_run(
    where: str, spark: SparkSession, tmp_path: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = getattr(Tables, where)

    def killed(when: str) -> Callable[..., Any]:
        def write(self: Tables, table: str, *args: Any, **named: Any) -> Any:
            if when == "after":
                real(self, table, *args, **named)
            raise KeyboardInterrupt

        return write

    found = []
    for when in ("", "before", "after"):
        ctx = make_context(tmp_path / f"killed_{when}", **BOTH)
        _two(ctx, spark, rows=10)
        if when:
            monkeypatch.setattr(Tables, where, killed(when))
            with pytest.raises(KeyboardInterrupt):
                stage.run(ctx)
            monkeypatch.setattr(Tables, where, real)
            assert (stage.due(ctx) is None) == ((where, when) == ("record", "after"))
            shown = duck.tables(ctx.root).keys() & {"ops.model_events"} and said(ctx, "current_predictions")
            assert bool(shown) == ((where, when) == ("record", "after"))
        stage.run(ctx)
        assert stage.due(ctx) is None
        found.append(({k: {**row, "model_run_id": ""} for k, row in said(ctx).items()}, events(ctx)))
    assert found[0] == found[1] == found[2]
    assert len(found[0][0]) == 20


def test_what_the_other_says_stands_beside_what_is_shown_by_key(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, **PRICE)
    _two(ctx, spark)
    stage.run(ctx)
    (alone,) = duck.rows(ctx.root, "SELECT other_version, count(*) AS n FROM tiny.compared_predictions GROUP BY 1")
    assert alone == {"other_version": None, "n": 20}

    ctx = make_context(home, **BOTH)
    stage.run(ctx)
    more_gold(ctx, spark, "late")
    by = said(ctx)
    rows = {row["key"]: row for row in duck.rows(ctx.root, "SELECT * FROM tiny.compared_predictions")}
    assert len(rows) == 20
    for key, row in rows.items():
        mine, other = by[key, 1], by[key, 2]
        assert (row["version"], row["other_version"]) == (1, 2)
        assert row["agree"] == (mine["prediction"] == other["prediction"])
        gap = other["probabilities"][mine["prediction"]] - mine["probability"]
        assert row["difference"] == pytest.approx(gap)
    assert {row["agree"] for row in rows.values()} == {True, False}

    ctx.tables.attach_all()
    query = "SELECT key, other_version, agree, difference FROM tiny.compared_predictions"
    assert {tuple(row) for row in spark.sql(query).collect()} == {
        (key, row["other_version"], row["agree"], row["difference"]) for key, row in rows.items()
    }
