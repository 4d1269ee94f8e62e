"""What is proposed for a table, and that the settings take it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from deltalake import write_deltalake
from typer.testing import CliRunner

from lakehouse_nlp.cli.app import app
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.yaml_lines import read
from lakehouse_nlp.suggest import Suggestion, as_yaml, suggest

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]

ROWS = 1000
COLUMNS = {
    "id": "string", "title": "string", "body": "string", "stars": "double", "day": "date", "price": "double",
    "mail": "string", "serial": "bigint", "shop": "string", "flag": "boolean", "gone": "string",
}  # fmt: skip


def _table() -> pa.Table:
    places = range(ROWS)
    return pa.table(
        {
            "id": [f"R{n}" for n in places],
            "title": [None if n % 100 == 0 else f"{n % 7} " + "t" * (n % 90) for n in places],
            "body": ["b" * (20 + n % 80) for n in places],
            "stars": [float(n % 5 + 1) for n in places],
            "day": [date(2024, 1, 1 + n % 9) for n in places],
            "price": [10 + n / 100 for n in places],
            "mail": [f"a{n}@b.org" for n in places],
            "serial": list(places),
            "shop": [None, *["No", "1"] * (ROWS // 2)][:ROWS],
            "flag": [True] * ROWS,
            "gone": pa.array([None] * ROWS, pa.string()),
            "_batch": [n % 4 for n in places],
        }
    )


@pytest.fixture
def ctx(home: Path, make_context: MakeContext) -> Context:
    write_deltalake(str(home / "lake/tiny/tables/silver"), _table())
    made = make_context(home, columns=COLUMNS, checks=[{"rule": "not_null", "column": "body", "name": "mine"}])
    made.clock = lambda: datetime(2024, 1, 13, 12, tzinfo=timezone.utc)
    return made


WANTED: list[tuple[dict[str, Any], str]] = [
    ({"rule": "row_count", "min": 125}, "1,000 rows came in 4 batches"),
    ({"rule": "regex", "column": "id", "pattern": r"^[A-Za-z]+[-_]?\d+$"},
     "letters and digits, as ids have in 1,000 rows"),
    ({"rule": "null_share", "column": "title", "max": 0.03}, "10 of 1,000 rows are without a value"),
    ({"rule": "length", "column": "title", "min": 1, "max": 190}, "2 to 91 characters in 990 of 1,000 rows"),
    ({"rule": "length", "column": "body", "min": 10, "max": 200}, "20 to 99 characters in 1,000 rows"),
    ({"rule": "not_null", "column": "stars"}, "0 of 1,000 rows are without a value"),
    ({"rule": "in_set", "column": "stars", "values": [1, 2, 3, 4, 5]}, "5 values in 1,000 rows"),
    ({"rule": "not_null", "column": "day"}, "0 of 1,000 rows are without a value"),
    ({"rule": "freshness", "column": "day", "max_age": "8 days"}, "the newest is 2024-01-09, 4 days ago"),
    ({"rule": "not_null", "column": "price"}, "0 of 1,000 rows are without a value"),
    ({"rule": "range", "column": "price", "min": 5.2, "max": 24.8}, "10 to 19.99 in 1,000 rows"),
    ({"rule": "not_null", "column": "mail"}, "0 of 1,000 rows are without a value"),
    ({"rule": "unique", "column": "mail"}, "1,000 values, and none twice"),
    ({"rule": "regex", "column": "mail", "pattern": r"^[^@\s]+@[^@\s]+\.[^@\s]+$"}, "e-mail addresses in 1,000 rows"),
    ({"rule": "not_null", "column": "serial"}, "0 of 1,000 rows are without a value"),
    ({"rule": "unique", "column": "serial"}, "1,000 values, and none twice"),
    ({"rule": "range", "column": "serial", "min": 0, "max": 1480}, "0 to 999 in 1,000 rows"),
    ({"rule": "null_share", "column": "shop", "max": 0.02}, "1 of 1,000 rows are without a value"),
    ({"rule": "in_set", "column": "shop", "values": ["1", "No"]}, "2 values in 999 of 1,000 rows"),
    ({"rule": "not_null", "column": "flag"}, "0 of 1,000 rows are without a value"),
]  # fmt: skip


def test_what_a_table_keeps_is_proposed_with_its_evidence(ctx: Context) -> None:
    found = [({k: v for k, v in s.check.items() if k != "action"}, s.evidence) for s in suggest(ctx)]
    assert found == WANTED
    assert {s.check["action"] for s in suggest(ctx)} == {"warn"}


def test_the_yaml_is_read_as_what_was_meant(ctx: Context, make_settings: Callable[..., Settings]) -> None:
    found = suggest(ctx)
    text = as_yaml(found)
    assert (
        "  - {rule: in_set, column: shop, values: ['1', 'No'], action: warn}  # 2 values in 999 of 1,000 rows\n" in text
    )
    assert read(text).value == {"checks": [s.check for s in found]}
    assert yaml.safe_load(text) == {"checks": [s.check for s in found]}
    assert len(make_settings(columns=COLUMNS, checks=read(text).value["checks"]).checks) == len(found)
    assert read(as_yaml([])).value == {"checks": []}
    assert json.loads(json.dumps([vars(s) for s in found]))[0]["evidence"] == "1,000 rows came in 4 batches"


def test_of_few_rows_only_what_is_there_is_said(home: Path, make_context: MakeContext) -> None:
    write_deltalake(str(home / "lake/tiny/tables/silver"), _table().slice(1, 3).drop_columns("_batch"))
    assert suggest(make_context(home))[:2] == [
        Suggestion({"rule": "row_count", "min": 1, "action": "warn"}, "3 rows came in 1 batch"),
        Suggestion({"rule": "not_null", "column": "title", "action": "warn"}, "0 of 3 rows are without a value"),
    ]


def test_a_table_of_other_types_is_asked_for_nulls_only(home: Path, make_context: MakeContext) -> None:
    table = _table().set_column(3, "stars", pa.array(["1"] * ROWS))
    write_deltalake(str(home / "lake/tiny/tables/bronze"), table)
    rules = [s.check["rule"] for s in suggest(make_context(home), "bronze") if s.check.get("column") == "stars"]
    assert rules == ["not_null"]


def test_tables_that_say_nothing(home: Path, make_context: MakeContext) -> None:
    with pytest.raises(UsageError, match=r"no table tiny\.silver"):
        suggest(make_context(home))
    write_deltalake(str(home / "lake/tiny/tables/silver"), _table().slice(0, 0))
    with pytest.raises(UsageError, match=r"tiny\.silver has no rows"):
        suggest(make_context(home))
    write_deltalake(str(home / "lake/tiny/tables/other"), pa.table({"x": [1]}))
    with pytest.raises(UsageError, match=r"tiny\.other has no column that the project declares"):
        suggest(make_context(home), "other")


def test_the_command_prints_yaml_or_json(home: Path) -> None:
    write_deltalake(str(home / "lake/tiny/tables/silver"), _table())
    project = {"columns": COLUMNS, "key": "id", "label": "shop", "text": ["body"]}
    (home / "conf/projects").mkdir(parents=True)
    (home / "conf/projects/tiny.yml").write_text(yaml.safe_dump(project))
    call = ["suggest-checks", "--home", str(home), "--project", "tiny"]
    printed = CliRunner().invoke(app, call)
    assert printed.exit_code == 0
    assert printed.stdout.startswith(
        "checks:\n  - {rule: row_count, min: 125, action: warn}  # 1,000 rows came in 4 batches\n"
    )
    assert CliRunner().invoke(app, [*call, "--yaml"]).stdout == printed.stdout
    found = json.loads(CliRunner().invoke(app, [*call, "--json"]).stdout)
    assert [entry["check"] for entry in found] == yaml.safe_load(printed.stdout)["checks"]
    assert isinstance(CliRunner().invoke(app, [*call, "--yaml", "--json"]).exception, UsageError)
