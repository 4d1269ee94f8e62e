"""Scoring that monitoring blocks: nothing is published until the next good verdict, or until a person says why not."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from golds import write_gold
from pyspark.sql import SparkSession
from scored import more_gold, registered, said

from lakehouse_nlp.core import actions, duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.monitor import kept
from lakehouse_nlp.monitor.judge import Comparison, Finding
from lakehouse_nlp.monitor.verdicts import Verdict
from lakehouse_nlp.score import stage
from lakehouse_nlp.status import scoring_blocked

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
MakeContext = Callable[..., Context]
NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
PRICE: dict[str, Any] = {"features": {"numeric": ["price"]}, "monitor": {"actions": {"data": "block_scoring"}}}


def _judge(ctx: Context, share: float) -> None:
    """A verdict on the run's files, as monitoring writes it: a share of 0.5 is too much."""
    bad = share > 0.5
    finding = Finding("data", "files: rows", "history", "last runs", 9, Comparison("history", share, 0.5), f"{share:g}")
    verdict = Verdict(finding, 1, "drifted" if bad else "stable", "warning", "block_scoring" if bad else "none")
    ctx.sign("monitor")
    kept.judged(ctx, [(None, ctx.run_id, verdict)], None)


def test_scoring_is_blocked_until_a_good_verdict_or_a_clearance(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    def context(run: int) -> Context:
        ctx = make_context(home, f"run-{run}", **PRICE)
        ctx.clock = lambda: NOON + timedelta(days=run)
        return ctx

    first = context(1)
    write_gold(first, spark, rows=10)
    registered(first)
    stage.run(first)
    shown = said(first, "current_predictions")
    assert len(shown) == 10
    with pytest.raises(UsageError, match="scoring of tiny is not blocked"):
        actions.clear(first, "nothing")
    _judge(first, 0.9)

    bad = context(2)
    more_gold(bad, spark, "new")
    assert stage.due(bad)
    result = stage.run(bad)
    assert (result.read, result.written) == (0, 0)
    (says,) = result.refused
    assert says.splitlines()[:2] == ["scoring of tiny by tiny/1 is blocked:", "  0.9"]
    assert 'lakehouse-nlp unblock --scoring --project tiny --why "' in says
    assert scoring_blocked(bad) == says
    assert said(bad, "current_predictions") == shown
    (told,) = duck.rows(bad.root, "SELECT severity, outcome FROM ops.alerts")
    assert told == {"severity": "error", "outcome": "unsent"}
    assert stage.due(context(3)) is None, "it was said, and nothing came since"

    person = context(3)
    assert actions.clear(person, " the prices are right ") == ["0.9"]
    after = context(4)
    assert scoring_blocked(after) is None
    assert stage.due(after)
    assert stage.run(after).written == 1

    _judge(after, 0.8)
    more_gold(after, spark, "newer")
    assert stage.run(context(5)).refused
    assert stage.due(context(5)) is None
    _judge(context(5), 0.1)
    good = context(6)
    assert stage.due(good)
    assert stage.run(good).written == 1
    assert len(said(good)) == 12
    rows = duck.rows(
        good.root, "SELECT event, run_id, upto IS NULL AS person, who, why FROM ops.actions ORDER BY run_id"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("refused", "run-2", False, None, None),
        ("cleared", "run-3", True, getpass.getuser(), "the prices are right"),
        ("refused", "run-5", False, None, None),
    ]
