"""What runs leave: logs, work of killed runs, searches and their trials; and tables of ops that others write to."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import Registry
from lakehouse_nlp.core.tables import Stamp, direct, upkeep
from lakehouse_nlp.maintain import leftovers, trials
from lakehouse_nlp.maintain.tables import looked_after

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
DAY = 86_400
STAMP = Stamp("run-1", "run", "0.1")
SCHEMA = pa.schema([("project", "string"), ("n", "int64"), ("recorded_at", pa.timestamp("us", "UTC"))])


def _file(path: Path, days: float, size: int = 1000) -> Path:
    """A file that was written so many days ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, times=(time.time() - days * DAY,) * 2)
    return path


def _removed(ctx: Context, *, dry_run: bool = False) -> dict[str, tuple[int, float, bool]]:
    return {each.what: (each.files, each.megabytes, each.goes) for each in leftovers.removed(ctx, dry_run=dry_run)}


def test_old_logs_and_what_killed_runs_left_go_and_the_rest_stays(home: Path, make_context: MakeContext) -> None:
    events = {"master": "local[2]", "conf": {"spark.eventLog.dir": f"file:{home}/events"}}
    ctx = make_context(home, spark=events)
    logs = ctx.folder / "monitoring" / "logs"
    old = [_file(logs / "run-1.jsonl", 31), _file(home / "events" / "local-1.zstd", 40)]
    old += [_file(ctx.folder / "reports" / "run-1.html", 31)]
    stay = [_file(logs / "run-2.jsonl", 29), _file(home / "events" / "local-2", 1), _file(home / "lake/x.jsonl", 99)]
    work = [
        _file(ctx.folder / "chunks" / "run-0" / "a" / "1.parquet", 0), _file(ctx.folder / "models/.v1.2/model", 0, 500),
    ]  # fmt: skip
    stay += [_file(ctx.folder / "models" / "v1.1" / "model", 400)]
    (ctx.folder / "models" / "current").symlink_to("v1.1")
    studies = [_file(ctx.folder / "models/search/a.db", 91), _file(ctx.folder / "models/search/b.db", 60)]
    wanted = {"logs": (3, 0.003, True), "work of killed runs": (2, 0.002, True), "studies": (1, 0.001, True)}
    wanted |= {"files that nobody knows": (0, 0, False), "trials": (0, 0, True)}

    assert _removed(ctx, dry_run=True) == wanted
    assert all(path.exists() for path in [*old, *stay, *work, *studies])
    assert _removed(ctx)["logs"] == (3, 0.003, True)
    assert not any(path.exists() for path in [*old, *work, studies[0]])
    assert all(path.exists() for path in [*stay, studies[1], ctx.folder / "models" / "current" / "model"])
    assert {files for files, _, _ in _removed(ctx).values()} == {0}
    never = make_context(home, retention={"logs": None, "studies": None, "trials": None})
    _file(logs / "run-0.jsonl", 9999)
    assert {files for files, _, _ in _removed(never).values()} == {0}


