"""Runs of several projects, a process each, in place of which plain Python programs run here."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lakehouse_nlp.fleet import Fleet, gravest

pytestmark = pytest.mark.unit

# Ends as its project's name says; writes its beginning and end down.
PROGRAM = """
import json, os, signal, sys, time
project = sys.argv[sys.argv.index("--project") + 1]
kind, _, rest = project.partition("_")
log = open(sys.argv[1], "a")
def note(what): print(what, project, file=log, flush=True)
def ended(*_): note("stopped"); sys.exit(143)
signal.signal(signal.SIGTERM, ended)
note("begin")
print("gold      done", file=sys.stderr)
if kind == "long": time.sleep(60)
if kind == "well": time.sleep(0.3)
note("end")
if kind == "well": print(json.dumps({"run_id": rest, "state": "done"}))
if kind == "rejects":
    print(json.dumps({"run_id": rest, "state": "rejected"})); sys.exit("refused: a.csv: empty")
if kind == "fails": print("error: no label\\n  next: look", file=sys.stderr); sys.exit(int(rest))
if kind == "dies": os.kill(os.getpid(), signal.SIGKILL)
"""


def _fleet(log: Path, at_a_time: int, said: list[str]) -> Fleet:
    return Fleet(at_a_time, said.append, [sys.executable, "-c", PROGRAM, str(log)])


def test_each_ends_in_its_own_way_and_is_told_in_the_order_of_the_names(tmp_path: Path) -> None:
    said: list[str] = []
    with _fleet(tmp_path / "log", 3, said) as fleet:
        names = ["well_1", "rejects_2", "fails_1", "fails_2", "fails_4", "fails_124", "fails_3", "dies"]
        found = [run.result() for run in [fleet.start(name) for name in names]]
    assert [(each.project, each.state, each.code) for each in found] == [
        ("well_1", "done", 0),
        ("rejects_2", "rejected", 1),
        ("fails_1", "failed", 1),
        ("fails_2", "refused", 2),
        ("fails_4", "blocked", 4),
        ("fails_124", "timed_out", 124),
        ("fails_3", "failed", 3),
        ("dies", "failed", 137),
    ]
    assert [(each.report or {}).get("run_id") for each in found[:3]] == ["1", "2", None]
    assert [each.error for each in found[:3]] == [None, "refused: a.csv: empty", "no label\n  next: look"]
    assert "fails_3: gold      done" in said


def test_no_more_run_at_a_time_than_there_is_room_for(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with _fleet(log, 2, []) as fleet:
        for number in range(5):
            fleet.start(f"well_{number}")
    going = most = 0
    for line in log.read_text().splitlines():
        going += 1 if line.startswith("begin") else -1
        most = max(most, going)
    assert (going, most) == (0, 2)


def test_left_by_an_exception_it_ends_what_runs_and_begins_no_more(tmp_path: Path) -> None:
    log = tmp_path / "log"
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), _fleet(log, 2, []) as fleet:
        _begin_and_break_off(fleet, log)
    assert time.monotonic() - began < 30
    lines = log.read_text().splitlines()
    assert sorted(lines) == ["begin long_0", "begin long_1", "stopped long_0", "stopped long_1"]


def _begin_and_break_off(fleet: Fleet, log: Path) -> None:
    for number in range(4):
        fleet.start(f"long_{number}")
    while not log.exists() or log.read_text().count("begin") < 2:
        time.sleep(0.02)
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("codes", "code"),
    [([], 0), ([0, 0], 0), ([0, 1], 1), ([1, 4], 4), ([124, 4, 0], 124), ([2, 124], 2), ([2, 3, 1], 3), ([3, 137], 137),
     ([0, 143], 143), ([143, 1], 1)],
)  # fmt: skip
def test_the_gravest_code_stands_for_all(codes: list[int], code: int) -> None:
    assert gravest(codes) == code


def test_nothing_is_left_over_after_sigterm(tmp_path: Path) -> None:
    """The whole of it in a process: SIGTERM ends the children, too, and the process with its own code."""
    log = tmp_path / "log"
    code = f"""
import sys
from lakehouse_nlp.core.stop import Terminated, exit_code, stoppable
from lakehouse_nlp.fleet import Fleet
try:
    with stoppable(lambda: None), Fleet(1, print, [sys.executable, "-c", {PROGRAM!r}, {str(log)!r}]) as fleet:
        fleet.start("long_0").result()
except Terminated as stop:
    sys.exit(exit_code(stop))
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while not log.exists() or "begin" not in log.read_text():
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143
    assert log.read_text().splitlines() == ["begin long_0", "stopped long_0"]
