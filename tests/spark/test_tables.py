from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse_nlp import __version__
from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.tables import Change, Stamp, Tables, direct, moved, note

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

WHEN = datetime(2024, 1, 2, 3, 4, 5)
HOUR = timedelta(hours=1)
GOLD = "key string, purpose string, label string, split string, price double, clean_text string, tokens array<string>, "
GOLD += "n_chars int, n_tokens int, nlp_hash string, row_hash bigint"
BRONZE = "id string, title string, _rescued string, _corrupt string, _fault string, _line bigint, _purpose string, "
BRONZE += "_file string, _file_hash string, _row bigint, _batch bigint, _ingested_at timestamp"
CHANGED = "new.row_hash <> old.row_hash"


@pytest.fixture
def ctx(home: Path, make_context: Callable[..., Context]) -> Context:
    ctx = make_context(home)
    ctx.sign("test", "recipe-1")
    return ctx


def _gold(spark: SparkSession, *rows: tuple[str, str | None, int], nlp_hash: str = "h") -> DataFrame:
    """Rows of gold: key, text, row hash."""
    full = [(key, "train", None, "train", 1.5, text, [text], 1, 1, nlp_hash, row) for key, text, row in rows]
    return spark.createDataFrame(full, GOLD).coalesce(1)


def _bronze(spark: SparkSession, *ids: str, purpose: str = "train", batch: int = 1) -> DataFrame:
    rows = [(i, "t", None, None, None, None, purpose, "f.csv", "hash", n, batch, WHEN) for n, i in enumerate(ids)]
    return spark.createDataFrame(rows, BRONZE).coalesce(1)


def _texts(ctx: Context) -> dict[str, str]:
    return {row["key"]: row["clean_text"] for row in ctx.tables.read("gold").collect()}


def _ids(ctx: Context) -> list[str]:
    return sorted(row["id"] for row in ctx.tables.read("bronze").collect())


# -- being there -----------------------------------------------------------------------------------------------------


def test_a_table_is_made_from_its_ddl_and_making_it_again_changes_nothing(ctx: Context, spark: SparkSession) -> None:
    declared = {"id": "STRING", "title": "STRING"}
    assert ctx.tables.ensure("bronze", declared) == "tiny.bronze"
    assert ctx.tables.path("bronze") == ctx.home / "lake" / "tiny" / "tables" / "bronze"
    fields = {field.name: field for field in spark.table("tiny.bronze").schema}
    assert list(fields) == BRONZE.replace(" string", "").replace(" bigint", "").replace(" timestamp", "").split(", ")
    assert fields["id"].metadata["comment"] == "declared by the project"
    assert fields["_batch"].metadata["comment"] == "number of the batch of files that was written in one commit"
    assert [name for name, field in fields.items() if not field.nullable] == [
        "_purpose", "_file", "_file_hash", "_row", "_batch", "_ingested_at"
    ]  # fmt: skip
    version = ctx.tables.log("bronze").version()
    ctx.tables.ensure("bronze", declared)
    assert ctx.tables.log("bronze").version() == version
    assert ctx.tables.log("bronze").changed() is None

    with pytest.raises(Exception, match=r"(?i)purpose_is_known"):
        ctx.tables.append_once("bronze", _bronze(spark, "1", purpose="test"), app="a", version=1)
    assert ctx.tables.log("bronze").rows() == 0


def test_a_table_whose_making_was_killed_is_made_by_the_next_run(ctx: Context) -> None:
    log = ctx.tables.path("ops.metrics") / "_delta_log"
    log.mkdir(parents=True)
    (log / ".00000000000000000000.json.8f1e.tmp").write_text("{", encoding="utf-8")
    ctx.tables.ensure("ops.metrics")
    assert ctx.tables.log("ops.metrics").version() == 0


def test_files_that_are_no_table_stay_where_they_are(ctx: Context) -> None:
    folder = ctx.tables.path("ops.metrics")
    (folder / "_delta_log").mkdir(parents=True)
    (folder / "part-0.parquet").write_bytes(b"somebody's")
    with pytest.raises(Exception, match="NON_EMPTY_LOCATION"):
        ctx.tables.ensure("ops.metrics")
    assert (folder / "part-0.parquet").read_bytes() == b"somebody's"


