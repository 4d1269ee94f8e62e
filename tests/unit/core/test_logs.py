"""The log of a run: what its lines hold, what they never hold, and what a killed process leaves."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.cost import Usage
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.hush import hush
from lakehouse_nlp.core.telemetry import Try, observers
from lakehouse_nlp.core.telemetry.logs import Lines, place, plain

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
TEXT, TOKEN = "I live in Main Street 1", "slack://xoxb-secret"


def _lines(ctx: Context) -> list[dict[str, Any]]:
    return [json.loads(line) for line in place(ctx, ctx.run_id).read_text(encoding="utf-8").splitlines()]


def _failed() -> BaseException:
    try:
        try:
            raise ValueError(TEXT)
        except ValueError as error:
            raise DataError(f"{TEXT!r} is no number, and {TOKEN} heard nothing") from error
    except DataError as error:
        return error


@pytest.fixture
def ctx(home: Path, make_context: MakeContext) -> Context:
    ctx = make_context(home)
    ctx.clock = lambda: NOON
    return ctx


def test_every_line_says_when_of_which_run_stage_and_try(ctx: Context) -> None:
    told, used = observers(ctx), Usage(1.5, 2_000_000, 10, 20)
    told.run_begins(["ingest", "silver"], NOON)
    told.try_begins("ingest", 1, NOON)
    result = StepResult(read=12, written=10, rejected=2, versions={"bronze": 3}, note=TEXT, refused=(TEXT,))
    told.try_ends(Try("ingest", 1, "done", NOON, NOON + timedelta(seconds=2.5), result, used))
    told.try_begins("silver", 2, NOON)
    told.try_ends(Try("silver", 2, "failed", NOON, NOON, StepResult(), used, _failed()))
    told.run_ends("failed", NOON, _failed())
    lines = _lines(ctx)
    assert place(ctx, "run-1") == ctx.root / "tiny/monitoring/logs/run-1.jsonl"
    assert {(line["time"], line["run_id"], line["project"]) for line in lines} == {
        ("2024-05-01T12:00:00.000+00:00", "run-1", "tiny")
    }
    assert [(line["event"], line["level"], line["stage"], line["attempt"]) for line in lines] == [
        ("run begins", "info", None, None),
        ("step begins", "info", "ingest", 1),
        ("step ends", "info", "ingest", 1),
        ("step begins", "info", "silver", 2),
        ("step ends", "error", "silver", 2),
        ("run ends", "error", None, None),
    ]
    assert list(lines[0])[:3] == ["time", "level", "event"]
    assert lines[0]["stages"] == ["ingest", "silver"]
    ended = {
        name: lines[2][name] for name in ("state", "seconds", "read", "written", "rejected", "refused", "versions")
    }
    assert ended == {
        "state": "done", "seconds": 2.5, "read": 12, "written": 10, "rejected": 2, "refused": 1,
        "versions": {"bronze": 3},
    }  # fmt: skip
    assert (lines[2]["cpu_seconds"], lines[2]["bytes_written"]) == (1.5, 20)
    assert lines[4]["error"] == "DataError"
    assert [stack["class"] for stack in lines[4]["stacks"]] == ["DataError", "ValueError"]
    assert all(line.startswith(f"{__file__}:") and line.endswith(" _failed") for line in lines[4]["stacks"][1]["stack"])


def test_no_line_holds_what_a_row_or_an_address_does(ctx: Context, capsys: pytest.CaptureFixture[str]) -> None:
    told = observers(ctx)
    told.run_begins(["gold"], NOON)
    told.try_begins("gold", 1, NOON)
    library = logging.getLogger("some.library")
    library.warning("could not send to %s after %d tries", TOKEN, 3)
    library.warning(f"bad value '{TEXT}' at https://me:secret@example.com/x?t=1\n{TEXT}")
    try:
        raise ValueError(TEXT)
    except ValueError:
        library.exception("row %s was odd", TEXT)
    library.error("%s", TEXT)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f'"{TEXT}" looks odd', stacklevel=1)
    told.try_ends(Try("gold", 1, "failed", NOON, NOON, StepResult(note=TEXT), None, _failed()))
    told.run_ends("failed", NOON, _failed())
    text = place(ctx, "run-1").read_text(encoding="utf-8")
    assert "Main Street" not in text
    assert "secret" not in text
    said = [(line["level"], line["event"], line["logger"]) for line in _lines(ctx) if "logger" in line]
    assert said == [
        ("warning", "could not send to … after 3 tries", "some.library"),
        ("warning", "bad value '…' at https://…", "some.library"),
        ("error", "row … was odd", "some.library"),
        ("error", "…", "some.library"),
        ("warning", "'…' looks odd", "UserWarning"),
    ]
    assert next(line["error"] for line in _lines(ctx) if line["event"] == "row … was odd") == "ValueError"
    library.warning("after the run")
    assert len(_lines(ctx)) == 9
    assert plain("x" * 999) == "x" * 200


QUIET = """
import logging, sys, warnings
from pathlib import Path
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.hush import hush
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.telemetry import observers
def speak():
    hush("py4j", level=logging.CRITICAL)
    hush("mlflow")
    logging.getLogger("py4j.clientserver").warning("a call broke off")
    logging.getLogger("mlflow.store").warning("a slow store")
    logging.getLogger("mlflow.store").error("a lost store")
    logging.getLogger("other").warning("something else")
    logging.getLogger("other").info("idle talk")
