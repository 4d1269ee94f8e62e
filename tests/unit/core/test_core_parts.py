from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, write_deltalake

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import (
    BlockedError,
    DataError,
    LakehouseError,
    SessionLostError,
    TimedOutError,
    UnreachableError,
    UsageError,
)
from lakehouse_nlp.core.packaged import packaged
from lakehouse_nlp.core.recipes import GOLD, SILVER, TRAIN, recipe
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.tables import Log, Stamp, ddl, upkeep
from lakehouse_nlp.core.tables.log import NEWEST
from lakehouse_nlp.core.views import filled, questions, views
from lakehouse_nlp.flow import STAGES

pytestmark = pytest.mark.unit

STAMP = Stamp("run-1", "silver", "0.1.0", "abc", {"bronze": 7})


# -- stamps and logs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stamp", [STAMP, Stamp("", "", ""), Stamp("ü", 'a "b"', "1", "", {"a": 0, "b": 2**40}, {"raw": 3})]
)
def test_a_stamp_comes_back_from_a_commit(stamp: Stamp) -> None:
    assert Stamp.from_json(stamp.to_json()) == stamp


def test_a_stamp_is_plain_json() -> None:
    assert json.loads(STAMP.to_json()) == {
        "run_id": "run-1", "stage": "silver", "code": "0.1.0", "recipe": "abc", "upto": {"bronze": 7}
    }  # fmt: skip


@pytest.mark.parametrize(
    "foreign",
    [None, "", "nightly job", "{", "[]", "7", '"text"', "null", "{}", '{"run_id": "x"}', '{"user": "me"}',
     '{"run_id": "a", "stage": "b", "code": "c", "more": 1}'],
)  # fmt: skip
def test_the_metadata_of_others_is_no_stamp(foreign: str | None) -> None:
    assert Stamp.from_json(foreign) is None


def test_a_stamp_of_an_older_version_without_the_later_fields_is_read() -> None:
    assert Stamp.from_json('{"run_id": "a", "stage": "b", "code": "c"}') == Stamp("a", "b", "c")


def test_a_table_that_is_not_there_has_no_log(tmp_path: Path) -> None:
    log = Log(tmp_path / "nothing")
    assert (log.exists, log.version(), log.rows(), log.changed(), log.last("silver")) == (False, None, 0, None, None)
    assert (log.transaction("app"), log.written("run", "silver"), list(log.commits())) == (-1, {}, [])


def test_a_commit_that_comes_while_the_log_is_read_moves_no_version(tmp_path: Path) -> None:
    one = pa.table({"n": [1]})

    def commit(n: int) -> None:
        stamp = replace(STAMP, upto={"bronze": n})
        told = CommitProperties(custom_metadata={"userMetadata": stamp.to_json()})
        write_deltalake(str(tmp_path), one, mode="append", commit_properties=told)

    for n in range(2 * NEWEST):
        commit(n)
    log = Log(tmp_path)
    assert log.table.version() == 2 * NEWEST - 1
    commit(2 * NEWEST)  # by another process, after the log was loaded
    stamps = {version: Stamp.from_json(info["userMetadata"]) for version, info in log.commits()}
    assert {version: stamp and stamp.upto["bronze"] for version, stamp in stamps.items()} == {
        n: n for n in range(2 * NEWEST + 1)
    }


def test_a_table_of_an_earlier_release_keeps_its_commits_as_long_as_this_one_asks(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path), pa.table({"n": [1]}))
    for _ in range(2):
        upkeep.keep_log(Log(tmp_path), ddl.retention(ddl.statements("metrics", "ops.metrics", "", {})[0]))
    upkeep.keep_log(Log(tmp_path), ddl.retention(ddl.statements("runs", "ops.runs", "", {})[0]))
    log = Log(tmp_path)
    assert (log.version(), log.changed()) == (1, 0)
    assert log.table.metadata().configuration == {ddl.RETENTION: "interval 365 days"}


def test_all_commits_of_a_long_log_are_told_newest_first_and_a_stamp_is_found_among_the_old(tmp_path: Path) -> None:
    one = pa.table({"n": [1]})
    for n in range(2 * NEWEST + 1):
        told = CommitProperties(custom_metadata={"userMetadata": STAMP.to_json()}) if n == 1 else None
        write_deltalake(str(tmp_path), one, mode="append", commit_properties=told)
    log = Log(tmp_path)
    assert [version for version, _ in log.commits()] == list(range(2 * NEWEST, -1, -1))
    assert (log.changed(), log.last("silver"), log.stamped(1)) == (2 * NEWEST, STAMP, STAMP)
    assert not log.vacuumed(0)