def test_two_that_begin_at_once_make_a_table_once(ctx: Context) -> None:
    others = [Tables(ctx.root, name, lambda: ctx.spark) for name in ("tiny", "other", "third")]
    with ThreadPoolExecutor(len(others)) as pool:
        list(pool.map(lambda tables: tables.ensure("ops.metrics"), others))
    assert ctx.tables.log("ops.metrics").version() == 0


def test_a_constraint_that_a_killed_run_did_not_set_is_set_by_the_next(ctx: Context, spark: SparkSession) -> None:
    ctx.tables.ensure("bronze", {"id": "STRING", "title": "STRING"})
    spark.sql("ALTER TABLE tiny.bronze DROP CONSTRAINT purpose_is_known")
    ctx.tables.ensure("bronze", {"id": "STRING", "title": "STRING"})
    properties = {row.key: row.value for row in spark.sql("SHOW TBLPROPERTIES tiny.bronze").collect()}
    found = properties.get("delta.constraints.purpose_is_known", "").replace(" ", "")
    assert found == "_purposeIN('train','inference')"


def test_declared_columns_are_added_and_logged_and_types_are_not_changed(ctx: Context, spark: SparkSession) -> None:
    ctx.tables.ensure("silver", {"id": "string", "Stars": "double"})
    ctx.tables.ensure("silver", {"id": "string", "Stars": "double", "price": "decimal(10,2)", "day": "date"})
    types = dict(spark.table("tiny.silver").dtypes)
    assert (types["price"], types["day"], types["Stars"]) == ("decimal(10,2)", "date", "double")
    changes = duck.rows(
        ctx.root,
        "SELECT * EXCLUDE recorded_at FROM ops.schema_changes ORDER BY column_name",
        only=["ops.schema_changes"],
    )
    about = {
        "project": "tiny",
        "run_id": "run-1",
        "table_name": "silver",
        "change": "added",
        "file": None,
        "found": None,
    }
    assert changes == [
        {**about, "column_name": "day", "type": "date"},
        {**about, "column_name": "price", "type": "decimal(10,2)"},
    ]  # fmt: skip
    version = ctx.tables.log("silver").version()
    for same in ({"price": "decimal(10, 2)"}, {"stars": "double"}, {}):
        ctx.tables.ensure("silver", same)
    with pytest.raises(DataError) as caught:
        ctx.tables.ensure("silver", {"Stars": "int"})
    assert caught.value.message == "tiny.silver.Stars is double, and the settings now say int"
    assert "rename" in caught.value.hint or "new name" in caught.value.hint
    assert ctx.tables.log("silver").version() == version
    with pytest.raises(DataError):
        ctx.tables.ensure("silver", {"Stars": "int"})
    refused = "SELECT type, found FROM ops.schema_changes WHERE change = 'type_changed'"
    assert duck.rows(ctx.root, refused) == [{"type": "double", "found": "settings say int"}]


