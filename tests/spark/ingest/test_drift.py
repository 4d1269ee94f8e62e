"""Columns that nobody declared, from files through ingest to bronze, silver and quarantine."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import takings
from pyarrow import parquet
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rows import bring, bronze

from lakehouse_nlp import ingest
from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.tables import Tables
from lakehouse_nlp.ingest import json_text
from lakehouse_nlp.silver import stage

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

MakeContext = Callable[..., Context]
Row = dict[str, Any]
EACH = {"columns": {"votes": "evolve", "note": "drop", "secret": "freeze"}}


def _row(key: int, **more: str) -> Row:
    return {"id": str(key), "title": "t", "body": "b", "stars": "5", **more}


def _csv(*rows: Row) -> bytes:
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]).encode()


def _jsonl(*rows: Row) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def _parquet(*rows: Row) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(list(rows)), sink)
    return sink.getvalue()


def _take(ctx: Context, files: dict[str, bytes]) -> Sequence[str]:
    """Takes the files in; what was said of those that were refused."""
    ctx.sign("ingest")
    takings.drop(ctx, files)
    return ingest.run(ctx).refused


def _bronze(ctx: Context) -> dict[str, tuple[str | None, str | None]]:
    """Key -> votes and `_rescued`."""
    return {row["id"]: (row["votes"], row["_rescued"]) for row in takings.table(ctx, "bronze")}


def _changes(ctx: Context) -> list[tuple[str, ...]]:
    """Of bronze: column, change, file, run."""
    rows = [row for row in takings.table(ctx, "ops.schema_changes") if row["table_name"] == "bronze"]
    return sorted((row["column_name"], row["change"], row["file"], row["run_id"]) for row in rows)


def test_each_policy_is_kept_for_every_format_and_noted_once(home: Path, make_context: MakeContext) -> None:
    rest = {"votes": "7", "note": "n", "more": "m"}
    ctx = make_context(home, ingest={"drift": EACH})
    refused = _take(ctx, {
        "a.csv": _csv(_row(1, **rest)), "b.jsonl": _jsonl(_row(2, **rest)), "c.parquet": _parquet(_row(3, **rest)),
        "d.csv": _csv(_row(4, **rest, secret="s")), "e.csv": _csv(_row(5)),
    })  # fmt: skip
    assert refused == (
        "d.csv went to errors/: columns: found secret, declared by nobody, wanted declared columns alone, "
        "by ingest.drift: freeze (line 1)",
    )
    kept = ("7", '{"more":"m"}')
    assert _bronze(ctx) == {"1": kept, "2": kept, "3": kept, "5": (None, None)}
    assert takings.seen(ctx)["d.csv"].places == ["errors"]
    told = [
        ("day", "missing", "a.csv", "run-1"), ("more", "rescued", "a.csv", "run-1"),
        ("note", "dropped", "a.csv", "run-1"), ("price", "missing", "a.csv", "run-1"),
        ("secret", "refused", "d.csv", "run-1"), ("votes", "added", "a.csv", "run-1"),
    ]  # fmt: skip
    assert _changes(ctx) == told

    again = make_context(home, "run-2", ingest={"drift": EACH})
    assert len(_take(again, {"f.csv": _csv(_row(6, **rest)), "g.csv": _csv(_row(7, secret="s"))})) == 1
    assert _bronze(again)["6"] == kept
    assert _changes(again) == told
    again.sign("silver")
    stage.run(again)
    votes = duck.rows(again.root, "SELECT _key, votes FROM tiny.silver ORDER BY _key")
    assert {row["_key"]: row["votes"] for row in votes} == {"1": "7", "2": "7", "3": "7", "5": None, "6": "7"}


def test_fields_that_come_late_in_a_json_file_go_where_their_name_goes(
    home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bronze has `votes` by then; what nobody has looked at adds no column and refuses no file."""
    monkeypatch.setattr(json_text, "PEEKED", 1)
    _take(make_context(home, ingest={"drift": "evolve"}), {"a.csv": _csv(_row(0, votes="7"))})
    policies: list[Any] = ["evolve", "rescue", "drop", "freeze", {"new": "drop", "columns": {"late": "rescue"}}]
    for key, drift in enumerate(policies, start=1):
        ctx = make_context(home, f"run-{key}", ingest={"drift": drift})
        assert _take(ctx, {f"{key}.jsonl": _jsonl(_row(-key), _row(key, votes="8", late="l"))}) == ()
    both = '{"votes":"8","late":"l"}'
    assert {key: found for key, found in _bronze(ctx).items() if int(key) >= 0} == {
        "0": ("7", None), "1": ("8", '{"late":"l"}'), "2": (None, both), "3": (None, None), "4": (None, both),
        "5": (None, '{"late":"l"}'),
    }  # fmt: skip
    assert [change[:2] for change in _changes(ctx)] == [("day", "missing"), ("price", "missing"), ("votes", "added")]


def test_a_run_killed_before_the_append_leaves_its_columns_to_the_next(
    home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    ctx = make_context(home, ingest={"drift": "evolve"})
    _take(ctx, {"first.csv": _csv(_row(0))})
    with monkeypatch.context() as patch:
        patch.setattr(Tables, "append_once", dies)
        with pytest.raises(KeyboardInterrupt):
            _take(ctx, {"a.csv": _csv(_row(1, votes="7", Votes="8"))})
    ctx.sign("silver")
    stage.run(ctx)  # the version of bronze that it reads is older than the column
    assert duck.rows(ctx.root, "SELECT _key, votes FROM tiny.silver") == [{"_key": "0", "votes": None}]
    assert _take(make_context(home, "run-2", ingest={"drift": "evolve"}), {}) == ()
    assert _bronze(ctx) == {"0": (None, None), "1": ("7", '{"Votes":"8"}')}
    assert [change[:2] for change in _changes(ctx)] == [
        ("Votes", "rescued"), ("day", "missing"), ("price", "missing"), ("votes", "added")
    ]  # fmt: skip


def test_a_column_that_evolves_reaches_silver_as_text_and_quarantine_as_it_came(
    home: Path, spark: SparkSession, make_context: Callable[..., Context]
) -> None:
    ctx = make_context(home, silver={"mask": {"email": True}})
    bring(ctx, spark, 1, {"id": "1", "title": "a"}, {"id": "2", "title": "b"})
    stage.run(ctx)
    ctx.tables.widen("bronze", {"votes": "STRING"}, "new.csv")
    rows = bronze(spark, {"id": "2", "title": "b"}, {"id": "3"}, {"id": "4", "stars": "x"}, batch=2)
    votes = F.element_at(F.array(F.lit("7"), F.lit("of a@example.com"), F.lit("9")), F.col("_row").cast("int") + 1)
    ctx.tables.append_once("bronze", rows.withColumn("votes", votes), app="tiny.ingest", version=2)
    stage.run(ctx)
    silver = duck.rows(ctx.root, "SELECT _key, votes FROM tiny.silver ORDER BY _key")
    assert [tuple(row.values()) for row in silver] == [("1", None), ("2", "7"), ("3", "of [EMAIL]")]
    assert duck.rows(ctx.root, "SELECT raw FROM tiny.rejected_rows") == [{"raw": '{"id":"4","stars":"x","votes":"9"}'}]
    changes = duck.rows(ctx.root, "SELECT table_name, change, file FROM ops.schema_changes WHERE column_name = 'votes'")
    assert sorted((row["table_name"], row["change"], row["file"]) for row in changes) == [
        ("bronze", "added", "new.csv"), ("silver", "added", None)
    ]  # fmt: skip
