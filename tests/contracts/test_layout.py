"""One word a concern: stages, folders, scripts, settings, SQL and tests go by the same names, and the wheel has all."""

from __future__ import annotations

import ast
import json
import re
import sys
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import lake
import pytest
import standalone

from lakehouse_nlp import flow
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.views import questions

pytestmark = pytest.mark.contracts

SQL, PACKAGE = lake.ROOT / "sql", lake.ROOT / "src/lakehouse_nlp"
DDL = sorted(SQL.glob("*/tables/*.sql"))
# Folders and modules of the package that are no stage.
BESIDE = {"backup", "cli", "core", "demo", "init", "maintain", "model", "report", "suggest"}


def test_the_stages_are_those_of_the_design_in_its_order() -> None:
    assert flow.NAMES == ("ingest", "silver", "gold", "train", "register", "score", "monitor")


def test_every_stage_is_a_folder_that_exports_due_size_and_run_and_no_other_folder_is_a_stage() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders - BESIDE == set(flow.NAMES)
    for stage in flow.NAMES:
        exported = ast.parse((PACKAGE / stage / "__init__.py").read_text(encoding="utf-8")).body[-1]
        assert isinstance(exported, ast.Assign)
        assert {"due", "run", "size"} <= set(ast.literal_eval(exported.value)), stage


def test_every_stage_has_a_script_and_run_all_is_the_only_other() -> None:
    assert {path.stem for path in (lake.ROOT / "jobs").glob("*.py")} == {*flow.NAMES, "run_all"}


