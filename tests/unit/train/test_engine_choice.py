"""Which engine the settings and the rows ask for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.train.engines import CELL, CLUSTER, MB, VALUE, choose, expected_mb
from lakehouse_nlp.train.material import specification
from lakehouse_nlp.train.source import Source

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
TEXT_ROWS = MB // CELL // 2  # tokens that take a megabyte, in 1-grams and 2-grams


@pytest.mark.parametrize(
    ("tokens_mb", "master", "name"),
    [
        (9, "local[2]", "memory"),
        (11, "local[2]", "batches"),
        (11, None, "batches"),
        (10 * CLUSTER + 1, None, "cluster"),
        (10 * CLUSTER + 1, "yarn", "cluster"),
        (10 * CLUSTER + 1, "local[*]", "batches"),
    ],
)
def test_auto_goes_by_rows_and_by_where_spark_runs(
    home: Path,
    make_context: MakeContext,
    monkeypatch: pytest.MonkeyPatch,
    tokens_mb: int,
    master: str | None,
    name: str,
) -> None:
    ctx = make_context(home, train={"memory_mb": 10}, spark={"master": master})
    source = Source(ctx, 1, specification(ctx.settings))
    monkeypatch.setattr(Source, "size", lambda _: (100, TEXT_ROWS * tokens_mb))
    found = choose(ctx.settings, source)
    assert found.name == name
    assert found.why.startswith("100 rows, about ")
    assert found.why.endswith("MB; train.memory_mb is 10")


def test_auto_sends_nothing_to_a_cluster_that_goes_on_from_a_champion(
    home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = make_context(home, train={"memory_mb": 10, "warm_start": True}, spark={"master": "yarn"})
    monkeypatch.setattr(Source, "size", lambda _: (100, TEXT_ROWS * (10 * CLUSTER + 1)))
    assert choose(ctx.settings, Source(ctx, 1, specification(ctx.settings))).name == "batches"


def test_an_engine_that_is_named_is_taken_without_a_look_at_the_rows(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, train={"engine": "batches"})
    assert str(choose(ctx.settings, Source(ctx, 1, specification(ctx.settings)))) == "batches (by train.engine)"


@pytest.mark.parametrize(("text", "cells"), [(("title",), 2 * 500), ((), 0)])
def test_what_rows_take_is_expected_from_tokens_and_columns(
    home: Path, make_context: MakeContext, text: tuple[str, ...], cells: int
) -> None:
    more: dict[str, Any] = {"features": {"numeric": ["price", "stars"]}}
    settings = make_context(home, **more).settings.model_copy(update={"text": text})
    rows = 10_000_000
    assert expected_mb(rows, 500, specification(settings)) == -(-(CELL * cells + VALUE * rows * 3) // MB)
