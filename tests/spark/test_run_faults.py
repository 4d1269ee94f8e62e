"""A run whose stages fail, hang or are stopped: what is tried again, what is ended, and what the record says of it."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from acting import Acting, Put, patient
from pyspark.sql import SparkSession

from lakehouse_nlp import flow
from lakehouse_nlp.core import duck
from lakehouse_nlp.core.breaker import blocked
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError, PassingError, TimedOutError, UnreachableError, UsageError
from lakehouse_nlp.core.runs import KILLED, Record
from lakehouse_nlp.core.stop import Terminated
from lakehouse_nlp.core.tables import ddl

pytestmark = pytest.mark.spark
MakeContext = Callable[..., Context]
LOST = OSError(errno.EIO, "Input/output error")


def _steps(ctx: Context) -> list[tuple[Any, ...]]:
    query = "SELECT stage, state, tries, read, error FROM ops.steps WHERE run_id = ? ORDER BY started_at"
    return [tuple(row.values()) for row in duck.rows(ctx.root, query, [ctx.run_id])]


def _runs(ctx: Context) -> list[tuple[Any, ...]]:
    return [tuple(r.values()) for r in duck.rows(ctx.root, "SELECT run_id, state, error FROM ops.runs ORDER BY run_id")]


def test_a_fault_that_passes_is_tried_again_and_every_try_is_recorded(
    spark: SparkSession, home: Path, make_context: MakeContext, stages: Put
) -> None:
    ctx, waits = patient(make_context(home, runs={"retries": {"wait": "10s", "backoff": 3}}))
    stages(ingest=(LOST, UnreachableError("no answer"), 7), silver=(8,))
    report = flow.run(ctx)
    assert (report.state, report.steps["ingest"].read, waits) == ("done", 7, [10, 30])
    assert _steps(ctx) == [
        ("ingest", "failed", 1, 0, str(LOST)),
        ("ingest", "failed", 2, 0, "no answer"),
        ("ingest", "done", 3, 7, None),
        ("silver", "done", 1, 8, None),
    ]
    assert _runs(ctx) == [("run-1", "done", None)]


def test_a_try_that_did_its_work_and_did_not_come_back_is_not_done_twice(
    spark: SparkSession, home: Path, make_context: MakeContext, stages: Put
) -> None:
    ctx, _ = patient(make_context(home))
    stages(ingest=(LOST,), silver=(8,))
    assert set(flow.run(ctx).steps) == {"silver"}
    assert [step[:3] for step in _steps(ctx)] == [("ingest", "failed", 1), ("ingest", "idle", 2), ("silver", "done", 1)]


def test_calls_of_an_orchestrator_are_tries_and_stages_of_one_run(
    spark: SparkSession, home: Path, make_context: MakeContext, stages: Put
) -> None:
    """Only the last try of a stage makes the run a failed one, of which a single one blocks the project here."""

    def called(stage: str, attempt: int) -> Context:
        ctx, waits = patient(make_context(home, runs={"breaker": {"after": 1}}))
        try:
            flow.run(ctx, [stage], attempt=attempt)
        finally:
            assert waits == []
        return ctx

    stages(ingest=(LOST, 7), silver=(LOST, LOST, LOST))
    with pytest.raises(PassingError, match="Input/output error\n  this can pass: try 1 of 3\n  next: --attempt 2"):
        called("ingest", 1)
    ctx = make_context(home)
    assert (_runs(ctx), blocked(ctx)) == ([("run-1", "running", None)], None)
    assert _runs(called("ingest", 2)) == [("run-1", "done", None)]
    assert _runs(called("ingest", 2)) == [("run-1", "done", None)], "its answer was lost, and there is nothing to do"
    for attempt, error in enumerate((PassingError, PassingError, OSError), 1):
        with pytest.raises(error):
            called("silver", attempt)
    assert _runs(ctx) == [("run-1", "failed", str(LOST))]
    (run,) = duck.rows(ctx.root, "SELECT stages, started_at FROM ops.runs")
    assert run["stages"] == "ingest silver"
    assert run["started_at"] <= min(row["started_at"] for row in duck.rows(ctx.root, "SELECT * FROM ops.steps"))
    tries = [("ingest", "failed", 1), ("ingest", "done", 2), ("ingest", "idle", 2)]
    assert [step[:3] for step in _steps(ctx)] == [*tries, *(("silver", "failed", number) for number in (1, 2, 3))]
    assert "is blocked: 1 runs in a row failed" in str(blocked(ctx))


def test_a_run_that_refused_something_in_one_call_is_a_rejected_one_after_the_next(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home)
    for call, refused in enumerate(((), ("a.csv is empty",), (), ("b.csv is empty",))):
        record = Record(make_context(home), (f"stage_{call}",))
        record.begin()
        record.end("rejected" if refused else "done", "; ".join(refused) or None)
    assert _runs(ctx) == [("run-1", "rejected", "a.csv is empty; b.csv is empty")]


@pytest.mark.parametrize(
    ("error", "tries"), [(DataError("the gate said no"), 1), (LOST, 3), (ZeroDivisionError("division by zero"), 1)]
)
def test_a_stage_that_fails_ends_the_run_and_no_later_stage_begins(
    spark: SparkSession,
    home: Path,
    make_context: MakeContext,
    stages: Put,
    error: Exception,
    tries: int,
) -> None:
    ctx, waits = patient(make_context(home))
    stages(ingest=(error,) * 9, silver=(8,))
    with pytest.raises(type(error)):
        flow.run(ctx)
    assert len(waits) == tries - 1
    assert [step[:3] for step in _steps(ctx)] == [("ingest", "failed", number + 1) for number in range(tries)]
    assert _runs(ctx) == [("run-1", "failed", str(error))]


def test_the_next_run_goes_on_from_the_step_that_failed(
    spark: SparkSession, home: Path, make_context: MakeContext, stages: Put
) -> None:
    ctx, _ = patient(make_context(home))
    stages(ingest=(5,), silver=(DataError("no"), 6), gold=(7,))
    with pytest.raises(DataError):
        flow.run(ctx)
    again = make_context(home, "run-2")
    assert {name: result.read for name, result in flow.run(again).steps.items()} == {"silver": 6, "gold": 7}
    assert [step[:2] for step in _steps(again)] == [("ingest", "idle"), ("silver", "done"), ("gold", "done")]


def _job_without_end(ctx: Context) -> None:
    ctx.spark.sparkContext.parallelize([1], 1).foreach(lambda _: time.sleep(600))


def _sleep(ctx: Context) -> None:
    time.sleep(600)


@pytest.mark.parametrize("hang", [_job_without_end, _sleep])
def test_a_step_that_hangs_is_ended_and_no_job_goes_on(
    spark: SparkSession, home: Path, make_context: MakeContext, stages: Put, hang: Callable[..., None]
) -> None:
    ctx, waits = patient(make_context(home, runs={"timeouts": {"silver": "3s"}}))
    stages(ingest=(5,), silver=(hang,), gold=(7,))
    began = time.monotonic()
    with pytest.raises(TimedOutError, match="silver was ended: it took longer than 0:00:03"):
        flow.run(ctx)
    assert time.monotonic() - began < 60
    assert waits == []
    until = time.monotonic() + 20
    while spark.sparkContext.statusTracker().getActiveJobsIds() and time.monotonic() < until:
        time.sleep(0.1)
    assert spark.sparkContext.statusTracker().getActiveJobsIds() == []
    assert [step[:3] for step in _steps(ctx)] == [("ingest", "done", 1), ("silver", "timed_out", 1)]
    ((_, state, error),) = _runs(ctx)
    assert state == "timed_out"
    assert "--set runs.timeouts.silver=2h" in error
    assert spark.range(3).count() == 3


def test_a_step_out_of_time_is_tried_again_where_that_is_asked_for(
    spark: SparkSession, home: Path, make_context: MakeContext, stages: Put
) -> None:
    ctx, waits = patient(make_context(home, runs={"timeout": "2s", "retries": {"timeouts": True}}))
    stages(ingest=(_sleep, 5))
    assert flow.run(ctx).steps["ingest"].read == 5
    assert waits == [60]
    assert [step[:3] for step in _steps(ctx)] == [("ingest", "timed_out", 1), ("ingest", "done", 2)]


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Terminated()])
def test_a_run_that_is_stopped_is_recorded_as_cancelled(
    spark: SparkSession, home: Path, make_context: MakeContext, stages: Put, stop: BaseException
) -> None:
    ctx, waits = patient(make_context(home))
    stages(ingest=(5,), silver=(stop, 6))
    with pytest.raises(type(stop)):
        flow.run(ctx)
    assert waits == []
    assert [row[1] for row in _runs(ctx)] == ["cancelled"]
    assert [step[:3] for step in _steps(ctx)] == [("ingest", "done", 1), ("silver", "cancelled", 1)]
    assert flow.run(make_context(home, "run-2")).steps["silver"].read == 6


def test_the_row_of_a_run_that_was_killed_is_closed_by_the_next_one(
    spark: SparkSession, home: Path, make_context: MakeContext, stages: Put
) -> None:
    for number in (1, 2):
        Record(make_context(home, f"run-{number}"), ("ingest",)).begin()  # the second closes the first
    other = make_context(home, "other-1", project="other")
    Record(other, ("ingest",)).begin()
    ctx, _ = patient(make_context(home, "run-3"))
    stages(ingest=(5,))
    flow.run(ctx)
    assert _runs(ctx) == [
        ("other-1", "running", None),
        ("run-1", "lost", KILLED),
        ("run-2", "lost", KILLED),
        ("run-3", "done", None),
    ]


def test_a_run_that_waits_keeps_what_it_refused_when_another_closes_it(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    waits = Record(make_context(home, "run-1"), ("ingest",))
    waits.begin()
    waits.end("rejected", "a.csv has no column id")
    waits = Record(make_context(home, "run-1"), ("silver",))
    waits.begin()
    waits.pause()
    between = Record(make_context(home, "run-2"), ("maintain",))
    between.begin()
    between.end("done")
    assert _runs(make_context(home))[0] == ("run-1", "lost", f"a.csv has no column id\n{KILLED}")
    again = Record(make_context(home, "run-1"), ("silver",))
    again.begin()
    again.end("done")
    assert _runs(make_context(home)) == [("run-1", "rejected", "a.csv has no column id"), ("run-2", "done", None)]


def test_two_projects_may_have_been_given_the_same_id(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    for project, state, error in (("tiny", "failed", "no room"), ("other", "done", None)):
        record = Record(make_context(home, "run-1", project=project), ("ingest",))
        record.begin()
        record.end(state, error)
    rows = duck.rows(home / "lake", "SELECT project, state FROM ops.runs ORDER BY project", only=["ops.runs"])
    assert [tuple(row.values()) for row in rows] == [("other", "done"), ("tiny", "failed")]


def test_a_table_of_an_earlier_release_takes_the_states_of_this_one(
    spark: SparkSession, home: Path, make_context: MakeContext, stages: Put
) -> None:
    old = make_context(home, "run-1")
    location = f"LOCATION '{old.tables.path('ops.runs')}'"
    create, _ = ddl.statements("runs", "ops.runs", location, {})
    spark.sql("CREATE SCHEMA IF NOT EXISTS ops")
    spark.sql(create)
    known = "ADD CONSTRAINT state_is_known CHECK (state IN ('running', 'done', 'rejected', 'failed'))"
    spark.sql(f"ALTER TABLE ops.runs {known}")
    stages(ingest=(Terminated(), 5))
    with pytest.raises(Terminated):
        flow.run(patient(old)[0])
    assert [row[1] for row in _runs(old)] == ["cancelled"]
    version = old.tables.log("ops.runs").version() or 0
    flow.run(make_context(home, "run-2"))
    operations = [info["operation"] for at, info in old.tables.log("ops.runs").commits() if at > version]
    assert operations == ["WRITE", "WRITE"]  # the rule is that of this release now, and stays
    with pytest.raises(Exception, match="failed validation check"):
        old.tables.record("ops.runs", [("tiny", "run-3", "odd", "local", "", "", old.clock(), None, None)])


def test_a_server_that_does_not_answer_yet_is_asked_again_before_anything_is_started(
    home: Path, make_context: MakeContext, stages: Put
) -> None:
    ctx, waits = patient(make_context(home))
    asked = [UnreachableError("no answer"), UnreachableError("no answer")]

    class Asking(Acting):
        def due(self, ctx: Context) -> str | None:
            if asked:
                raise asked.pop()
            return super().due(ctx)

    stages(train=("done",))
    flow.STAGES = (Asking("train", (), (), "acts", acts=("done",)),)
    assert flow.run(ctx).state == "idle"
    assert waits == [60, 60]
    asked.extend([UnreachableError("no answer")] * 3)
    with pytest.raises(UnreachableError):
        flow.run(ctx)
    assert not ctx.tables.touched
    assert duck.tables(ctx.root) == {}


def test_a_run_without_room_on_the_disk_is_recorded_and_begins_no_step(
    spark: SparkSession, home: Path, make_context: MakeContext, stages: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx, waits = patient(make_context(home))
    stages(ingest=(7,))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5 * 10**8))
    with pytest.raises(UsageError, match=r"0\.50 GB free: less than 1GB would stay free"):
        flow.run(ctx)
    ((_, state, error),) = _runs(ctx)
    assert (state, waits, _steps(ctx)) == ("failed", [], [])
    assert "disk.min_free" in error
