"""A window of gold, and everything by another version: what is scored, once, and what stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from golds import write_gold
from pyspark.sql import DataFrame, SparkSession
from scored import events, registered, said

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.registry import Version
from lakehouse_nlp.core.tables import Log, Tables
from lakehouse_nlp.score import stage

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
MakeContext = Callable[..., Context]
SILVER = "id string, title string, body string, stars double, day date, price double, _key string, _purpose string, "
SILVER += "_label string, _row_hash bigint, _file string, _row bigint, _batch bigint, _ingested_at timestamp"


def _settings(**score: Any) -> dict[str, Any]:
    return {"features": {"numeric": ["price"]}, "score": score}


def _lake(ctx: Context, spark: SparkSession) -> None:
    """Ten rows of gold, of silver by day and by the hour that they came in; the last has no day."""
    write_gold(ctx, spark, rows=10)
    rows = [
        (None, None, None, None, date(2024, 1, n + 1) if n < 9 else None, None, f"k{n:03}", "train", None, n, "f", n, 1,
         datetime(2024, 5, 1, n))
        for n in range(10)
    ]  # fmt: skip
    ctx.sign("silver")
    ctx.tables.ensure("silver", {name: column.type for name, column in ctx.settings.columns.items()})
    ctx.tables.replace_window("silver", spark.createDataFrame(rows, SILVER).coalesce(1))
    registered(ctx)


def _keys(ctx: Context, version: int = 1) -> set[int]:
    return {int(key[1:]) for key, of in said(ctx) if of == version}


@pytest.mark.parametrize(
    ("window", "keys"),
    [
        ({"by": "day", "since": "2024-01-03", "until": "2024-01-06"}, {2, 3, 4}),
        ({"by": "day", "since": "2024-01-09"}, {8}),
        ({"until": "2024-05-01T02:00:00"}, {0, 1}),
        ({"since": "2024-05-01T07:30:00"}, {8, 9}),
    ],
)
def test_the_rows_of_a_window_are_scored(
    window: dict[str, str], keys: set[int], spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, **_settings(window=window))
    _lake(ctx, spark)
    assert stage.due(ctx) == "a window of gold is asked for"
    assert stage.run(ctx).written == len(keys)
    assert _keys(ctx) == keys


def test_a_window_moves_nothing_else_and_killed_and_run_again_is_that_of_one_run(
    spark: SparkSession, home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = make_context(home, **_settings())
    _lake(ctx, spark)
    stage.run(ctx)
    registered(ctx, "challenger", cut=5.5)
    shown, models = events(ctx), [1, 2]
    only = _settings(models=models, window={"by": "day", "until": "2024-01-04"})
    real = Tables.merge_once

    def killed(*args: Any, **named: Any) -> Any:
        wrote = real(*args, **named)
        if _keys(ctx, 2):
            raise KeyboardInterrupt
        return wrote

    monkeypatch.setattr(Tables, "merge_once", killed)
    with pytest.raises(KeyboardInterrupt):
        stage.run(make_context(home, **only))
    monkeypatch.setattr(Tables, "merge_once", real)
    first = said(ctx)
    assert _keys(ctx, 2) == {0, 1, 2}
    assert stage.run(make_context(home, "run-2", **only)).written == 0
    assert said(ctx) == first
    assert events(ctx) == shown
    assert stage.due(ctx) is None

    every = make_context(home, "run-3", **_settings(models=models))
    assert stage.due(every) == "gold is new to tiny/2"
    assert stage.run(every).written == 7
    assert _keys(every, 2) == set(range(10))
    assert {key: row for key, row in said(every).items() if key in first} == first
    assert stage.due(every) is None
    assert events(every) == shown


def test_rows_that_one_version_has_scored_are_not_predicted_again_for_the_sake_of_another(
    spark: SparkSession, home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = make_context(home, **_settings())
    _lake(ctx, spark)
    stage.run(ctx)
    for n in (2, 3):
        registered(ctx, f"nobody{n}", cut=4.5)
    predicted: list[tuple[list[int], int]] = []

    def rows(ctx: Context, gold: DataFrame, versions: Sequence[Version]) -> DataFrame:
        predicted.append(([version.number for version in versions], gold.count()))
        return real(ctx, gold, versions)

    real = stage._rows
    monkeypatch.setattr(stage, "_rows", rows)
    window = {"by": "day", "until": "2024-01-04"}
    assert stage.run(make_context(home, "run-2", **_settings(models=[2, "champion"], window=window))).written == 3
    assert predicted == [([2], 3), ([1], 0)]
    more = _settings(models=[1, 2, 3])
    assert stage.size(make_context(home, "run-3", **more)) == 20
    assert stage.run(make_context(home, "run-3", **more)).written == 17
    assert predicted[2:] == [([2], 7), ([3], 10)]
    assert [_keys(ctx, version) for version in (1, 2, 3)] == [set(range(10))] * 3
    for n in (4, 5):
        registered(ctx, f"nobody{n}", cut=4.5)
    for n, window in enumerate(({"by": "day", "since": "2024-01-09"}, {}), 4):
        stage.run(make_context(home, f"run-{n}", **_settings(models=[1, 4, 5], window=window)))
    assert predicted[4:] == [([1], 0), ([4, 5], 1), ([4, 5], 9)]  # the same left to do: one read


@pytest.mark.parametrize(
    ("window", "says"),
    [
        ({"since": "2024-01-01T06:00", "until": "2024-01-01T18:00"}, "--since 2024-01-01T06:00:00 has a time of day"),
        ({"since": "2024-01-01", "until": "2024-01-02T00:00:00.5"}, "--until 2024-01-02T00:00:00.500000 has a time"),
    ],
)
def test_a_time_of_day_for_a_column_of_days_is_refused(
    window: dict[str, str], says: str, home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Log, "changed", lambda _: 1)
    monkeypatch.setattr("lakehouse_nlp.score.stage.resolved", lambda _: {"champion": Version("tiny", 1, "r", {})})
    for look in (stage.due, stage.size, stage.run):
        with pytest.raises(UsageError, match=f"score: {says}.*, and day is a column of whole days") as error:
            look(make_context(home, **_settings(window={"by": "day", **window})))
        assert error.value.hint
        assert "; or --by a timestamp column" in error.value.hint
    midnight = {"by": "day", "since": "2024-01-01T00:00:00", "until": "2024-01-02"}
    assert stage.due(make_context(home, **_settings(window=midnight)))
