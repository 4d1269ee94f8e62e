"""Files, checks and steps of a run against those of the runs before: tables by delta-rs, no Spark."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.monitor.history import SERIES, findings, judged
from lakehouse_nlp.monitor.judge import Finding

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
AT = datetime(2024, 5, 1, tzinfo=timezone.utc)
BY_NAME = {series.name: series for series in SERIES}


def _write(ctx: Context, table: str, rows: list[dict[str, Any]]) -> None:
    path = ctx.tables.path(table)
    path.mkdir(parents=True)
    write_deltalake(path, pa.Table.from_pylist([{"project": "tiny", **row} for row in rows]))


def _steps(run: str, seconds: float, state: str = "done", stage: str = "gold", price: float = 1.0) -> dict[str, Any]:
    return {
        "run_id": run, "stage": stage, "state": state, "started_at": AT, "ended_at": AT + timedelta(seconds=seconds),
        "peak_bytes": 1 << 30, "price": price, "cpu_seconds": seconds,
    }  # fmt: skip


def _file(run: str, rows: int, state: str = "loaded", late: bool = False, aside: int = 0) -> dict[str, Any]:
    return {
        "run_id": run, "state": state, "failed": "format" if state == "rejected" else "", "bytes": rows * 100,
        "rows": rows, "records": rows, "set_aside": aside, "late": late, "modified_at": AT,
        "recorded_at": AT + timedelta(hours=1),
    }  # fmt: skip


def _said(ctx: Context) -> dict[str, Finding]:
    return {each.subject: each for each in findings(ctx)}


RUNS = [f"run-{k}" for k in range(1, 7)]


def test_a_run_like_the_others_is_in_line(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, "run-7")
    _write(ctx, "ops.steps", [_steps(run, 20 + k) for k, run in enumerate([*RUNS, "run-7"])])
    _write(ctx, "ops.files", [_file(run, 1_000 + k) for k, run in enumerate([*RUNS, "run-7"])])
    said = _said(ctx)
    assert {"gold: seconds", "gold: memory", "gold: errors", "run: price", "files: rows", "files: share late"} <= set(
        said
    )
    assert not any(each.beyond for each in said.values())
    assert said["gold: seconds"].kind == "runs"
    assert said["files: rows"].says == "files: rows 1006, usually 1002.5, give or take 802"


def test_what_is_out_of_line_is_told(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, "run-7")
    steps = [_steps(run, 20 + k) for k, run in enumerate(RUNS)]
    steps += [_steps("run-5", 3, "failed", "score"), _steps("run-6", 3, "failed", "score")]
    _write(ctx, "ops.steps", [*steps, _steps("run-7", 90, price=3.0), _steps("run-7", 3, stage="score")])
    files = [_file(run, 1_000) for run in RUNS]
    _write(ctx, "ops.files", [*files, _file("run-7", 100, late=True, aside=20), _file("run-7", 5, "rejected")])
    checks = [{"run_id": run, "rule": "not_null(id)", "share": 0.001} for run in RUNS]
    _write(ctx, "ops.checks", [*checks, {"run_id": "run-7", "rule": "not_null(id)", "share": 0.2}])
    _write(ctx, "ops.schema_changes", [{"run_id": "run-7", "table_name": "bronze"}])
    beyond = {name for name, each in _said(ctx).items() if each.beyond}
    assert beyond == {
        "gold: seconds", "gold: CPU seconds", "run: price", "score: errors", "files: rows", "files: share late",
        "files: share set aside", "files: share rejected", "format: files of no use", "not_null(id): share broken",
        "bronze: changes of columns",
    }  # fmt: skip


def test_a_short_history_judges_nothing_but_what_is_never_right(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, "run-3")
    _write(ctx, "ops.steps", [_steps("run-1", 1), _steps("run-2", 1, "failed"), _steps("run-3", 500)])
    said = _said(ctx)
    assert said["gold: seconds"].comparison is None
    assert said["gold: seconds"].says.endswith("1 runs before, and 5 are needed to judge")
    assert said["gold: errors"].beyond
    assert not any(each.beyond for each in findings(make_context(home, "run-9"))), "whose steps went well"


def test_a_fall_counts_only_where_less_is_a_fault() -> None:
    before = [100.0, 101, 99, 100, 102, 98]
    assert not judged(BY_NAME["seconds"], "gold", 1.0, before).beyond
    assert judged(BY_NAME["rows"], "files", 1.0, [1_000 * each for each in before]).beyond
    noisy = [10.0, 500, 90, 20, 300, 1_000]
    assert not judged(BY_NAME["seconds"], "gold", 1_200.0, noisy).beyond, "its history is as wide as that"