def test_a_version_has_the_rows_of_the_newest_that_only_upkeep_came_to_after_it(tmp_path: Path) -> None:
    def append() -> None:
        write_deltalake(str(tmp_path), pa.table({"n": [1]}), mode="append")

    append()
    append()
    upkeep.compact(Log(tmp_path), STAMP)
    upkeep.vacuum(Log(tmp_path), timedelta(), (), datetime.now(timezone.utc), STAMP)
    Log(tmp_path).table.alter.set_table_properties({ddl.RETENTION: "interval 365 days"})
    append()
    log = Log(tmp_path)
    upkept = [info["operation"] for version, info in log.commits() if 1 < version < 6]
    assert upkept == ["SET TBLPROPERTIES", "VACUUM END", "VACUUM START", "OPTIMIZE"]
    assert [log.alike(version) for version in (0, 1, 2, 5, 6)] == [0, 5, 5, 5, 6]

    log.table.create_checkpoint()
    for version in (0, 1, 2):  # nobody can say any more what came after version 1
        (tmp_path / f"_delta_log/{version:020}.json").unlink()
    assert [Log(tmp_path).alike(version) for version in (1, 2, 6)] == [1, 5, 6]
    assert Log(tmp_path / "nothing").alike(3) == 3


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ([], set()),
        ([["a", "a"], ["b"], ["a"]], {"a", "b"}),
        ([["a"], ["a", "b"]], None),
        ([["a"], ["a", None]], None),
        ([["a"], [None]], None),
        ([["a" * 99 + "1", "a" * 99 + "2"]], None),
    ],
)
def test_the_values_of_a_column_are_known_without_reading_where_each_file_has_one(
    tmp_path: Path, files: list[list[str | None]], found: set[str] | None
) -> None:
    for values in files:
        write_deltalake(str(tmp_path), pa.table({"hash": pa.array(values, pa.string())}), mode="append")
    assert Log(tmp_path).throughout("hash") == found
    assert Log(tmp_path).values("hash") == {value for values in files for value in values}


# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LakehouseError("x"), 3),
        (DataError("x"), 1),
        (UsageError("x"), 2),
        (SessionLostError("gold"), 2),
        (UnreachableError("x"), 2),
        (TimedOutError("gold", timedelta(hours=1)), 124),
        (BlockedError("x"), 4),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: LakehouseError, code: int) -> None:
    assert error.exit_code == code


def test_an_error_says_what_and_what_next() -> None:
    assert str(DataError("no row", hint="bring one")) == "no row\n  next: bring one"
    assert str(DataError("no row")) == "no row"


# -- what comes with the package -------------------------------------------------------------------------------------


def test_the_packaged_folders_are_there() -> None:
    assert (packaged("conf") / "base.yml").is_file()
    assert (packaged("conf") / "envs" / "local.yml").is_file()
    assert (packaged("sql") / "ingest" / "tables" / "bronze.sql").is_file()


def test_every_table_that_a_stage_writes_has_its_ddl() -> None:
    tables = {table.split(".")[-1] for stage in STAGES for table in stage.writes} - {"candidate", "champion"}
    tables |= {"runs", "steps", "lineage", "breaker", "alerts", "schema_changes", "labels"}
    assert {file.stem for file in packaged("sql").glob("*/tables/*.sql")} == tables


@pytest.mark.parametrize("table", sorted(file.stem for file in packaged("sql").glob("*/tables/*.sql")))
def test_ddl_is_filled_in_to_the_last_place(table: str) -> None:
    found = ddl.statements(table, f"x.{table}", "LOCATION 'file:/tmp'", {"a": "STRING", "b c": "INT"})
    assert found[0].startswith(f"CREATE TABLE x.{table} (\n")
    assert all(statement.startswith(f"ALTER TABLE x.{table} ADD CONSTRAINT ") for statement in found[1:])
    assert not any(mark in statement for statement in found for mark in ("{", "}", "\n--"))
    assert not any(statement.endswith(";") for statement in found[:-1])
    own = "  `a` STRING COMMENT 'declared by the project',\n  `b c` INT COMMENT 'declared by the project',\n"
    assert (own in found[0]) == (table in ("bronze", "silver", "gold"))


@pytest.mark.parametrize("table", sorted(file.stem for file in packaged("sql").glob("*/tables/*.sql")))
def test_a_table_can_be_made_with_its_constraints_in_one_commit(table: str) -> None:
    create, *constraints = ddl.statements(table, f"x.{table}", "LOCATION 'file:/tmp'", {"a": "STRING"})
    (alone,) = ddl.in_one_commit([create, *constraints])
    assert alone.startswith(create.removesuffix(")"))
    assert alone.count("TBLPROPERTIES (") == (1 if constraints else create.count("TBLPROPERTIES ("))
    assert alone.count("delta.constraints.") == len(constraints)
    for constraint in constraints:
        name, rule = constraint.split(" ADD CONSTRAINT ")[1].split(" CHECK ", 1)
        assert f'delta.constraints.{name} = "{rule[1:-1]}"' in alone


