"""Runs of the past, from tables that are written here as the record writes them: by delta-rs, without a JVM."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lakehouse_nlp.cli import render
from lakehouse_nlp.core import duck, history
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.views import filled, questions

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
Row = dict[str, Any]
NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
FAULT = "gold was ended: it took longer than 0:01:00\n  next: run again"


def _row(number: int, state: str, seconds: float | None, error: str | None = None, project: str = "tiny") -> Row:
    began = NOON + timedelta(days=number)
    ended = began + timedelta(seconds=seconds) if seconds is not None else None
    return {
        "project": project, "run_id": f"run-{number}", "state": state, "env": "local", "stages": "ingest gold",
        "code": "0.1.0", "started_at": began, "ended_at": ended, "error": error, "recorded_at": began,
    }  # fmt: skip


def _step(number: int, stage: str, state: str, after: float, **more: Any) -> Row:
    began = NOON + timedelta(days=number, seconds=after)
    return {
        "project": "tiny", "run_id": f"run-{number}", "stage": stage, "state": state, "started_at": began,
        "ended_at": began + timedelta(seconds=2), "read": 0, "written": 0, "rejected": 0, "versions": "{}", "note": "",
        "error": None, "cpu_seconds": 1.5, "peak_bytes": 10**9, "bytes_read": 10**6, "bytes_written": 10**6,
        "price": 0.25, "tries": 1, "recorded_at": began, **more,
    }  # fmt: skip


@pytest.fixture
def ctx(home: Path, make_context: MakeContext) -> Context:
    ctx = make_context(home)
    runs = [_row(1, "done", 60), _row(2, "lost", None, "killed"), _row(3, "timed_out", 90.25, FAULT)]
    steps = [
        _step(3, "ingest", "done", 0, read=1000, written=990, rejected=10, note="1 file"),
        _step(3, "gold", "failed", 10, error="[Errno 5] Input/output error"),
        _step(3, "gold", "timed_out", 20, error=FAULT, tries=2),
        _step(1, "gold", "done", 0, read=5),
        _step(3, "gold", "done", 5, project="other"),  # which was given the same id
    ]
    for table, rows in (("runs", [*runs, _row(9, "done", 5, project="other")]), ("steps", steps)):
        write_deltalake(str(ctx.tables.path(f"ops.{table}")), pa.Table.from_pylist(rows))
    return ctx


def test_runs_come_newest_first_and_are_those_of_the_project(ctx: Context) -> None:
    found = history.runs(ctx, 10)
    assert [(run["id"], run["state"], run["seconds"]) for run in found] == [
        ("run-3", "timed_out", 90.2),
        ("run-2", "lost", None),
        ("run-1", "done", 60.0),
    ]
    assert [run["id"] for run in history.runs(ctx, 2)] == ["run-3", "run-2"]
    assert found[1]["ended_at"] is None
    assert found[2]["started_at"].startswith("2024-05-02T12:00:00")


def test_a_run_is_shown_with_every_try_of_its_steps(ctx: Context) -> None:
    found = history.run(ctx, "run-3")
    told = [(step["stage"], step["state"], step["tries"], step["read"], step["seconds"]) for step in found["steps"]]
    assert told == [("ingest", "done", 1, 1000, 2.0), ("gold", "failed", 1, 0, 2.0), ("gold", "timed_out", 2, 0, 2.0)]
    assert (found["steps"][0]["rows_per_second"], found["steps"][0]["price_per_million"]) == (500, 250)
    assert history.last_run(ctx) == found


def test_a_run_that_was_not_is_refused_with_the_nearest_one(
    ctx: Context, home: Path, make_context: MakeContext
) -> None:
    with pytest.raises(UsageError, match="tiny had no run 'run-33'; did you mean 'run-3'") as refused:
        history.run(ctx, "run-33")
    assert refused.value.hint == "lakehouse-nlp runs"
    with pytest.raises(UsageError, match="tiny had no run 'x'; the last was run-3"):
        history.run(ctx, "x")
    with pytest.raises(UsageError, match="other had no run 'run-3'"):
        history.run(make_context(home, project="other"), "run-3")


def test_what_stages_cost_counts_every_try_and_the_rows_of_those_that_have_a_price(
    home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home)
    steps = [
        _step(1, "gold", "done", 0, read=9_000_000, price=None, cpu_seconds=None),  # before there were prices
        _step(2, "gold", "timed_out", 0, read=None, price=0.5, error=FAULT),
        _step(2, "gold", "failed", 5, read=None, price=0.25, peak_bytes=2 * 10**9),
        _step(2, "gold", "done", 10, read=2_000_000, price=1.25),
        _step(3, "gold", "idle", 0, read=7, price=100.0, cpu_seconds=100.0),
        _step(4, "train", "done", 0, read=100, price=None, cpu_seconds=0.5),
        _step(4, "train", "done", 0, project="other"),
    ]
    write_deltalake(str(ctx.tables.path("ops.steps")), pa.Table.from_pylist(steps))
    found = duck.rows(ctx.root, filled(questions()["what_stages_cost"], "tiny"), only=["ops.steps"])
    assert [tuple(row.values()) for row in found] == [
        ("gold", 4, 11_000_000, 4.5, 2 * 10**9, 2.0, 1.0),
        ("train", 1, 100, 0.5, 10**9, None, None),
    ]


def test_a_home_without_runs_has_none(tmp_path: Path, make_context: MakeContext) -> None:
    ctx = make_context(tmp_path)
    assert (history.runs(ctx, 10), history.last_run(ctx)) == ([], None)
    with pytest.raises(UsageError, match="it never ran"):
        history.run(ctx, "run-1")


def test_runs_are_shown_a_line_each(ctx: Context, capsys: pytest.CaptureFixture[str]) -> None:
    render.runs(history.runs(ctx, 10), as_json=False)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["run", "state", "seconds", "stages"]
    assert lines[1][:5] == ["run-3", "timed_out", "90.2", "ingest", "gold"]
    assert lines[1][5:] == ["gold", "was", "ended:", "it", "took", "longer", "than", "0:01:00"]
    assert lines[2] == ["run-2", "lost", "ingest", "gold", "killed"]
    render.runs([], as_json=False)
    assert capsys.readouterr().out == "no runs yet\n"
    render.runs(history.runs(ctx, 1), as_json=True)
    assert json.loads(capsys.readouterr().out)[0]["error"] == FAULT


def test_one_run_is_shown_with_all_of_what_went_wrong_once(ctx: Context, capsys: pytest.CaptureFixture[str]) -> None:
    render.run(history.run(ctx, "run-3"), as_json=False)
    said = capsys.readouterr().out
    assert said.startswith("id: run-3\nstate: timed_out\nstarted: 2024-05-04T12:00:00")
    assert said.count("took longer") == 1
    assert "\ngold, try 1: [Errno 5] Input/output error\n" in said
    assert f"\ngold, try 2: {FAULT}\n" in said
    head = next(line.split() for line in said.splitlines() if line.startswith("stage "))
    assert head == ["stage", "state", "tries", "seconds", "read", "written", "rejected", "note"]
    log = ctx.folder / "monitoring/logs/run-1.jsonl"
    log.parent.mkdir(parents=True)
    log.touch()
    assert [history.run(ctx, name)["log"] for name in ("run-1", "run-3")] == [str(log), None]
    render.run(history.run(ctx, "run-1"), as_json=False)
    assert f"\nlog: {log}\n" in capsys.readouterr().out
    render.run(history.run(ctx, "run-1"), as_json=False)
    assert "tries" not in capsys.readouterr().out
    render.run(history.run(ctx, "run-2"), as_json=False)
    assert capsys.readouterr().out.endswith("\nkilled\n")
