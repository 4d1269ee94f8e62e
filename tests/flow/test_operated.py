"""Runs as an orchestrator has them: stopped by signals, hung, without their JVM, one behind another that dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lake
import pytest
import test_killed

pytestmark = pytest.mark.flow

# Where each stage is stopped, and by which signal.
POINTS = {
    "append_once:bronze:before:1": signal.SIGTERM,
    "replace_window:silver:before:1": signal.SIGINT,
    "replace_window:gold:before:1": signal.SIGTERM,
    "create_model_version::before:1": signal.SIGINT,
    "set_registered_model_alias:champion:before:1": signal.SIGTERM,
    "merge_once:predictions:before:1": signal.SIGINT,
    "record:ops.metrics:before:1": signal.SIGTERM,
}
STAGES = ("ingest", "silver", "gold", "train", "register", "score", "monitor")
STATES = "SELECT run_id, state, error, ended_at IS NOT NULL AS ended FROM ops.runs ORDER BY run_id"


def hanging(home: Path, point: str, *command: str) -> subprocess.Popen[str]:
    """A run that hangs at a point by now."""
    process = lake.begin(sys.executable, test_killed.KILLER, f"{point}:hang", *command, "--home", home, cwd=home)
    assert process.stdout
    for line in process.stdout:
        if line.strip() == "hanging":
            return process
    raise AssertionError(f"it ended with {process.wait()} before {point}")


def stopped(home: Path, point: str, number: signal.Signals) -> tuple[int, str]:
    """A run that gets a signal at a point: its exit code, and what it said since."""
    process = hanging(home, point, "run")
    os.kill(process.pid, number)
    said, _ = process.communicate(timeout=lake.TIMEOUT)
    lake.wait_for_group(process.pid)
    return process.returncode, said


def stopped_in_every_stage(base: Path) -> dict[str, Any]:
    home = lake.raw_home(base / "stopped")
    ended = [stopped(home, point, number) for point, number in POINTS.items()]
    return {"home": home, "ended": ended, "last": lake.cli(home, "run")}


def hung(base: Path) -> dict[str, Any]:
    home = test_killed.before_scoring(base, base / "hung")
    command = ("run", "score", "--home", home, "--set", "runs.timeouts.score=10s")
    ended = lake.call(sys.executable, test_killed.KILLER, "merge_once:predictions:before:1:hang", *command, cwd=home)
    return {"home": home, "ended": ended, "last": lake.cli(home, "run", "score")}


def without_java(base: Path) -> dict[str, Any]:
    home = test_killed.before_scoring(base, base / "without_java")
    command = ("run", "score", "--home", home, "--set", "runs.retries.wait=1s")
    ended = lake.call(sys.executable, test_killed.KILLER, "merge_once:predictions:before:1:java", *command, cwd=home)
    return {"home": home, "ended": ended}


def behind_one_that_dies(base: Path) -> dict[str, Any]:
    home = lake.raw_home(base / "behind")
    holder = hanging(home, "append_once:bronze:before:1", "run", "ingest")
    second = lake.begin(lake.BIN / "lakehouse-nlp", "run", "ingest", "--home", home, cwd=home)
    assert second.stdout
    waits = second.stdout.readline()
    lake.kill_group(holder)
    said, _ = second.communicate(timeout=lake.TIMEOUT)
    return {"home": home, "holder": holder.pid, "waits": waits, "said": said, "code": second.returncode}


SCENARIOS: dict[str, Callable[[Path], Any]] = {
    "stopped": stopped_in_every_stage,
    "hung": hung,
    "without java": without_java,
    "behind": behind_one_that_dies,
}


def stopped_runs(test: Any) -> Any:
    """Eight runs one after the other: among the longest."""
    return pytest.mark.faults(pytest.mark.timeout(3600)(pytest.mark.parametrize("scenario", ["stopped"])(test)))


@stopped_runs
def test_a_signal_ends_a_run_with_its_own_code(outcome: dict[str, Any]) -> None:
    assert [code for code, _ in outcome["ended"]] == [128 + number for number in POINTS.values()]
    assert not any("Traceback" in said for _, said in outcome["ended"])


@stopped_runs
def test_a_run_that_was_stopped_is_recorded_as_cancelled_with_the_stage(outcome: dict[str, Any]) -> None:
    assert [row["state"] for row in lake.ask(outcome["home"], STATES)] == ["cancelled"] * len(POINTS) + ["done"]
    query = "SELECT stage, error FROM ops.steps WHERE state = 'cancelled' ORDER BY started_at"
    assert [row["stage"] for row in lake.ask(outcome["home"], query)] == list(STAGES)


@stopped_runs
def test_each_run_goes_on_where_the_one_before_was_stopped(outcome: dict[str, Any]) -> None:
    assert outcome["last"].returncode == 0, outcome["last"].stderr
    query = """SELECT stage, count(*) AS n FROM ops.steps WHERE state = 'done' GROUP BY ALL"""
    assert {row["stage"]: row["n"] for row in lake.ask(outcome["home"], query)} == dict.fromkeys(STAGES, 1)


@stopped_runs
def test_what_was_stopped_leaves_the_tables_of_an_undisturbed_run(outcome: dict[str, Any], clean: lake.Clean) -> None:
    assert lake.differences(outcome["home"], clean.home, (*lake.PROJECT_TABLES, *lake.LEDGERS)) == {}
    assert lake.ledger(outcome["home"]) == lake.ledger(clean.home)
    assert lake.places(outcome["home"]) == lake.places(clean.home)


@pytest.mark.parametrize("scenario", ["hung"])
def test_a_step_that_hangs_is_ended_by_its_time(outcome: dict[str, Any], clean: lake.Clean) -> None:
    ended = outcome["ended"]
    assert ended.returncode == 124, ended.stderr
    assert "error: score was ended: it took longer than 0:00:10" in ended.stderr
    assert "Traceback" not in ended.stderr
    states = [row["state"] for row in lake.ask(outcome["home"], STATES)]
    assert states[-2:] == ["timed_out", "done"]
    assert lake.differences(outcome["home"], clean.home, ("predictions",)) == {}


@pytest.mark.parametrize("scenario", ["without java"])
def test_a_run_goes_on_with_a_new_jvm(outcome: dict[str, Any], clean: lake.Clean) -> None:
    ended = outcome["ended"]
    assert ended.returncode == 0, ended.stderr
    assert "the Spark session ended while score ran" in ended.stderr
    assert "try 2 of 3 in 1 s" in ended.stderr
    tried = lake.ask(outcome["home"], "SELECT state, tries FROM ops.steps WHERE stage = 'score' ORDER BY started_at")
    assert [tuple(row.values()) for row in tried] == [("done", 1), ("failed", 1), ("done", 2)]
    assert lake.differences(outcome["home"], clean.home, ("predictions",)) == {}


@pytest.mark.parametrize("scenario", ["behind"])
def test_a_run_that_waits_takes_over_from_one_that_dies_and_closes_its_row(outcome: dict[str, Any]) -> None:
    assert "waiting for run" in outcome["waits"]
    assert f"(process {outcome['holder']} on " in outcome["waits"]
    assert outcome["code"] == 0, outcome["said"]
    lost, last = lake.ask(outcome["home"], STATES)
    assert (lost["state"], lost["ended"], last["state"], last["error"]) == ("lost", False, "done", None)
    assert "nobody wrote down how it ended" in lost["error"]
    assert f"{lost['run_id']}: killed, and closed as lost" in outcome["said"]


@pytest.mark.parametrize("scenario", ["behind"])
def test_what_it_left_is_done_once(outcome: dict[str, Any], clean: lake.Clean) -> None:
    assert lake.differences(outcome["home"], clean.home, ("bronze",)) == {}
    assert lake.ledger(outcome["home"]) == lake.ledger(clean.home)