@pytest.mark.parametrize(("engine", "first"), [("duckdb", "1"), ("spark", "0")])
def test_a_query_is_filled_in_for_project_and_engine(engine: str, first: str) -> None:
    query = "select reasons[{first}], '{other}' from {project}.quarantine, {project}.gold"
    assert filled(query, "demo", engine) == f"select reasons[{first}], '{{other}}' from demo.quarantine, demo.gold"  # type: ignore[arg-type]


def test_questions_are_known_by_name_and_mention_the_project() -> None:
    assert {"class_shares", "accuracy_on_test_rows", "least_sure", "slowest_stages", "why_set_aside"} <= set(
        questions()
    )
    assert all("{project}" in text for text in questions().values())


@pytest.mark.parametrize(
    ("tables", "made"),
    [
        (set(), []),
        ({"demo.bronze"}, []),
        ({"demo.bronze", "demo.quarantine"}, ["demo.rejected_rows"]),
        ({"demo.predictions", "demo.quarantine"}, ["demo.rejected_rows"]),
        ({"demo.predictions", "ops.model_events"}, ["demo.compared_predictions", "demo.current_predictions"]),
        ({"other.predictions", "ops.runs"}, []),
    ],
)
def test_a_view_is_made_where_its_table_is(tables: set[str], made: list[str]) -> None:
    assert [name for name, _ in views("demo", tables, "duckdb")] == made


def test_the_tables_of_a_project_whose_name_ends_like_this_one_are_not_its_own() -> None:
    tables = {"amazon_reviews.bronze", "reviews.bronze", "reviews.quarantine", "reviews.predictions"}
    assert list(views("amazon_reviews", tables, "duckdb")) == []


# -- recipes ---------------------------------------------------------------------------------------------------------

CHANGES = [
    ({"label": "stars"}, "sgt"),
    ({"key": ["id", "title"]}, "sgt"),
    ({"newest_by": "day"}, "sgt"),
    ({"text": ["body"]}, "sgt"),
    ({"checks": [{"rule": "not_null", "column": "id"}]}, "sgt"),
    ({"silver": {"html": False}}, "sgt"),
    ({"features": {"numeric": ["price"]}}, "gt"),
    ({"features": {"categorical": ["title"]}}, "gt"),
    ({"gold": {"split": {"seed": 1}}}, "gt"),
    ({"gold": {"nlp": {"stem": True}}}, "gt"),
    ({"features": {"text": {"ngrams": 1}}}, "t"),
    ({"train": {"seed": 1}}, "t"),
    ({"train": {"booster": {"max_depth": 3}}}, "t"),
    ({"description": "other"}, ""),
    ({"register": {"min": {"accuracy": 0.9}}}, ""),
    ({"score": {"batch_rows": 5}}, ""),
    ({"monitor": {"min_rows": 5}}, ""),
    ({"spark": {"master": "local[3]"}}, ""),
    ({"lake": {"root": "elsewhere"}}, ""),
    ({"mlflow": {"artifacts": "elsewhere"}}, ""),
]


@pytest.mark.parametrize(("change", "parts"), CHANGES, ids=[str(change) for change, _ in CHANGES])
def test_a_setting_changes_the_recipes_of_what_depends_on_it_and_no_others(
    make_settings: Callable[..., Settings], change: dict[str, object], parts: str
) -> None:
    before, after = make_settings(), make_settings(**change)
    changed = [
        sign
        for sign, part in {"s": SILVER, "g": GOLD, "t": TRAIN}.items()
        if recipe(before, part) != recipe(after, part)
    ]
    assert "".join(changed) == parts


def test_a_recipe_is_the_same_every_time(make_settings: Callable[..., Settings]) -> None:
    assert recipe(make_settings(), SILVER) == recipe(make_settings(), SILVER)
    assert len(recipe(make_settings(), SILVER)) == 16


# -- the context -----------------------------------------------------------------------------------------------------


def test_a_context_names_tables_and_places_without_a_session(home: Path, make_context: Callable[..., Context]) -> None:
    tables = make_context(home).tables
    assert (tables.name("bronze"), tables.name("ops.files")) == ("tiny.bronze", "ops.files")
    assert tables.path("bronze") == home / "lake" / "tiny" / "tables" / "bronze"
    assert tables.path("ops.files") == home / "lake" / "ops" / "tables" / "files"
    assert not tables.touched


def test_under_a_catalog_names_have_three_parts(home: Path, make_context: Callable[..., Context]) -> None:
    tables = make_context(home, lake={"catalog": "main"}).tables
    assert (tables.name("bronze"), tables.name("ops.files")) == ("main.tiny.bronze", "main.ops.files")


def test_runs_have_names_that_sort_by_time_and_do_not_repeat(home: Path, make_context: Callable[..., Context]) -> None:
    first, second = make_context(home, run_id=""), make_context(home, run_id="")
    assert first.run_id[:8].isdigit()
    assert first.run_id[8] == "T"
    assert first.run_id != second.run_id
