"""Rules beyond one row: tables that are looked into, figures of a whole step, tolerances, and what is kept of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from rows import Row, bring, bronze
from test_silver import _reasons

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.suites import translated
from lakehouse_nlp.core.settings.yaml_lines import read
from lakehouse_nlp.silver import judge, stage
from lakehouse_nlp.silver.results import Result, refuse, results
from lakehouse_nlp.suggest import as_yaml, suggest

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

MakeSettings = Callable[..., Settings]
MakeContext = Callable[..., Context]
TABLE_RULES = ("unique", "row_count", "null_share", "freshness", "distribution")
NOW = datetime(2024, 1, 12, 6, tzinfo=timezone.utc)

# Ten valid rows of nine keys: stars 1 to 5 twice, two days, one title a pair of keys; and one that is set aside.
ROWS: list[Row] = [
    {"id": str(n), "title": f"t{n % 5}", "stars": str(n % 5 + 1), "day": f"{n % 2 + 9}.1.2024", "price": "10"}
    for n in range(9)
]
ROWS += [{"id": "8", "title": "t3", "stars": "5", "day": "10.1.2024"}, {"id": "x", "stars": "bad", "price": "-5"}]


def _judge(spark: SparkSession, settings: Settings, *rows: Row) -> list[Result]:
    frame, rules = judge.judged(bronze(spark, *rows), settings)
    frame = frame.persist()
    try:
        found = results(settings, rules, judge.count(frame, rules, settings), NOW)
        refuse(found, rules, frame)
    finally:
        frame.unpersist()
    return found


STARS = {"rule": "distribution", "column": "stars", "min_rows": 1}
FIGURES: list[tuple[dict[str, Any], str, int, int, str]] = [
    ({"rule": "row_count", "min": 10, "max": 10}, "passed", 10, 0, "rows valid is 10, and is to be from 10 to 10"),
    ({"rule": "row_count", "min": 11}, "failed", 10, 1, "rows valid is 10, and is to be at least 11"),
    ({"rule": "row_count", "min": 11, "tolerance": 0.1}, "tolerated", 10, 1,
     "rows valid is 10, and is to be at least 11"),
    ({"rule": "row_count", "max": 9, "tolerance": 0.1}, "failed", 10, 1, "rows valid is 10, and is to be at most 9"),
    ({"rule": "unique", "column": "id"}, "passed", 9, 0,
     "share of keys that repeat id of another is 0, and is to be at most 0"),
    ({"rule": "unique", "columns": ["title", "price"]}, "failed", 9, 4,
     "share of keys that repeat title, price of another is 0.444444, and is to be at most 0"),
    ({"rule": "unique", "columns": ["title", "price"], "tolerance": 0.5}, "tolerated", 9, 4,
     "share of keys that repeat title, price of another is 0.444444, and is to be at most 0"),
    ({"rule": "null_share", "column": "price", "max": 0.1}, "passed", 10, 1,
     "null share of price is 0.1, and is to be at most 0.1"),
    ({"rule": "null_share", "column": "price", "max": 0.05}, "failed", 10, 1,
     "null share of price is 0.1, and is to be at most 0.05"),
    ({"rule": "null_share", "column": "price", "max": 0.05, "tolerance": 0.05}, "tolerated", 10, 1,
     "null share of price is 0.1, and is to be at most 0.05"),
    ({"rule": "freshness", "column": "day", "max_age": "3 days"}, "passed", 10, 0,
     "age of the newest day in hours is 54, and is to be at most 72"),
    ({"rule": "freshness", "column": "day", "max_age": "50 hours"}, "failed", 10, 1,
     "age of the newest day in hours is 54, and is to be at most 50"),
    ({**STARS, "mean": [3, 4]}, "passed", 10, 0, "mean of stars is 3, and is to be from 3 to 4"),
    ({**STARS, "mean": [4, None]}, "failed", 10, 1, "mean of stars is 3, and is to be at least 4"),
    ({**STARS, "std": [1, 2], "quantiles": {"0": [1, 1], "0.5": [3, 3], "1": [None, 4]}}, "failed", 10, 1,
     "standard deviation of stars is 1.49071, and is to be from 1 to 2; quantile 0 of stars is 1, and is to be from 1 "
     "to 1; quantile 0.5 of stars is 3, and is to be from 3 to 3; quantile 1 of stars is 5, and is to be at most 4"),
    ({**STARS, "mean": [4, 5], "min_rows": 11}, "skipped", 10, 0, "too few rows to say anything"),
    ({**STARS, "expected": {"1": 0.2, "2": 0.2, "3": 0.2, "4": 0.2, "5": 0.2}}, "passed", 10, 0,
     "stability index of stars is 0, and is to be at most 0.2"),
    ({**STARS, "expected": {"1": 0.6, "5": 0.4}}, "failed", 10, 1,
     "stability index of stars is 5.79691, and is to be at most 0.2"),
]  # fmt: skip


def test_figures_of_a_step(spark: SparkSession, make_settings: MakeSettings) -> None:
    checks = [{**check, "name": f"case-{place}"} for place, (check, *_) in enumerate(FIGURES)]
    found = {result.rule: result for result in _judge(spark, make_settings(checks=checks), *ROWS)}
    said = [found[check["name"]] for check in checks]
    got = [(r.outcome, r.read, r.broken, r.told) for r in said]
    wanted = [tuple(expected) for _, *expected in FIGURES]
    assert [(FIGURES[n][0], got[n]) for n in range(len(FIGURES)) if got[n] != wanted[n]] == []


def test_a_step_without_valid_rows_has_no_newest_row(spark: SparkSession, make_settings: MakeSettings) -> None:
    checks = [
        {"rule": "freshness", "column": "day", "max_age": "3 days"},
        {"rule": "null_share", "column": "day", "max": 0},
    ]
    found = _judge(spark, make_settings(checks=checks), {"id": None})[-2:]
    assert [(r.outcome, r.broken) for r in found] == [("failed", 1), ("passed", 0)]
    assert found[0].told == "age of the newest day in hours is nothing, and is to be at most 72"


# Of eleven rows nine have a price, and one of these is below zero.
PRICE = {"rule": "range", "column": "price", "min": 0}


@pytest.mark.parametrize(
    ("check", "outcome", "aside"),
    [
        ({"action": "warn"}, "failed", 1),
        ({"action": "warn", "tolerance": 0.1}, "tolerated", 1),
        ({"action": "quarantine", "tolerance": 0.1}, "tolerated", 1),
        ({"action": "fail", "tolerance": 0.1}, "tolerated", 1),
        ({"action": "quarantine"}, "failed", 1),
    ],
)
def test_what_a_step_bears(
    spark: SparkSession, make_settings: MakeSettings, check: dict[str, Any], outcome: str, aside: int
) -> None:
    rows = [{**row, "stars": "1"} for row in ROWS]
    found = _judge(spark, make_settings(checks=[{**PRICE, **check}]), *rows)[-1]
    assert (found.outcome, found.read, found.broken, found.share) == (outcome, 10, 1, 0.1)
    reasons = _reasons(spark, make_settings(checks=[{**PRICE, **check}]), *rows)
    assert sum(map(len, reasons)) == (1 if check["action"] == "quarantine" else 0)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (
            {**PRICE, "action": "fail"},
            "action fail: range(price) by 1 of 10 rows; first: price is not at least 0.0: '-5.0'",
        ),
        (
            {**PRICE, "action": "quarantine", "tolerance": 0.09},
            "action quarantine: range(price) by 1 of 10 rows, and at most 9.00% may; "
            "first: price is not at least 0.0: '-5.0'",
        ),
        (
            {"rule": "row_count", "min": 100, "action": "fail"},
            "action fail: row_count: rows valid is 10, and is to be at least 100",
        ),
        (
            {"rule": "unique", "column": "title", "action": "fail"},
            "action fail: unique(title) by 4 of 9 rows",
        ),
    ],
)
def test_what_a_step_does_not_bear(
    spark: SparkSession, make_settings: MakeSettings, check: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError) as caught:
        _judge(spark, make_settings(checks=[check]), *ROWS)
    assert caught.value.message.removesuffix(" (file f.csv)") == f"silver: broken with {message}"


def test_results_are_kept_reported_and_looked_up_in_other_tables(
    home: Path, spark: SparkSession, make_context: MakeContext
) -> None:
    look = {"rule": "referential", "column": "price", "in": "tiny.silver.id"}
    most = {"column": "stars", "max_value": 3, "mostly": 0.6}
    checks = [
        {"rule": "row_count", "min": 100},
        {"rule": "freshness", "column": "day", "max_age": "1 day"},
        translated({"type": "expect_column_values_to_be_between", "kwargs": most}),
        translated({"type": "expect_column_mean_to_be_between", "kwargs": {"column": "stars", "max_value": 3}}),
    ]
    ctx = make_context(home, checks=checks)
    bring(ctx, spark, 1, *ROWS)
    stage.run(ctx)
    query = "SELECT rule, read, broken, share, tolerance, outcome FROM ops.checks WHERE broken > 0 ORDER BY 1"
    assert [tuple(row.values()) for row in duck.rows(ctx.root, query, only=["ops.checks"])] == [
        ("expect_column_values_to_be_between(stars)", 10, 4, 0.4, 0.4, "tolerated"),
        ("freshness(day)", 10, 1, None, 0.0, "failed"),
        ("row_count", 10, 1, None, 0.0, "failed"),
        ("type(stars)", 11, 1, 1 / 11, 0.0, "failed"),
    ]
    page = home / "lake/tiny/quality/gx/uncommitted/data_docs/local_site"
    report = next(page.glob("validations/**/*.html")).read_text(encoding="utf-8")
    for figure in (
        "row_count: rows valid",
        "freshness(day): age of the newest day in hours",
        "share of rows that broke expect_column_values_to_be_between(stars)",
        "expect_column_mean_to_be_between(stars): mean of stars",
    ):
        assert figure in report

    other = make_context(home, run_id="run-2", checks=[{**look, "column": "title"}])
    given = bronze(spark, {"id": "1", "title": "8"}, {"id": "2", "title": "9"}, {"id": "3"})
    rows = judge.judged(given, other.settings, lambda check: stage.look_up(other, check))[0].orderBy("_row")
    assert [[reason["message"] for reason in row["_reasons"]] for row in rows.collect()] == [
        [],
        ["title is not in tiny.silver.id: '9'"],
        [],
    ]
    for column, message in {
        "tiny.silver.ids": "looks into tiny.silver.ids, and there is no such column; did you mean 'id'?",
        "else.silver.id": "silver: referential(title) looks into else.silver, and there is no such table",
    }.items():
        wrong = make_context(home, checks=[{**look, "column": "title", "in": column}])
        with pytest.raises(DataError, match=re.escape(message)):
            stage.look_up(wrong, wrong.settings.checks[0])  # type: ignore[arg-type]


def test_what_is_suggested_for_a_table_holds_on_its_rows(
    home: Path, spark: SparkSession, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    rows: list[Row] = [
        {"id": f"R{n}", "title": f"title {n}", "body": None if n % 9 == 0 else "b" * (n + 1), "stars": str(n % 5 + 1),
         "day": f"{n % 28 + 1}.1.2024", "price": str(5 + n / 10)}
        for n in range(60)
    ]  # fmt: skip
    ctx = make_context(home, text=["body"])
    ctx.clock = lambda: datetime(2024, 2, 1, tzinfo=timezone.utc)
    bring(ctx, spark, 1, *rows)
    stage.run(ctx)
    checks = read(as_yaml(suggest(ctx))).value["checks"]
    assert {check["rule"] for check in checks} == {
        "row_count", "not_null", "null_share", "regex", "unique", "length", "in_set", "range", "freshness"
    }  # fmt: skip
    settings = make_settings(checks=checks, text=["body"])
    frame, rules = judge.judged(bronze(spark, *rows), settings)
    found = results(settings, rules, judge.count(frame, rules, settings), ctx.clock())
    assert {result.rule: result.told for result in found if result.outcome != "passed"} == {}
    assert len(found) == len(rules) + sum(check["rule"] in TABLE_RULES for check in checks)