def test_every_stage_has_a_section_of_the_settings_and_of_base_yml() -> None:
    assert set(flow.NAMES) <= set(Settings.model_fields)
    sections = re.findall(r"^([a-z]+):", (lake.ROOT / "conf/base.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(flow.NAMES) <= set(sections)


def test_every_folder_of_sql_is_a_stage_or_ops() -> None:
    assert {path.name for path in SQL.iterdir() if path.is_dir()} <= {*flow.NAMES, "ops"}
    assert {path.parent.name for path in SQL.glob("*/*/")} <= {"tables", "views", "questions", *flow.NAMES, "ops"}


def test_every_table_that_a_stage_writes_has_its_ddl_in_the_stage_s_folder() -> None:
    for stage in flow.STAGES:
        for table in stage.writes:
            if table not in ("candidate", "champion"):
                folder = "ops" if table.startswith("ops.") else stage.name
                assert (SQL / folder / "tables" / f"{table.removeprefix('ops.')}.sql").exists(), table


def test_every_ddl_is_of_a_table_that_somebody_writes() -> None:
    written = {table for stage in flow.STAGES for table in stage.writes} - {"candidate", "champion"}
    ours = {
        "ops.runs",
        "ops.steps",
        "ops.breaker",
        "ops.alerts",
        "ops.schema_changes",
        "ops.lineage",
        "labels",
    }  # of runs, tables and people, not of a stage
    found = {f"ops.{path.stem}" if path.parts[-3] == "ops" else path.stem for path in DDL}
    assert found == written | ours


def test_what_a_stage_reads_an_earlier_one_writes() -> None:
    known = {"raw", "champion", "labels"}
    for stage in flow.STAGES:
        assert set(stage.reads) <= known | set(stage.writes), stage.name
        known |= set(stage.writes)


@pytest.mark.parametrize("path", DDL, ids=lambda path: f"{path.parts[-3]}.{path.stem}")
def test_every_column_and_table_has_a_comment(path: Path) -> None:
    text = re.sub(r"^--.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    head, _, tail = text.partition("\n) USING DELTA")
    columns = [line.strip() for line in head.splitlines()[1:] if line.strip() not in ("", "{columns}")]
    assert columns
    for line in columns:
        assert re.fullmatch(r"\w+ .+ COMMENT '([^']|'')+',?", line), line
    assert re.match(r" \{location\}\n(PARTITIONED BY \(\w+\)\n)?COMMENT '[^']+'", tail), path.name


# -- views and questions --------------------------------------------------------------------------------------------


def canonical(value: Any) -> Any:
    """A value as both engines' answers come out of JSON."""
    if isinstance(value, datetime):
        return str(value.astimezone(timezone.utc).replace(tzinfo=None))
    if isinstance(value, timedelta):
        return round(value.total_seconds(), 3)
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    return float(value) if type(value).__name__ == "Decimal" else value


def comparable(rows: list[list[Any]]) -> list[str]:
    """Rows without their order, which a view does not promise; structs by their values."""

    def flat(value: Any) -> Any:
        if isinstance(value, dict):
            return [flat(value[key]) for key in value]
        if isinstance(value, list):
            return [flat(item) for item in value]
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    return sorted(json.dumps(flat(row), ensure_ascii=False) for row in rows)


@pytest.fixture(scope="module")
def answers(clean: lake.Clean) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answers of Spark, in one session of one process, and of DuckDB."""
    from asker import queries

    ended = lake.call(sys.executable, Path(__file__).with_name("asker.py"), clean.home, cwd=clean.home)
    assert ended.returncode == 0, ended.stderr
    from lakehouse_nlp.core import duck

    mine: dict[str, Any] = {}
    with duck.connect(clean.home / "lake") as connection:
        for name, query in queries("demo", "duckdb").items():
            cursor = connection.execute(query)
            mine[name] = [[column[0] for column in cursor.description], cursor.fetchall()]
    return json.loads(ended.stdout), mine


VIEWS = sorted(f"demo.{path.stem}" for path in SQL.glob("*/views/*.sql"))


@pytest.mark.parametrize("name", [*VIEWS, *sorted(questions())])
def test_spark_and_duckdb_give_the_same_rows(name: str, answers: tuple[dict[str, Any], dict[str, Any]]) -> None:
    spark, mine = answers[0][name], answers[1][name]
    assert spark[0] == mine[0]
    assert len(mine[1]) > 0
    ours = [[canonical(value) for value in row] for row in mine[1]]
    theirs = [[seconds(value) for value in row] for row in spark[1]]
    assert comparable(theirs) == comparable(ours)


def seconds(value: Any) -> Any:
    """An interval as JSON's `default=str` wrote it, in seconds; a decimal as a number; all else as it is."""
    if isinstance(value, str) and (found := re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", value)):
        hours, minutes, rest = found.groups()
        return round(int(hours) * 3600 + int(minutes) * 60 + float(rest), 3)
    if isinstance(value, str) and re.fullmatch(r"\d+\.\d{1,6}", value):
        return float(value)
    return value


# -- the wheel ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's wheel."""
    return standalone.wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_code_defaults_and_sql(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    own = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    wanted = {f"lakehouse_nlp/{path.relative_to(PACKAGE).as_posix()}" for path in own}
    wanted |= {f"lakehouse_nlp/sql/{path.relative_to(SQL).as_posix()}" for path in SQL.rglob("*.sql")}
    wanted |= {"lakehouse_nlp/conf/base.yml", "lakehouse_nlp/conf/projects/demo.yml"}
    wanted |= {f"lakehouse_nlp/conf/envs/{path.name}" for path in (lake.ROOT / "conf/envs").glob("*.yml")}
    assert wanted - names == set()


def test_an_installed_wheel_works_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    target, home = tmp_path / "installed", tmp_path / "home"
    home.mkdir()
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps")
    ended = lake.call(*pip, "--target", target, wheel)
    assert ended.returncode == 0, ended.stderr
    source = lake.jsonl(tmp_path / "reviews.jsonl", [lake.row(n) for n in range(200)])
    start = f"import sys; sys.path.insert(0, {str(target)!r}); from lakehouse_nlp.cli import main; main()"
    label = "case when rating > 3 then 'good' else 'bad' end"
    made = lake.call(sys.executable, "-c", start, "init", "reviews", "--from", source, "--label", label, cwd=home)
    assert made.returncode == 0, made.stderr
    assert {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()} == {
        "conf/base.yml",
        "conf/envs/databricks.yml",
        "conf/envs/emr.yml",
        "conf/envs/local.yml",
        "conf/projects/reviews.yml",
        "lake/reviews/raw/train/reviews.jsonl",
    }
    where = "import sys; sys.path.insert(0, {!r}); import lakehouse_nlp; print(lakehouse_nlp.__file__)"
    assert lake.call(sys.executable, "-c", where.format(str(target)), cwd=home).stdout.startswith(str(target))
    planned = lake.call(sys.executable, "-c", start, "plan", "--json", cwd=home)
    assert [step["stage"] for step in json.loads(planned.stdout)] == list(flow.NAMES)


def test_a_wheel_that_is_imported_as_it_is_finds_its_files(wheel: Path, tmp_path: Path) -> None:
    start = f"import sys; sys.path.insert(0, {str(wheel)!r}); "
    source = lake.jsonl(tmp_path / "reviews.jsonl", [lake.row(n) for n in range(200)])
    label = "case when rating > 3 then 'good' else 'bad' end"
    command = ("init", "reviews", "--from", source, "--label", label)
    main = "from lakehouse_nlp.cli import main; main()"
    made = lake.call(sys.executable, "-c", start + main, *command, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "conf/base.yml").read_bytes() == (lake.ROOT / "conf/base.yml").read_bytes()
    asked = """
from lakehouse_nlp.core import packaged, session
told = session.defaults()
print(packaged.archive().name, told["spark.executorEnv.PYTHONPATH"])
print(packaged.packaged("sql").joinpath("gold/tables/gold.sql").is_file())
print(open(told["spark.driver.extraJavaOptions"].partition("file:")[2]).readline() != "", packaged.package_folder())
"""
    told = lake.call(sys.executable, "-c", start + asked, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    shipped, ddl, log4j = told.stdout.splitlines()
    assert (shipped, ddl) == (f"{wheel.name} {wheel.name}", "True")
    there, _, unpacked = log4j.partition(" ")
    assert there == "True"
    assert not Path(unpacked).exists()  # it goes with the process
