"""Runs that fail in a row block their project, until somebody opens it and says why."""

from __future__ import annotations

import getpass
import itertools
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from acting import Put, patient
from pyspark.sql import SparkSession

from lakehouse_nlp import flow
from lakehouse_nlp.core import breaker, duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import BlockedError, DataError, TimedOutError, UsageError
from lakehouse_nlp.core.runs import Record
from lakehouse_nlp.core.stop import Terminated

pytestmark = pytest.mark.spark
MakeContext = Callable[..., Context]
NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
NO = DataError("the label column is empty", hint="look at the source")


class Days:
    """A project that is run once a day, by a clock that nobody waits for."""

    def __init__(self, home: Path, make: MakeContext, put: Put, **more: Any) -> None:
        self.home, self.make, self.put, self.more = home, make, put, more
        self.numbers = itertools.count(1)

    def context(self) -> Context:
        number = next(self.numbers)
        ctx, _ = patient(self.make(self.home, f"run-{number}", **self.more))
        ctx.clock = lambda: NOON + timedelta(days=number)
        return ctx

    def run(self, act: object) -> str:
        """The state in which a run ends whose stage acts so."""
        self.put(ingest=(act,))
        try:
            return flow.run(self.context()).state
        except BlockedError:
            return "blocked"
        except (DataError, TimedOutError):
            return "failed"
        except Terminated:
            return "cancelled"


@pytest.fixture
def days(home: Path, make_context: MakeContext, stages: Put) -> Days:
    return Days(home, make_context, stages)


def _rows(home: Path, query: str) -> list[dict[str, Any]]:
    return duck.rows(home / "lake", query)


def test_three_failed_runs_in_a_row_block_the_project_until_it_is_opened(
    spark: SparkSession, home: Path, days: Days
) -> None:
    late = TimedOutError("ingest", timedelta(hours=1))
    assert [days.run(act) for act in (NO, late, NO)] == ["failed"] * 3
    assert [days.run(act) for act in (1, 1)] == ["blocked"] * 2
    assert len(_rows(home, "SELECT * FROM ops.runs")) == 3

    ctx = days.context()
    with pytest.raises(BlockedError) as refused:
        flow.run(ctx, force=True)
    assert refused.value.exit_code == 4
    assert refused.value.message.splitlines() == [
        "tiny is blocked: 3 runs in a row failed",
        "  run-3 failed: the label column is empty",
        "  run-2 timed_out: ingest was ended: it took longer than 1:00:00, its time by runs.timeout",
        "  run-1 failed: the label column is empty",
    ]
    assert refused.value.hint == 'lakehouse-nlp unblock --project tiny --why "what was done about it"'
    (told,) = _rows(home, "SELECT * FROM ops.alerts")
    assert (told["severity"], told["contact"], told["run_id"]) == ("critical", "security", "run-3")
    assert (told["reason"], told["next"]) == (refused.value.message, refused.value.hint)

    opened = days.context()
    assert [run["run_id"] for run in breaker.unblock(opened, " the source is mended ")] == ["run-3", "run-2", "run-1"]
    assert days.run(1) == "done"
    block, opening = _rows(home, "SELECT * FROM ops.breaker ORDER BY number")
    assert [(block["event"], block["who"], block["why"]), opening["event"]] == [("blocked", None, None), "unblocked"]
    assert (opening["who"], opening["why"]) == (getpass.getuser(), "the source is mended")
    assert opening["happened_at"] == opened.clock()
    assert [run["run_id"] for run in json.loads(block["runs"])] == ["run-3", "run-2", "run-1"]


def test_after_it_was_opened_three_further_runs_have_to_fail(spark: SparkSession, home: Path, days: Days) -> None:
    for _ in range(3):
        days.run(NO)
    breaker.unblock(days.context(), "mended")
    assert [days.run(NO) for _ in range(4)] == ["failed", "failed", "failed", "blocked"]
    assert [row["event"] for row in _rows(home, "SELECT * FROM ops.breaker ORDER BY number")] == [
        "blocked", "unblocked", "blocked"
    ]  # fmt: skip


@pytest.mark.parametrize(("between", "fourth"), [(1, "failed"), (Terminated(), "blocked")], ids=["done", "cancelled"])
def test_a_run_that_ended_well_begins_the_count_anew_and_one_that_was_stopped_does_not(
    spark: SparkSession, home: Path, days: Days, between: object, fourth: str
) -> None:
    assert [days.run(NO), days.run(NO)] == ["failed", "failed"]
    days.run(between)
    assert days.run(NO) == "failed"
    assert days.run(NO) == fourth


@pytest.mark.parametrize("upkeep", ["maintain", "replay"])
def test_what_runs_no_stage_says_nothing_of_a_project(spark: SparkSession, home: Path, days: Days, upkeep: str) -> None:
    for _ in range(2):
        assert days.run(NO) == "failed"
        record = Record(days.context(), (upkeep,))
        record.begin()
        record.end("done")
    assert [days.run(NO), days.run(NO)] == ["failed", "blocked"]


@pytest.mark.parametrize(("after", "states"), [(1, ["failed", "blocked"]), (None, ["failed"] * 5)])
def test_how_many_is_a_setting(
    spark: SparkSession,
    home: Path,
    make_context: MakeContext,
    stages: Put,
    after: int | None,
    states: list[str],
) -> None:
    days = Days(home, make_context, stages, runs={"breaker": {"after": after}, "retries": {"tries": 1}})
    assert [days.run(NO) for _ in states] == states


def test_another_setting_opens_no_project(spark: SparkSession, home: Path, days: Days) -> None:
    for _ in range(3):
        days.run(NO)
    days.more = {"runs": {"breaker": {"after": None}}}
    assert days.run(1) == "blocked"


def test_a_run_that_was_killed_before_it_could_block_is_made_up_for(
    spark: SparkSession, home: Path, days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(breaker, "trip", lambda ctx: None)
        assert [days.run(NO) for _ in range(3)] == ["failed"] * 3
    assert days.run(1) == "blocked"


def test_only_what_is_blocked_is_opened_and_only_with_a_reason(spark: SparkSession, home: Path, days: Days) -> None:
    with pytest.raises(UsageError, match="tiny is not blocked"):
        breaker.unblock(days.context(), "why not")
    for _ in range(3):
        days.run(NO)
    with pytest.raises(UsageError, match="--why is empty"):
        breaker.unblock(days.context(), "  ")
    assert days.run(1) == "blocked"


def test_a_project_is_not_blocked_by_the_runs_of_another(spark: SparkSession, home: Path, days: Days) -> None:
    for _ in range(3):
        days.run(NO)
    days.more = {"project": "other"}
    assert days.run(1) == "done"
