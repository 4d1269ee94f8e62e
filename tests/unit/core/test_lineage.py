"""Lineage of tables that are written here as stages write them: by delta-rs, with stamps, without a JVM."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake
from typer.testing import CliRunner

from lakehouse_nlp.cli.app import app
from lakehouse_nlp.core import duck, lineage
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.tables import Stamp
from lakehouse_nlp.lineage import Lineage, trace

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]

TEXT, NUMBER, TIME = pa.string(), pa.int64(), pa.timestamp("us", "UTC")
COLUMNS = {
    "project": TEXT, "run_id": TEXT, "stage": TEXT, "output_kind": TEXT, "output": TEXT, "output_id": TEXT,
    "output_version": NUMBER, "rows": NUMBER, "anew": pa.bool_(), "input_kind": TEXT, "input": TEXT,
    "input_version": NUMBER, "committed_at": TIME, "recorded_at": TIME,
}  # fmt: skip
EDGE = "output, output_version, rows, anew, input_kind, input, input_version, run_id, stage"


def _write(
    ctx: Context, table: str, stage: str, rows: int, upto: dict[str, int], *, run: str = "run-1", recipe: str = "",
    mode: Any = "append", read: dict[str, int] | None = None, stamped: bool = True,
) -> None:  # fmt: skip
    stamp = Stamp(run, stage, "0.1.0", recipe, upto, read or {})
    told = CommitProperties(custom_metadata={"userMetadata": stamp.to_json()} if stamped else {})
    made = pa.table({"key": pa.array(range(rows), NUMBER)})
    write_deltalake(str(ctx.tables.path(table)), made, mode=mode, commit_properties=told)


def _edges(ctx: Context) -> list[tuple[Any, ...]]:
    query = f"SELECT {EDGE} FROM ops.lineage ORDER BY output, output_version, input_kind, input, rows DESC"
    return [tuple(row.values()) for row in duck.rows(ctx.root, query)]


@pytest.fixture
def ctx(home: Path, make_context: MakeContext) -> Context:
    """Two batches of files, of which the first went all the way."""
    ctx = make_context(home)
    write_deltalake(str(ctx.tables.path(lineage.TABLE)), pa.schema([*COLUMNS.items()]).empty_table())
    _write(ctx, "bronze", "ingest", 10, {}, read={"raw": 1})
    _write(ctx, "silver", "silver", 9, {"bronze": 0}, recipe="s1")
    _write(ctx, "gold", "gold", 9, {"silver": 0}, recipe="g1")
    _write(ctx, "predictions", "score", 9, {"gold": 0}, recipe="tiny/1")
    _write(ctx, "ops.metrics", "monitor", 3, {"predictions": 0}, recipe="other")  # another project's
    _write(ctx, "ops.metrics", "monitor", 4, {"predictions": 0}, recipe="tiny")
    _write(ctx, "bronze", "ingest", 5, {}, run="run-2", read={"raw": 2})
    files = [{"project": "tiny", "state": "loaded", "batch": n, "name": f"{n}.csv"} for n in (1, 2)]
    write_deltalake(str(ctx.tables.path("ops.files")), pa.Table.from_pylist(files))
    return ctx


FIRST = [
    ("ops.metrics", 1, 4, False, "table", "tiny.predictions", 0, "run-1", "monitor"),
    ("tiny.bronze", 0, 10, False, "files", "tiny.raw", 1, "run-1", "ingest"),
    ("tiny.bronze", 1, 5, False, "files", "tiny.raw", 2, "run-2", "ingest"),
    ("tiny.gold", 0, 9, False, "table", "tiny.silver", 0, "run-1", "gold"),
    ("tiny.predictions", 0, 9, False, "model", "tiny", 1, "run-1", "score"),
    ("tiny.predictions", 0, 9, False, "table", "tiny.gold", 0, "run-1", "score"),
    ("tiny.silver", 0, 9, False, "table", "tiny.bronze", 0, "run-1", "silver"),
]


def test_every_version_is_written_down_once_whoever_wrote_it(ctx: Context) -> None:
    assert len(lineage.record(ctx, "silver")) == len(FIRST)
    assert _edges(ctx) == FIRST
    version = ctx.tables.log(lineage.TABLE).version()
    assert lineage.record(ctx, "silver") == []
    assert ctx.tables.log(lineage.TABLE).version() == version
    _write(ctx, "silver", "silver", 0, {"bronze": 1}, recipe="s1", run="run-3")  # killed before it was written down
    _write(ctx, "gold", "gold", 0, {"silver": 1}, recipe="g1", run="run-4", read={"labels": 7})
    lineage.record(ctx, "gold")
    assert sorted(set(_edges(ctx)) - set(FIRST)) == [
        ("tiny.gold", 1, 0, False, "table", "tiny.labels", 7, "run-4", "gold"),
        ("tiny.gold", 1, 0, False, "table", "tiny.silver", 1, "run-4", "gold"),
        ("tiny.silver", 1, 0, False, "table", "tiny.bronze", 1, "run-3", "silver"),
    ]


def test_a_record_that_was_broken_off_goes_on_and_two_at_once_double_nothing(ctx: Context) -> None:
    waiting = list(lineage.fresh(ctx))
    for once, edges in [*waiting[:2], *waiting]:  # one died after two, another had looked before it wrote
        ctx.tables.record(lineage.TABLE, [("tiny", *vars(edge).values()) for edge in edges], once=once)
    lineage.record(ctx, "monitor")
    assert _edges(ctx) == FIRST


def test_upkeep_is_no_version_and_what_somebody_else_wrote_is_one(ctx: Context) -> None:
    lineage.record(ctx, "gold")
    DeltaTable(str(ctx.tables.path("bronze"))).optimize.compact()
    _write(ctx, "gold", "", 2, {}, stamped=False)
    lineage.record(ctx, "gold")
    assert set(_edges(ctx)) - set(FIRST) == {("tiny.gold", 1, 2, False, None, None, None, None, None)}
    assert trace(ctx, "bronze", 2)[0].version == 1


def test_what_a_run_writes_down_while_somebody_looks_is_there_once(
    ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = list(lineage.fresh(ctx))
    lineage.record(ctx, "gold")
    monkeypatch.setattr("lakehouse_nlp.lineage.fresh", lambda _: iter(fresh))
    assert len(Lineage.of(ctx).edges) == len(FIRST)


def test_a_version_came_from_all_that_its_rows_did(ctx: Context) -> None:
    _write(ctx, "silver", "silver", 4, {"bronze": 1}, recipe="s1", run="run-2")
    _write(ctx, "gold", "gold", 4, {"silver": 1}, recipe="g1", run="run-2")
    _write(ctx, "predictions", "score", 4, {"gold": 1}, recipe="tiny/1 0a1b tiny/2 2c3d", run="run-2")
    up, _ = trace(ctx, "tiny.predictions")
    assert (up.version, up.run_id, up.rows) == (1, "run-2", 4)
    assert [(each.kind, each.version) for each in up.below] == [("model", 1), ("model", 2), ("table", 1)]
    bronze = up.below[2].below[0].below[0]
    assert [(each.version, each.files) for each in bronze.below] == [(1, ("1.csv",)), (2, ("2.csv",))]
    up, _ = trace(ctx, "predictions", 0)
    assert [(each.kind, each.version) for each in up.below] == [("model", 1), ("table", 0)]
    _write(ctx, "gold", "gold", 13, {"silver": 1}, recipe="g2", mode="overwrite")
    _write(ctx, "predictions", "score", 13, {"gold": 2}, recipe="tiny/3", mode="overwrite")
    up, _ = trace(ctx, "predictions")
    assert [(each.kind, each.version) for each in up.below] == [("model", 3), ("table", 2)]


def test_what_depends_on_a_version_does_so_until_it_is_made_anew(ctx: Context) -> None:
    lineage.record(ctx, "gold")
    _, down = trace(ctx, "raw", 1)
    (bronze,) = down
    assert (bronze.name, bronze.version, bronze.upto) == ("tiny.bronze", 0, 1)
    (silver,) = bronze.below
    assert [each.name for each in silver.below] == ["tiny.gold"]
    assert [each.name for each in silver.below[0].below[0].below] == ["ops.metrics"]
    assert trace(ctx, "bronze", 1)[1] == ()
    _write(ctx, "gold", "gold", 3, {"silver": 0}, recipe="g2", mode="overwrite")
    _write(ctx, "predictions", "score", 3, {"gold": 1}, recipe="tiny/1")
    _, down = trace(ctx, "gold", 1)
    assert [(each.name, each.version, each.upto) for each in down] == [("tiny.predictions", 1, 1)]
    _, down = trace(ctx, "model", 1)
    assert [(each.name, each.version, each.upto) for each in down] == [("tiny.predictions", 0, 1)]


def test_a_table_that_was_dropped_and_made_anew_begins_anew(ctx: Context) -> None:
    import shutil

    _write(ctx, "gold", "gold", 1, {"silver": 0}, recipe="g1", run="run-2")
    lineage.record(ctx, "gold")
    shutil.rmtree(ctx.tables.path("gold"))
    _write(ctx, "gold", "gold", 8, {"silver": 0}, recipe="g1", run="run-3")
    lineage.record(ctx, "gold")
    assert [row[1:3] for row in _edges(ctx) if row[0] == "tiny.gold"] == [(0, 9), (0, 8), (1, 1)]
    up, _ = trace(ctx, "gold")
    assert (up.version, up.rows, up.run_id) == (0, 8, "run-3")


@pytest.mark.parametrize(
    ("table", "version", "says"),
    [
        ("glod", None, "did you mean 'gold'?"),
        ("labels", None, "no lineage of tiny.labels: nothing has written it yet"),
        ("gold", 9, "no lineage of version 9 of tiny.gold: its versions go from 0 to 0"),
        ("raw", 3, "no lineage of version 3 of tiny.raw: its versions go from 1 to 2"),
    ],
)
def test_what_is_not_there_is_said(ctx: Context, table: str, version: int | None, says: str) -> None:
    with pytest.raises(UsageError) as told:
        trace(ctx, table, version)
    assert says in str(told.value)


def test_the_command_draws_a_tree_or_gives_json(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakehouse_nlp.cli.lineage.open_context", lambda *_: ctx)
    drawn = CliRunner().invoke(app, ["lineage", "predictions"]).stdout.splitlines()
    day = f"{duck.rows(ctx.root, 'SELECT now() AS at')[0]['at']:%Y-%m-%d}"
    assert drawn[0].startswith(f"tiny.predictions version 0 (9 rows, score of run run-1, {day} ")
    assert [line.split(" (")[0] for line in drawn[1:6]] == [
        "├── model tiny version 1",
        "└── tiny.gold version 0",
        "    └── tiny.silver version 0",
        "        └── tiny.bronze version 0",
        "            └── tiny.raw batch 1: 1.csv",
    ]
    assert drawn[6].endswith(" is in")
    assert drawn[7].startswith("└── ops.metrics version 1 (4 rows, monitor of run run-1")
    found = json.loads(CliRunner().invoke(app, ["lineage", "gold", "--up", "--json"]).stdout)
    assert list(found) == ["from"]
    assert found["from"]["below"][0]["name"] == "tiny.silver"
    down = CliRunner().invoke(app, ["lineage", "bronze", "--down", "--version", "1"]).stdout
    assert down.endswith(": nothing depends on it yet\n")
    assert isinstance(CliRunner().invoke(app, ["lineage", "gold", "--up", "--down"]).exception, UsageError)