def test_event_logs_outside_of_the_home_are_nobody_s_to_delete(
    home: Path, make_context: MakeContext, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = _file(tmp_path_factory.mktemp("events") / "app-1", 99)
    ctx = make_context(home, spark={"conf": {"spark.eventLog.dir": outside.parent.as_uri()}})
    assert _removed(ctx)["logs"] == (0, 0, True)
    assert outside.exists()


def test_files_that_the_ledger_does_not_name_are_told_and_go_only_where_that_is_asked_for(
    home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home)
    known = [_file(ctx.folder / "processed" / "a.csv", 99), _file(ctx.folder / "errors" / "b.csv", 99)]
    known += [_file(ctx.folder / "errors" / "b.csv.report.json", 99)]
    strays = [_file(ctx.folder / "processed" / "mine.csv", 99, 2000), _file(ctx.folder / "errors" / "young.txt", 3)]
    rows = [{"project": "tiny", "place": "processed/a.csv"}, {"project": "tiny", "place": "errors/b.csv"}]
    rows += [{"project": "other", "place": "processed/mine.csv"}]
    write_deltalake(ctx.root / "ops" / "tables" / "files", pa.Table.from_pylist(rows))
    assert _removed(ctx)["files that nobody knows"] == (2, 0.003, False)
    assert all(path.exists() for path in [*known, *strays])
    asked = make_context(home, retention={"strays": 30})
    assert _removed(asked)["files that nobody knows"] == (1, 0.002, True)
    assert [path.exists() for path in [*known, *strays]] == [True, True, True, False, True]


def test_runs_that_no_version_came_of_go_but_the_best_trials(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, retention={"trials": 30, "best": 2})
    registry = Registry(ctx)
    client, experiment = registry.client, registry.experiment()
    now = datetime.now(timezone.utc)

    def made(name: str, days: float, parent: str | None = None, loss: float | None = None) -> str:
        at = int(1000 * (now - timedelta(days=days)).timestamp())
        run = client.create_run(experiment, at, {trials.PARENT: parent} if parent else {}, name).info
        if loss is not None:
            client.log_metric(run.run_id, "validation.log_loss", loss)
        client.set_terminated(run.run_id, end_time=at)
        return str(run.run_id)

    search = made("search", 100)
    old = {loss: made(f"trial {loss}", 100, search, loss) for loss in (0.5, 0.2, 0.4, 0.3)}
    young = made("young", 1, search, 0.9)
    client.create_registered_model("tiny")
    client.create_model_version("tiny", "file:///nowhere", search, tags={"recipe": "r"})
    failed, lately = made("failed", 50), made("failed lately", 20)
    client.log_text(failed, "x" * 3000, "model/trees.txt")
    files = Path(client.get_run(failed).info.artifact_uri.removeprefix("file://"))
    dropped = made("dropped", 50)
    client.delete_run(dropped)
    going_on = made("going on", 50)
    tried = made("tried", 50, going_on, 0.1), made("tried, too", 50, going_on, 0.2), made("and", 50, going_on, 0.3)
    study = ctx.folder / "models" / "search" / "a.db"
    study.parent.mkdir(parents=True)
    with sqlite3.connect(study) as connection:
        connection.execute("CREATE TABLE study_user_attributes (key TEXT, value_json TEXT)")
        connection.execute("INSERT INTO study_user_attributes VALUES ('run_id', ?)", [json.dumps(going_on)])

    gone = {failed, dropped, old[0.5], old[0.4]}
    assert {run.run_id for run in trials.old(ctx)} == gone
    assert _removed(ctx, dry_run=True)["trials"] == (4, 0.003, True)
    assert files.exists()
    assert _removed(ctx)["trials"] == (4, 0.003, True)
    left = {run.info.run_id for run in trials._runs(registry)}
    assert left == {search, old[0.2], old[0.3], young, lately, going_on, *tried}
    assert not files.exists()
    assert trials.old(ctx) == []
    assert trials.old(make_context(home, retention={"trials": None})) == []


def _ops(ctx: Context) -> Path:
    """A table of ops with rows of two projects, a file each."""
    path = ctx.root / "ops" / "tables" / "metrics"
    for n in range(4):
        _append(path, "tiny" if n % 2 else "other", n)
    return path


def _append(path: Path, project: str, n: int) -> None:
    row = {"project": project, "n": n, "recorded_at": datetime(2024, 5, 1, tzinfo=timezone.utc)}
    write_deltalake(path, pa.Table.from_pylist([row], schema=SCHEMA), mode="append")


def _numbers(ctx: Context) -> list[int]:
    return [row["n"] for row in duck.rows(ctx.root, "SELECT n FROM ops.metrics ORDER BY n", only=["ops.metrics"])]


def test_tables_of_ops_are_merged_and_what_others_write_meanwhile_stays(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, lake={"retain_days": 0})
    path = _ops(ctx)
    old = [_file(path / name, 2, 10) for name in ("part-of-a-killed-run.parquet",)]
    (path / "part-not-yet-committed.parquet").write_bytes(b"PAR1")
    log = ctx.tables.log("ops.metrics")
    assert log.table.version() == 3  # it has looked, and then another project's run writes
    _append(path, "other", 9)
    assert upkeep.compact(log, STAMP) == (4, 1)
    assert _numbers(ctx) == [0, 1, 2, 3, 9]

    (found,) = looked_after(ctx, ["ops.metrics"], dry_run=True)
    assert (found.removed, found.hours) == (1, 24)
    (found,) = looked_after(ctx, ["ops.metrics"], dry_run=False)
    assert (found.merged, found.into, found.removed) == (2, 1, 1)
    assert not old[0].exists()
    assert (path / "part-not-yet-committed.parquet").exists()
    assert _numbers(ctx) == [0, 1, 2, 3, 9]
    DeltaTable(path, version=3).to_pyarrow_table()  # whoever reads an older version since a moment ago


def test_a_run_that_replaces_its_row_while_the_files_are_merged_writes_it_all_the_same(
    home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = make_context(home)
    _ops(ctx)
    real, calls = deltalake.write_deltalake, iter(range(9))

    def overtaken(table: DeltaTable, *args: Any, **named: Any) -> None:
        if next(calls) < 2:
            upkeep.compact(ctx.tables.log("ops.metrics"), STAMP)
            _append(ctx.tables.path("ops.metrics"), "other", 20 + table.version())
        real(table, *args, **named)

    monkeypatch.setattr(deltalake, "write_deltalake", overtaken)
    at = datetime(2024, 5, 2, tzinfo=timezone.utc)
    direct.write(ctx.tables.log("ops.metrics"), [("tiny", 7)], STAMP, at, over="project = 'tiny'")
    assert next(calls) == 3
    assert _numbers(ctx) == [0, 2, 7, 23, 25]