if sys.argv[1] == "with":
    ctx = Context(Path(sys.argv[2]), Settings.model_validate_json(sys.argv[3]), run_id="run-1")
    told = observers(ctx)
    told.run_begins(["gold"], ctx.clock())
    speak()
    told.run_ends("done", ctx.clock(), None)
else:
    speak()
"""


def test_people_see_what_they_saw_and_the_log_has_the_warnings_too(ctx: Context) -> None:
    settings = ctx.settings.model_dump_json()
    told = [
        subprocess.run([sys.executable, "-c", QUIET, how, str(ctx.home), settings], capture_output=True, text=True)
        for how in ("without", "with")
    ]
    assert [each.stderr for each in told] == ["a lost store\nsomething else\n"] * 2
    assert [(line["event"], line["logger"]) for line in _lines(ctx) if "logger" in line] == [
        ("a call broke off", "py4j.clientserver"),
        ("a slow store", "mlflow.store"),
        ("a lost store", "mlflow.store"),
        ("something else", "other"),
    ]


KILLED = """
import sys, threading
from pathlib import Path
from lakehouse_nlp.core.telemetry.logs import Lines
lines = Lines(Path(sys.argv[1]))
def write():
    while True:
        lines.msg('{"event": "' + "x" * 700 + '"}')
threads = [threading.Thread(target=write) for _ in range(3)]
[thread.start() for thread in threads]
"""


def test_a_killed_process_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "run.jsonl"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)])
    until = time.monotonic() + 30
    while time.monotonic() < until and (not path.exists() or path.stat().st_size < 1 << 20):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    text = path.read_text(encoding="utf-8")
    assert len(text) >= 1 << 20
    assert text.endswith("\n")
    assert {json.loads(line)["event"] for line in text.splitlines()} == {"x" * 700}


def test_a_line_for_which_the_disk_has_no_room_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines, write = Lines(tmp_path / "run.jsonl"), os.write
    lines.msg("first")
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:3]))
    lines.msg("second")
    monkeypatch.setattr(os, "write", write)
    lines.msg("third")
    lines.close()
    assert (tmp_path / "run.jsonl").read_text() == "first\nthird\n"


def test_hush_may_be_called_again_and_before_others_are_set_up(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("hushed.here")
    for _ in range(2):
        hush("hushed.here")
    assert len(logger.handlers) == 1
    assert (logger.level, logger.handlers[0].level) == (logging.WARNING, logging.ERROR)
