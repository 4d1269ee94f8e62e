"""A window of gold, and everything by another version: what is scored, once, and what stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from golds import write_gold
from pyspark.sql import SparkSession
from scored import events, registered, said

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.tables import Tables
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
        real(*args, **named)
        raise KeyboardInterrupt

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
