"""Scoring by a stream: what it leaves is what batches leave, whatever happens to gold, model and process meanwhile."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from golds import write_gold
from pyspark.sql import SparkSession
from scored import events, more_gold, registered, said

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.tables import Tables
from lakehouse_nlp.register.aliases import promote
from lakehouse_nlp.score import stage
from lakehouse_nlp.score.stream import micro_batches

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
MakeContext = Callable[..., Context]
Open = Callable[[], Context]
PRICE: dict[str, Any] = {"features": {"numeric": ["price"]}}


def _rows_come(ctx: Context, spark: SparkSession) -> None:
    more_gold(ctx, spark, "k003", "new")


def _champion_moves(ctx: Context, spark: SparkSession) -> None:
    registered(ctx, "challenger", cut=5.5)
    promote(ctx, 2, "a test")


def _gold_is_made_anew(ctx: Context, spark: SparkSession) -> None:
    write_gold(ctx, spark, rows=12)


def _a_column_comes(ctx: Context, spark: SparkSession) -> None:
    ctx.sign("gold")
    ctx.tables.ensure("gold", {"price": "double", "weight": "double"})
    more_gold(ctx, spark, "k002", "newer")


STORY = (_rows_come, _champion_moves, _gold_is_made_anew, _a_column_comes)


def _lake(ctx: Context, spark: SparkSession) -> Context:
    write_gold(ctx, spark, rows=10)
    registered(ctx)
    return ctx


def _opens(make_context: MakeContext, home: Path) -> Open:
    """Contexts of runs that follow each other."""
    runs = iter(range(100))
    return lambda: make_context(home, f"run-{next(runs)}", **PRICE)


def _followed(opened: Open, seconds: float = 300) -> Iterator[int]:
    """Follows, and tells how many rows each run wrote; ends when it is closed."""
    until, ctx = time.monotonic() + seconds, opened()
    with closing(micro_batches(ctx, 0.2, lambda: time.monotonic() > until)) as batches:
        for _ in batches:
            now = opened()
            if stage.due(now):
                yield stage.run(now).written
    raise AssertionError(f"nothing more to score came in {seconds} s")


def _left(ctx: Context) -> Any:
    rows = {key: {**row, "model_run_id": ""} for key, row in said(ctx).items()}
    return rows, events(ctx), ctx.tables.log("predictions").version()


def test_what_comes_while_it_follows_is_scored_once_and_as_by_batches(
    spark: SparkSession, tmp_path: Path, make_context: MakeContext
) -> None:
    ctx = _lake(make_context(tmp_path / "followed", **PRICE), spark)
    wrote = []
    with closing(_followed(_opens(make_context, tmp_path / "followed"))) as runs:
        for n, happens in zip(runs, (*STORY, None), strict=False):
            wrote.append(n)
            if happens is None:
                break
            happens(ctx, spark)
    assert wrote == [10, 2, 11, 3, 2]
    assert spark.streams.active == []

    batch = _lake(make_context(tmp_path / "batches", **PRICE), spark)
    opened = _opens(make_context, tmp_path / "batches")
    stage.run(opened())
    for happens in STORY:
        happens(batch, spark)
        stage.run(opened())
    assert _left(ctx) == _left(batch)
    assert events(ctx) == [
        (1, "shown", None, None, None), (2, "promoted by hand", 1, None, None), (2, "shown", 1, None, None),
    ]  # fmt: skip


@pytest.mark.parametrize("when", ["before", "after"])
def test_ended_at_a_write_a_batch_goes_on_and_so_does_the_next_that_follows_with_or_without_its_checkpoint(
    when: str, spark: SparkSession, home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx, opened = _lake(make_context(home, **PRICE), spark), _opens(make_context, home)
    real = Tables.merge_once

    def killed(*args: Any, **named: Any) -> Any:
        if when == "after":
            real(*args, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(Tables, "merge_once", killed)
    with pytest.raises(KeyboardInterrupt), closing(_followed(opened)) as runs:
        next(runs)
    assert spark.streams.active == []
    monkeypatch.setattr(Tables, "merge_once", real)
    assert stage.run(opened()).written == (10 if when == "before" else 0)

    more_gold(ctx, spark, "new")
    if when == "after":
        shutil.rmtree(ctx.folder / ".checkpoint")
    with closing(_followed(opened)) as runs:
        assert next(runs) == 1
        more_gold(ctx, spark, "newer")
        assert next(runs) == 1
    assert len(said(ctx)) == 12
    assert stage.due(ctx) is None
    assert ctx.tables.log("predictions").version() == 3  # made, and written three times


def test_a_stream_that_cannot_go_on_says_what_it_read(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = _lake(make_context(home, **PRICE), spark)
    with closing(_followed(_opens(make_context, home))) as runs:
        assert next(runs) == 10
        shutil.rmtree(ctx.tables.path("gold"))
        with pytest.raises(DataError, match=r"the stream over tiny\.gold and ops\.model_events failed: No such file"):
            next(runs)
    assert spark.streams.active == []
