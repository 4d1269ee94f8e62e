"""`run` of several projects and `schedule`, as processes; there is nothing to do, so no session is started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.flow

PROJECT = (
    "columns: {id: string, title: string, stars: double}\nkey: id\ntext: title\nlabel: case when stars > 3 then 1 end\n"
)
EVERY_SECOND = "runs: {schedule: {cron: '* * * * * *'}}\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with two projects that have nothing to do, and one whose settings have a fault."""
    projects = tmp_path / "conf/projects"
    projects.mkdir(parents=True)
    for name, more in {"one": EVERY_SECOND, "two": "", "odd": "runs: {retrys: {}}\n"}.items():
        (projects / f"{name}.yml").write_text(PROJECT + more)
    return tmp_path


def _command(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "lakehouse_nlp.cli", *arguments, "--home", str(home)]


def _called(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(home, *arguments), capture_output=True, text=True, timeout=300, check=False)


def _told(ended: subprocess.CompletedProcess[str]) -> Sequence[Any]:
    return [(each["project"], each["state"], each["code"]) for each in json.loads(ended.stdout)]


def test_all_projects_are_run_and_told_in_order_and_a_fault_of_one_stops_no_other(home: Path) -> None:
    ended = _called(home, "run", "--all", "--json")
    assert _told(ended) == [("odd", "refused", 2), ("one", "idle", 0), ("two", "idle", 0)]
    assert ended.returncode == 2
    assert "odd: " in ended.stderr
    assert "runs.retrys: unknown key; did you mean 'retries'?" in json.loads(ended.stdout)[0]["error"]


def test_those_that_are_named_are_run_in_this_order_each_once(home: Path) -> None:
    ended = _called(home, "run", "ingest", "-p", "two", "-p", "one", "-p", "two")
    assert ended.returncode == 0, ended.stderr
    assert [line.split()[:2] for line in ended.stdout.splitlines()[1:]] == [["two", "idle"], ["one", "idle"]]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "--all", "-p", "one"), "--all and --project"),
        (("run", "-p", "one", "-p", "twoo"), "no project 'twoo'; did you mean 'two'?"),
        (("run", "gld", "-p", "one", "-p", "two"), "no such stage: gld"),
        (("schedule", "-p", "two"), "no project has a schedule"),
        (("unblock", "-p", "one", "--why", "nothing"), "one is not blocked"),
        (("runs", "show", "run-1", "-p", "one"), "one had no run 'run-1'; it never ran"),
    ],
)
def test_what_makes_no_sense_is_refused(home: Path, arguments: tuple[str, ...], says: str) -> None:
    ended = _called(home, *arguments)
    assert ended.returncode == 2
    assert f"error: {says}" in ended.stderr


def test_a_schedule_runs_by_its_clock_and_ends_after_so_many_runs(home: Path) -> None:
    ended = _called(home, "schedule", "-p", "one", "-p", "two", "--runs", "2")
    assert ended.returncode == 0, ended.stderr
    assert [line.split()[:2] for line in ended.stdout.splitlines() if line.startswith("one")] == [["one", "idle"]] * 2
    assert "one: at * * * * * * (UTC)\ntwo: has no schedule\n" in ended.stderr
    assert "one: schedule * * * * * *\n" in ended.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_schedule(home: Path, number: signal.Signals, code: int) -> None:
    process = subprocess.Popen(
        _command(home, "schedule", "-p", "one"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    for line in process.stderr:
        if line.startswith("one: schedule"):
            break
    os.kill(process.pid, number)
    _, said = process.communicate(timeout=300)
    assert process.returncode == code
    assert "Traceback" not in said
