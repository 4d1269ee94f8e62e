"""Figures that monitoring takes from Delta's own statistics and the disk: no Spark."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import CommitProperties, write_deltalake

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.tables import Stamp
from lakehouse_nlp.monitor import history, machine
from lakehouse_nlp.monitor.judge import Finding

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
AT = datetime(2024, 5, 1, tzinfo=timezone.utc)


def _write(ctx: Context, table: str, rows: pa.Table, **more: Any) -> None:
    path = ctx.tables.path(table)
    path.mkdir(parents=True, exist_ok=True)
    write_deltalake(path, rows, mode="append", **more)


def _bring(ctx: Context, run: str, **columns: list[Any]) -> None:
    stamp = CommitProperties(custom_metadata={"userMetadata": Stamp(run, "ingest", "").to_json()})
    rows = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    _write(ctx, "bronze", rows, commit_properties=stamp)


def _said(ctx: Context) -> dict[str, Finding]:
    return {each.subject: each for each in history.findings(ctx)}


def test_missing_values_are_those_of_the_files_of_this_run(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, "run-2")
    assert machine.missing(ctx) == []
    _bring(ctx, "run-1", id=["a"], price=[None], _file=[None])
    _bring(ctx, "run-2", id=["b", "c", "d"], price=["1", None, "2"], _file=["f", "f", "f"])
    _bring(ctx, "run-2", id=["e"], price=["3"], _file=["f"])
    assert machine.missing(ctx) == [("share_missing", "id", None, 0.0), ("share_missing", "price", None, 0.25)]
    assert machine.missing(make_context(home, "run-3")) == []


def test_the_disk_has_a_limit_and_columns_have_a_history(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, "run-7", monitor={"disk": 0.8})
    rows = [(f"run-{k}", "share_missing", "price", 0.1 + k / 100) for k in range(1, 7)]
    rows += [("run-7", "share_missing", "price", 0.6), ("run-7", "disk_used", "disk", 0.81)]
    names = ("run_id", "metric", "subject", "value")
    _write(
        ctx, "ops.metrics", pa.Table.from_pylist([{"project": "tiny"} | dict(zip(names, r, strict=True)) for r in rows])
    )
    said = _said(ctx)
    assert said["price: share missing"].beyond
    assert said["price: share missing"].kind == "data"
    assert said["price: share missing"].says == "price: share missing 0.6, usually 0.135, give or take 0.111195"
    assert said["disk: share used"].beyond
    assert said["disk: share used"].says == "disk: share used 0.81, at most 0.8 wanted"
    assert not _said(make_context(home, "run-7"))["disk: share used"].beyond


def test_the_disk_is_that_of_the_lake(home: Path, make_context: MakeContext) -> None:
    metric, subject, _, value = machine.used(make_context(home))
    disk = shutil.disk_usage(home)
    assert (metric, subject) == ("disk_used", "disk")
    assert value == pytest.approx(1 - disk.free / disk.total, abs=0.05)


def test_files_of_no_use_are_told_by_what_they_failed(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, "run-2")
    run = {"project": "tiny", "stage": "ingest", "state": "done", "started_at": AT, "ended_at": AT}
    run |= {"peak_bytes": 1, "cpu_seconds": 1.0, "price": 0.0}
    _write(ctx, "ops.steps", pa.Table.from_pylist([{"run_id": f"run-{k}", **run} for k in (1, 2)]))
    file = {"project": "tiny", "bytes": 9, "rows": 1, "records": 1, "set_aside": 0, "late": False}
    file |= {"modified_at": AT, "recorded_at": AT}
    loaded = {"run_id": "run-1", "state": "loaded", "failed": None}
    rejected = {"run_id": "run-2", "state": "rejected", "failed": "format"}
    _write(ctx, "ops.files", pa.Table.from_pylist([file | loaded, file | rejected]))
    found = _said(ctx)["format: files of no use"]
    assert found.says == "format: files of no use 1, usually 0, give or take 0"
    assert found.beyond
