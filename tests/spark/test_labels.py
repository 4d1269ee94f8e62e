"""Labels that people give, into gold and what comes after it: the newest of a key stands, and only its row moves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rows import content

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.tables import Tables
from lakehouse_nlp.gold import stage
from lakehouse_nlp.labels import Given, Recorded, give

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
MakeContext = Callable[..., Context]
SILVER = "id string, title string, body string, stars double, day date, price double, _key string, _purpose string, "
SILVER += "_label string, _row_hash bigint, _file string, _row bigint, _batch bigint, _ingested_at timestamp"


def _silver(ctx: Context, spark: SparkSession, batch: int, *rows: tuple[str, str | None]) -> None:
    """Rows of silver by key and label; those without a label came to be scored."""
    full = [
        (key, f"title {key}", None, 5.0, None, 1.0, key, "train" if label else "inference", label, hash((key, label)),
         "f", n, batch, None)
        for n, (key, label) in enumerate(rows)
    ]  # fmt: skip
    frame = spark.createDataFrame(full, SILVER).withColumn("_ingested_at", F.current_timestamp()).coalesce(1)
    ctx.sign("silver")
    ctx.tables.ensure("silver", {name: column.type for name, column in ctx.settings.columns.items()})
    ctx.tables.merge_once(
        "silver", frame, on=["_key"], changed="new._row_hash <> old._row_hash", upto={"bronze": batch}
    )


def _labels(ctx: Context) -> dict[str, str | None]:
    return {row["key"]: row["label"] for row in ctx.tables.read("gold").collect()}


def _given(**labels: str) -> list[Given]:
    return [Given(key, label) for key, label in labels.items()]


def test_the_newest_label_of_a_key_stands_and_only_its_row_is_rewritten(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home)
    _silver(ctx, spark, 1, ("a", "good"), ("b", "bad"), ("c", None), ("d", "good"))
    stage.run(ctx)
    assert _labels(ctx) == {"a": "good", "b": "bad", "c": None, "d": "good"}
    assert stage.due(ctx) is None

    assert give(ctx, _given(a="bad", c="good", d="none")) == Recorded(given=3, known=0, ahead=0)
    assert give(ctx, _given(a="bad", d="")) == Recorded(given=0, known=2, ahead=0)
    assert stage.due(ctx) == "labels is new"
    before = {row["key"]: row["row_hash"] for row in ctx.tables.read("gold").collect()}
    result = stage.run(ctx)
    assert (result.read, result.written) == (3, 3)
    assert _labels(ctx) == {"a": "bad", "b": "bad", "c": "good", "d": None}
    after = {row["key"]: row["row_hash"] for row in ctx.tables.read("gold").collect()}
    assert {key for key in after if after[key] != before[key]} == {"a", "c", "d"}
    assert stage.due(ctx) is None

    assert give(ctx, _given(a="good")) == Recorded(1, 0, 0)
    assert stage.due(ctx) == "labels went from version 1 to 2"
    result = stage.run(ctx)
    assert (result.read, result.written) == (1, 1)
    assert _labels(ctx)["a"] == "good"


def test_labels_stand_when_rows_come_again_come_later_and_when_gold_is_made_anew(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home)
    _silver(ctx, spark, 1, ("a", "good"), ("b", "bad"))
    assert give(ctx, _given(a="bad", z="good"), ahead=True) == Recorded(2, 0, ahead=1)
    stage.run(ctx)
    assert _labels(ctx) == {"a": "bad", "b": "bad"}
    _silver(ctx, spark, 2, ("a", "fair"), ("z", None), ("b", "bad"))
    give(ctx, _given(b="good"))
    assert stage.due(ctx) == "silver went from version 1 to 2; labels went from version 1 to 2"
    assert stage.run(ctx).written == 3
    wanted = {"a": "bad", "b": "good", "z": "good"}
    assert _labels(ctx) == wanted
    other = make_context(home, gold={"nlp": {"stem": True}})
    assert stage.due(other) == "settings changed: gold is made anew"
    stage.run(other)
    assert _labels(other) == wanted


def test_gold_killed_at_its_write_and_run_again_is_that_of_one_run(
    spark: SparkSession, tmp_path: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Tables.merge_once

    def killed(when: str) -> Callable[..., Any]:
        def merge_once(*args: Any, **named: Any) -> Any:
            if when == "after":
                real(*args, **named)
            raise KeyboardInterrupt

        return merge_once

    found = []
    for when in ("", "before", "after"):
        ctx = make_context(tmp_path / f"killed_{when}")
        _silver(ctx, spark, 1, ("a", "good"), ("b", "bad"), ("c", None))
        stage.run(ctx)
        _silver(ctx, spark, 2, ("d", "good"), ("b", "good"))
        give(ctx, _given(a="bad", b="bad", c="good"))
        if when:
            monkeypatch.setattr(Tables, "merge_once", killed(when))
            with pytest.raises(KeyboardInterrupt):
                stage.run(ctx)
            monkeypatch.setattr(Tables, "merge_once", real)
            assert (stage.due(ctx) is None) == (when == "after")
        stage.run(ctx)
        assert stage.due(ctx) is None
        found.append(content(ctx, "gold"))
    assert found[0] == found[1] == found[2]
    assert _labels(ctx) == {"a": "bad", "b": "bad", "c": "good", "d": "good"}


def test_a_label_given_twice_at_once_is_there_twice_and_counts_once(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home)
    _silver(ctx, spark, 1, ("a", "good"))
    give(ctx, [Given("a", "bad", "looked again")], "checked.csv", new_class=True)
    row = ctx.tables.read("labels").first().asDict()
    ctx.tables.record("labels", [("a", "bad", None, "other", None, "run-2")])
    assert stage.run(ctx).written == 1
    assert _labels(ctx) == {"a": "bad"}
    assert row["who"]
    assert (row["label"], row["why"], row["source"], row["run_id"]) == ("bad", "looked again", "checked.csv", "run-1")