def test_columns_that_files_bring_are_added_and_every_change_is_noted_once(
    ctx: Context, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx.tables.ensure("bronze", {"id": "STRING"})
    real = type(spark).sql

    def dies(session: SparkSession, query: str, *rest: Any) -> DataFrame:
        if "ADD COLUMNS" in query:
            raise KeyboardInterrupt
        return real(session, query, *rest)

    with monkeypatch.context() as patch:  # noted, and not made
        patch.setattr(type(spark), "sql", dies)
        with pytest.raises(KeyboardInterrupt):
            ctx.tables.widen("bronze", {"extra": "STRING"}, "a.csv")
    for file in ("a.csv", "b.csv"):
        ctx.tables.widen("bronze", {"extra": "STRING"}, file)
        dropped = Change("bronze", "junk", "STRING", "dropped", file, "declared by nobody; drop")
        note(ctx.tables, [dropped, dropped, Change("bronze", "id", "string", "missing", file)])
    note(ctx.tables, [Change("bronze", "junk", "STRING", "rescued", "c.csv")])
    note(ctx.tables, [Change("bronze", "junk", "STRING", "dropped", "d.csv", "declared by nobody; drop")])
    assert ctx.tables.found("bronze") == ("extra",)
    query = "SELECT column_name, change, file FROM ops.schema_changes ORDER BY recorded_at, column_name DESC"
    assert [tuple(row.values()) for row in duck.rows(ctx.root, query)] == [
        ("extra", "added", "a.csv"), ("junk", "dropped", "a.csv"), ("id", "missing", "a.csv"),
        ("junk", "rescued", "c.csv"), ("junk", "dropped", "d.csv"),
    ]  # fmt: skip


def test_a_table_is_found_again_by_a_context_that_did_not_make_it(
    ctx: Context, spark: SparkSession, make_context: Callable[..., Context]
) -> None:
    ctx.tables.ensure("bronze", {"id": "STRING", "title": "STRING"})
    ctx.tables.append_once("bronze", _bronze(spark, "1"), app="a", version=1)
    for schema in ("tiny",):
        spark.sql(f"DROP TABLE {schema}.bronze")  # a new session knows no names
    assert _ids(make_context(ctx.home)) == ["1"]


def test_two_lakes_in_one_session_are_not_mixed_up(
    ctx: Context, spark: SparkSession, tmp_path: Path, make_context: Callable[..., Context]
) -> None:
    declared = {"id": "STRING", "title": "STRING"}
    ctx.tables.ensure("bronze", declared)
    ctx.tables.append_once("bronze", _bronze(spark, "1"), app="a", version=1)
    other = make_context(tmp_path / "other")
    other.sign("test")
    other.tables.ensure("bronze", declared)
    other.tables.append_once("bronze", _bronze(spark, "2"), app="a", version=1)
    assert (_ids(make_context(ctx.home)), _ids(make_context(tmp_path / "other"))) == (["1"], ["2"])


# -- writing ---------------------------------------------------------------------------------------------------------


def test_an_append_counts_once(ctx: Context, spark: SparkSession) -> None:
    ctx.tables.ensure("bronze", {"id": "STRING", "title": "STRING"})
    assert ctx.tables.log("bronze").transaction("app") == -1

    def append(rows: DataFrame, version: int, app: str = "app") -> dict[str, int]:
        return ctx.tables.append_once("bronze", rows, app=app, version=version, upto={"raw": version})

    assert append(_bronze(spark, "1", "2"), 5)["numOutputRows"] == 2
    assert append(_bronze(spark, "1", "2"), 5) == {}
    assert append(_bronze(spark, "9"), 4) == {}
    assert _ids(ctx) == ["1", "2"]
    assert append(_bronze(spark, "3"), 6)["numOutputRows"] == 1
    assert append(_bronze(spark, "4"), 1, app="other")["numOutputRows"] == 1
    assert _ids(ctx) == ["1", "2", "3", "4"]
    log = ctx.tables.log("bronze")
    assert (log.transaction("app"), log.transaction("other"), log.rows()) == (6, 1, 4)


def test_a_merge_inserts_and_updates_where_changed_and_moves_its_position(ctx: Context, spark: SparkSession) -> None:
    tables = ctx.tables
    tables.ensure("gold", {"price": "double"})

    def merge(rows: DataFrame, upto: int) -> dict[str, int]:
        return tables.merge_once("gold", rows, on=["key"], changed=CHANGED, upto={"silver": upto})

    assert merge(_gold(spark, ("a", "a1", 1), ("b", "b1", 1)), 1)["numOutputRows"] == 2
    found = merge(_gold(spark, ("a", "a2", 1), ("b", "b2", 2), ("c", "c1", 1)), 2)
    assert (found["numTargetRowsInserted"], found["numTargetRowsUpdated"], found["numSourceRows"]) == (1, 1, 3)
    assert _texts(ctx) == {"a": "a1", "b": "b2", "c": "c1"}
    assert moved(merge(_gold(spark, ("a", "a9", 1)), 2))[1] == 0  # and not the numbers of what this run wrote before
    merge(_gold(spark, ("a", "a9", 1)), 3)
    assert _texts(ctx) == {"a": "a1", "b": "b2", "c": "c1"}
    assert tables.log("gold").last("test") == Stamp("run-1", "test", __version__, "recipe-1", {"silver": 3})

    with pytest.raises(DataError) as caught:
        merge(_gold(spark, ("x", "1", 1), ("x", "2", 2), ("y", "1", 1), ("x", "3", 3)), 4)
    assert caught.value.message == "tiny.gold: more than one row a key: key='x' (3 rows)"
    assert _texts(ctx) == {"a": "a1", "b": "b2", "c": "c1"}
    assert tables.log("gold").last("test") == Stamp("run-1", "test", __version__, "recipe-1", {"silver": 3})


def test_of_two_that_find_a_table_empty_the_second_merges(
    ctx: Context, spark: SparkSession, make_context: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx.tables.ensure("gold", {"price": "double"})
    other = make_context(ctx.home, run_id="run-2")
    other.sign("test", "recipe-1")
    real, found = Tables.append_once, []

    def overtaken(self: Tables, *args: Any, **named: Any) -> dict[str, int]:
        monkeypatch.setattr(Tables, "append_once", real)  # the other's own, too
        found.append(other.tables.merge_once("gold", _gold(spark, ("a", "a1", 1), ("b", "b1", 1)), on=["key"]))
        return real(self, *args, **named)

    monkeypatch.setattr(Tables, "append_once", overtaken)
    mine = _gold(spark, ("b", "b2", 2), ("c", "c1", 1))
    found.append(ctx.tables.merge_once("gold", mine, on=["key"], changed=CHANGED, upto={"silver": 2}))
    assert [each["numOutputRows"] for each in found[:1]] == [2]
    assert (found[1]["numTargetRowsInserted"], found[1]["numTargetRowsUpdated"]) == (1, 1)
    assert (_texts(ctx), ctx.tables.log("gold").rows()) == ({"a": "a1", "b": "b2", "c": "c1"}, 3)
    spark.sql("DELETE FROM tiny.gold")  # empty again, and no longer the first time
    assert ctx.tables.merge_once("gold", mine, on=["key"])["numTargetRowsInserted"] == 2
    assert _texts(ctx) == {"b": "b2", "c": "c1"}


def test_a_merge_that_was_overtaken_is_made_again(
    ctx: Context, spark: SparkSession, make_context: Callable[..., Context], tmp_path: Path
) -> None:
    ctx.tables.ensure("gold", {"price": "double"})
    ctx.tables.merge_once("gold", _gold(spark, ("a", "a1", 1)), on=["key"])
    began, overtaken = tmp_path / "began", tmp_path / "overtaken"

    @F.udf("string")
    def waiting(text: str) -> str:
        began.touch()
        while not overtaken.exists():
            time.sleep(0.05)
        return text

    mine = _gold(spark, ("b", "b2", 2), ("c", "c1", 1)).withColumn("clean_text", waiting("clean_text"))
    with ThreadPoolExecutor(1) as pool:
        merged = pool.submit(ctx.tables.merge_once, "gold", mine, on=["key"], changed=CHANGED, upto={"silver": 2})
        while not began.exists() and not merged.done():
            time.sleep(0.05)
        other = make_context(ctx.home, run_id="run-2")
        other.sign("test", "recipe-1")
        other.tables.merge_once("gold", _gold(spark, ("b", "b1", 1), ("d", "d1", 1)), on=["key"])
        overtaken.touch()
        found = merged.result()
    assert (found["numTargetRowsInserted"], found["numTargetRowsUpdated"]) == (1, 1)
    assert (_texts(ctx), ctx.tables.log("gold").rows()) == ({"a": "a1", "b": "b2", "c": "c1", "d": "d1"}, 4)


def test_changes_are_the_rows_as_they_are_now_each_once(ctx: Context, spark: SparkSession) -> None:
    tables = ctx.tables
    tables.ensure("gold", {"price": "double"})
    tables.merge_once("gold", _gold(spark, ("a", "a1", 1), ("b", "b1", 1), ("z", "z1", 1)), on=["key"])
    first = tables.log("gold").changed() or 0
    tables.merge_once("gold", _gold(spark, ("b", "b2", 2), ("c", "c1", 1), ("d", "d1", 1)), on=["key"], changed=CHANGED)
    second = tables.log("gold").changed() or 0
    columns = spark.table("tiny.gold").columns

    def changes(since: int | None, upto: int) -> list[tuple[Any, ...]]:
        rows = tables.changes("gold", since, upto, key=["key"])
        assert rows.columns == columns
        return sorted((row["key"], row["clean_text"]) for row in rows.collect())

    assert changes(first, second) == [("b", "b2"), ("c", "c1"), ("d", "d1")]
    assert changes(None, first) == [("a", "a1"), ("b", "b1"), ("z", "z1")]
    tables.merge_once("gold", _gold(spark, ("c", "c2", 2), ("b", "b3", 3)), on=["key"], changed=CHANGED)
    third = tables.log("gold").changed() or 0
    assert changes(second, third) == [("b", "b3"), ("c", "c2")]
    assert changes(first, third) == [("b", "b3"), ("c", "c2"), ("d", "d1")]
    spark.sql("DELETE FROM tiny.gold WHERE key = 'd'")
    assert changes(first, tables.log("gold").changed() or 0) == [("b", "b3"), ("c", "c2")]


def test_replacing_a_window_leaves_the_other_rows(ctx: Context, spark: SparkSession) -> None:
    tables = ctx.tables
    tables.ensure("gold", {"price": "double"})
    rows = _gold(spark, ("a", "a1", 1), ("b", "b1", 2), ("c", "c1", 3))
    assert tables.replace_window("gold", rows, upto={"s": 1})["numOutputRows"] == 3
    tables.replace_window("gold", _gold(spark, ("x", "x1", 2), ("y", "y1", 3)), where="row_hash > 1", upto={"s": 2})
    assert _texts(ctx) == {"a": "a1", "x": "x1", "y": "y1"}
    with pytest.raises(Exception, match=r"(?i)row_hash"):
        tables.replace_window("gold", _gold(spark, ("z", "z1", 1)), where="row_hash > 1")


def test_every_commit_says_who_wrote_it(ctx: Context, spark: SparkSession) -> None:
    tables = ctx.tables
    tables.ensure("gold", {})
    tables.ensure("gold", {"price": "double"})
    tables.merge_once("gold", _gold(spark, ("a", "a1", 1)), on=["key"], upto={"silver": 3})
    tables.merge_once("gold", _gold(spark, ("a", "a2", 2)), on=["key"], upto={"silver": 4})
    tables.replace_window("gold", _gold(spark, ("b", "b1", 1)), upto={"silver": 5})
    tables.append_once("gold", _gold(spark, ("c", "c1", 1)), app="x", version=1, upto={"silver": 6})
    stamps = [Stamp.from_json(info.get("userMetadata")) for _, info in tables.log("gold").commits()]
    assert all(stamp and (stamp.run_id, stamp.stage, stamp.code) == ("run-1", "test", __version__) for stamp in stamps)
    assert [stamp.upto for stamp in stamps if stamp][:4] == [{"silver": n} for n in (6, 5, 4, 3)]
    assert all(stamp.upto == {} for stamp in stamps[4:] if stamp)

    ctx.sign("test", "recipe-2")
    tables.append_once("gold", _gold(spark, ("d", "d1", 1)), app="x", version=2, upto={"silver": 1})
    log = tables.log("gold")
    positions = {
        recipe: stamp.upto["silver"] for recipe in ("recipe-1", "recipe-2", None) if (stamp := log.last("test", recipe))
    }
    assert positions == {"recipe-1": 6, "recipe-2": 1, None: 1}
    assert (log.last("other"), log.last("test", "recipe-3")) == (None, None)


FIGURES = [("tiny", "run-1", "rows", "gold", None, 5.0), ("tiny", "run-1", "rows", "silver", "m/1", 6.0)]


@pytest.fixture(params=[None, "spark_catalog"], ids=["direct", "under a catalog"])
def metrics(request: pytest.FixtureRequest, ctx: Context) -> Tables:
    """Tables with an empty `ops.metrics`: such as write it by delta-rs, and such as leave it to Spark."""
    ctx.tables.ensure("ops.metrics")
    tables = Tables(ctx.root, "tiny", lambda: ctx.spark, catalog=request.param)
    tables.stamp(Stamp("run-1", "test", __version__, "recipe-1"))
    return tables


def _figures(tables: Tables) -> list[tuple[str, str | None, float]]:
    query = "SELECT subject, model, value, recorded_at FROM ops.metrics ORDER BY 1"
    found = duck.rows(tables.root, query, only=["ops.metrics"])
    assert all(
        abs(datetime.now(timezone.utc) - row["recorded_at"].replace(tzinfo=timezone.utc)) < HOUR for row in found
    )
    return [(row["subject"], row["model"], row["value"]) for row in found]


def test_rows_of_the_programs_own_are_recorded_once(metrics: Tables) -> None:
    for version in (2, 2, 1):
        metrics.record("ops.metrics", FIGURES, once=("tiny.app", version), upto={"x": 1})
    assert _figures(metrics) == [("gold", None, 5.0), ("silver", "m/1", 6.0)]
    last = metrics.log("ops.metrics").last("test")
    assert last is not None
    assert (last.run_id, last.recipe, last.upto) == ("run-1", "recipe-1", {"x": 1})


def test_recorded_rows_can_take_the_place_of_others(metrics: Tables) -> None:
    metrics.record("ops.metrics", FIGURES)
    metrics.record("ops.metrics", [(*FIGURES[0][:5], 7.0)], over="subject = 'gold'")
    assert _figures(metrics) == [("gold", None, 7.0), ("silver", "m/1", 6.0)]


def test_of_two_at_once_one_is_recorded(ctx: Context) -> None:
    ctx.tables.ensure("ops.metrics")
    logs = [ctx.tables.log("ops.metrics") for _ in range(3)]
    assert [log.table.version() for log in logs] == [0, 0, 0]  # all have looked before one writes
    stamp, now = Stamp("run-1", "test", __version__), datetime.now(timezone.utc)
    for log in logs[:2]:
        direct.write(log, FIGURES, stamp, now, once=("tiny.app", 1))
    assert len(_figures(ctx.tables)) == 2
    direct.write(logs[2], FIGURES, stamp, now)  # no transaction to be in one another's way
    assert len(_figures(ctx.tables)) == 4


def test_recorded_rows_are_held_to_the_constraints(ctx: Context) -> None:
    ctx.tables.ensure("ops.runs")
    row = ("tiny", "run-1", "resting", "local", "ingest", "1", WHEN, None, None)
    with pytest.raises(Exception, match="failed validation"):
        ctx.tables.record("ops.runs", [row])
    assert ctx.tables.log("ops.runs").rows() == 0


# -- other readers ---------------------------------------------------------------------------------------------------

ELSEWHERE = """
import sys
from pathlib import Path
from lakehouse_nlp.core import duck
print(duck.rows(Path(sys.argv[1]), "select count(*) n, sum(row_hash) s from tiny.gold where key <> 'c'"))
"""


def test_duckdb_reads_what_spark_reads_in_this_process_and_in_another(ctx: Context, spark: SparkSession) -> None:
    tables = ctx.tables
    tables.ensure("gold", {"price": "double"})
    tables.ensure("quarantine")
    many = [(f"k{n}", f"ü {n}", n) for n in range(200)]
    tables.merge_once("gold", _gold(spark, *many, ("c", "c", 0)), on=["key"])
    tables.merge_once("gold", _gold(spark, ("k7", "changed", 700), ("new", "new", 1)), on=["key"], changed=CHANGED)
    spark.sql("DELETE FROM tiny.gold WHERE key = 'k8'")
    query = "SELECT key, clean_text, tokens, price, row_hash FROM tiny.gold ORDER BY key"
    ours = [row.asDict() for row in spark.sql(query).collect()]
    assert len(ours) == 201
    assert duck.rows(ctx.root, query, only=["tiny.gold"]) == ours
    assert duck.rows(ctx.root, "SELECT * FROM tiny.rejected_rows") == []
    assert tables.log("gold").rows() == 201
    assert {"tiny.gold", "tiny.quarantine"} <= set(duck.tables(ctx.root))

    command = [sys.executable, "-c", ELSEWHERE, str(ctx.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"[{{'n': 200, 's': {sum(range(200)) - 7 - 8 + 700 + 1}}}]\n"
    assert not spark.sparkContext._jsc.sc().isStopped()


def test_the_views_are_there_in_spark_too(ctx: Context, spark: SparkSession) -> None:
    ctx.tables.ensure("quarantine")
    row = ("{}", [("r", "m", "run-1", "f")], "open", "train", "f", "h", 7, 1, 1, "run-1", WHEN, WHEN, None, None)
    rows = [row, (*row[:2], "released", *row[3:])]
    schema = spark.table("tiny.quarantine").schema
    ctx.tables.append_once("quarantine", spark.createDataFrame(rows, schema), app="a", version=1)
    query = "SELECT rule, message, row_in_file FROM tiny.rejected_rows"
    assert [tuple(row) for row in ctx.tables.attach_all().sql(query).collect()] == [("r", "m", 1)]
    assert duck.rows(ctx.root, query) == [{"rule": "r", "message": "m", "row_in_file": 1}]
