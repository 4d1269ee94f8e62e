"""What is left of a stage, by the steps and files of earlier runs that are written here as the record writes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import CommitProperties, write_deltalake

from lakehouse_nlp import estimate, flow
from lakehouse_nlp.cli import progress
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.recipes import SILVER, recipe
from lakehouse_nlp.core.tables import Stamp

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
INGEST, SILVER_STAGE = flow.STAGES[:2]


def _step(
    number: int, stage: str, read: int, seconds: float, state: str = "done", project: str = "tiny"
) -> dict[str, Any]:
    ended = NOON + timedelta(hours=number, seconds=seconds)
    return {
        "project": project, "run_id": f"run-{number}", "stage": stage, "state": state, "read": read,
        "started_at": NOON + timedelta(hours=number), "ended_at": ended,
    }  # fmt: skip


def _rows(ctx: Context, table: str, rows: int, stamp: Stamp) -> None:
    told = CommitProperties(custom_metadata={"userMetadata": stamp.to_json()})
    made = pa.table({"key": pa.array(range(rows), pa.int64())})
    write_deltalake(str(ctx.tables.path(table)), made, mode="append", commit_properties=told)


@pytest.fixture
def ctx(home: Path, make_context: MakeContext) -> Context:
    """Two runs: silver took 10 s, and 10 ms a row; ingest 100 s for a megabyte. A failed one, and another project's."""
    ctx = make_context(home, "run-9")
    steps = [
        _step(1, "ingest", 1000, 100), _step(1, "silver", 1000, 20), _step(2, "silver", 3000, 40),
        _step(3, "silver", 3000, 900, "failed"), _step(4, "silver", 10, 900, project="other"),
        _step(5, "gold", 0, 3),
    ]  # fmt: skip
    write_deltalake(str(ctx.tables.path("ops.steps")), pa.Table.from_pylist(steps))
    files = [
        {"project": "tiny", "run_id": "run-1", "state": state, "bytes": 500_000} for state in ("loaded", "claimed")
    ]
    write_deltalake(str(ctx.tables.path("ops.files")), pa.Table.from_pylist([*files, files[0]]))
    _rows(ctx, "bronze", 4000, Stamp("run-1", "ingest", ""))
    _rows(ctx, "silver", 4000, Stamp("run-2", "silver", "", recipe(ctx.settings, SILVER), {"bronze": 0}))
    return ctx


def test_what_waits_is_timed_by_what_earlier_steps_took(ctx: Context) -> None:
    known = estimate.history(ctx)
    assert known == {"ingest": [(1e6, 100.0)], "silver": [(3000.0, 40.0), (1000.0, 20.0)]} or known == {
        "ingest": [(1e6, 100.0)], "silver": [(1000.0, 20.0), (3000.0, 40.0)],
    }  # fmt: skip
    assert estimate.expected(ctx, SILVER_STAGE, known) is None  # nothing waits
    _rows(ctx, "bronze", 500, Stamp("run-9", "ingest", ""))
    assert estimate.expected(ctx, SILVER_STAGE, known) == pytest.approx(15)
    (ctx.folder / "raw/train/new.csv").write_bytes(b"x" * 2_000_000)
    assert estimate.expected(ctx, INGEST, known) == pytest.approx(200)
    assert estimate.expected(ctx, flow.STAGES[2], known) is None  # it never read anything


def test_without_history_nothing_is_said(home: Path, make_context: MakeContext) -> None:
    left = progress.Left(make_context(home), lambda: 0.0)
    (make_context(home).folder / "raw/train/new.csv").write_bytes(b"x")
    left.begin(INGEST)
    assert (estimate.history(make_context(home)), str(left)) == ({}, "")


@pytest.mark.parametrize(
    ("done", "size", "wanted"),
    [
        ([(100, 10)], 50, 10),  # of one step: what less would save is not known
        ([(100, 10)], 200, 20),
        ([(100, 10), (100, 30), (100, 12)], 100, 12),
        ([(100, 10), (200, 15), (300, 20)], 400, 25),
        ([(100, 10), (200, 15), (300, 20), (400, 25), (250, 900)], 400, 25),  # one slow run bends nothing
        ([(100, 10), (200, 4)], 1000, 7),  # more rows in less time: rows do not matter
    ],
)
def test_a_line_through_the_last_steps(done: list[tuple[float, float]], size: float, wanted: float) -> None:
    assert estimate.seconds(done, size) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (-1, "longer than usual"), (4, "a few seconds left"), (37, "about 40 s left"), (56, "about 1 min left"),
        (170, "about 3 min left"), (5399, "about 90 min left"), (7000, "about 2 h left"),
    ],
)  # fmt: skip
def test_words_claim_no_more_than_is_known(seconds: float, says: str) -> None:
    assert estimate.left(seconds) == says


def test_the_bar_counts_down_on_a_terminal_and_lines_elsewhere_say_nothing_of_it(
    ctx: Context, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    times = [0.0]
    _rows(ctx, "bronze", 11_000, Stamp("run-9", "ingest", ""))
    left = progress.Left(ctx, lambda: times[-1])
    left.begin(SILVER_STAGE)  # 120 s
    said = []
    for now in (1.0, 2.0, 65.0, 90.0, 115.0, 121.0):
        times.append(now)
        said.append(str(left))
    assert said == [
        "",
        "about 2 min left",
        "about 1 min left",
        "about 30 s left",
        "a few seconds left",
        "longer than usual",
    ]
    with progress.watched(ctx, flow.STAGES) as watch:
        watch(SILVER_STAGE, "begins", "")
        watch(SILVER_STAGE, "done", "12 rows")
    assert ctx.say.__self__[-1].endswith("12 rows")  # type: ignore[attr-defined]
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(progress, "SURE", 0.0)
    with progress.watched(ctx, flow.STAGES) as watch:
        watch(SILVER_STAGE, "begins", "")
    shown = capsys.readouterr().err
    assert "silver" in shown
    assert "about 2 min left" in shown
