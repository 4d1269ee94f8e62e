"""Suites of Great Expectations as checks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.settings import load
from lakehouse_nlp.core.settings.suites import TRANSLATIONS, translated

pytestmark = pytest.mark.unit
Write = Callable[..., Path]
Suite = Callable[..., Path]

STARS = {"column": "stars"}
DISTRIBUTION = {"rule": "distribution", "column": "stars", "min_rows": 1}
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("column_values_to_not_be_null", STARS, {"rule": "not_null", **STARS}),
    ("column_values_to_not_be_null", {**STARS, "mostly": 0.9}, {"rule": "not_null", **STARS, "tolerance": 0.1}),
    (
        "column_values_to_be_between",
        {**STARS, "min_value": 0, "max_value": 5, "mostly": 0.95, "strict_min": False},
        {"rule": "range", **STARS, "min": 0, "max": 5, "tolerance": 0.05},
    ),
    ("column_values_to_be_in_set", {**STARS, "value_set": [1, 2]}, {"rule": "in_set", **STARS, "values": [1, 2]}),
    ("column_values_to_match_regex", {**STARS, "regex": "a"}, {"rule": "regex", **STARS, "pattern": "a"}),
    ("column_value_lengths_to_be_between", {**STARS, "max_value": 5}, {"rule": "length", **STARS, "max": 5}),
    ("column_values_to_be_unique", STARS, {"rule": "unique", **STARS}),
    ("compound_columns_to_be_unique", {"column_list": ["id", "day"]}, {"rule": "unique", "columns": ["id", "day"]}),
    ("table_row_count_to_be_between", {"min_value": 1, "max_value": None}, {"rule": "row_count", "min": 1}),
    (
        "column_proportion_of_non_null_values_to_be_between",
        {**STARS, "min_value": 0.9},
        {"rule": "null_share", **STARS, "max": 0.1},
    ),
    ("column_mean_to_be_between", {**STARS, "min_value": 3, "max_value": 4}, {**DISTRIBUTION, "mean": [3, 4]}),
    ("column_stdev_to_be_between", {**STARS, "max_value": 4}, {**DISTRIBUTION, "std": [None, 4]}),
    ("column_min_to_be_between", {**STARS, "min_value": 1}, {**DISTRIBUTION, "quantiles": {"0": [1, None]}}),
    ("column_median_to_be_between", {**STARS, "min_value": 1}, {**DISTRIBUTION, "quantiles": {"0.5": [1, None]}}),
    ("column_max_to_be_between", {**STARS, "max_value": 5}, {**DISTRIBUTION, "quantiles": {"1": [None, 5]}}),
    (
        "column_quantile_values_to_be_between",
        {**STARS, "quantile_ranges": {"quantiles": [0.1, 0.9], "value_ranges": [[1, 2], [4, None]]}},
        {**DISTRIBUTION, "quantiles": {"0.1": [1, 2], "0.9": [4, None]}},
    ),
]


@pytest.fixture
def suite(write: Write) -> Suite:
    """Writes the project `x` and a suite of expectations; gives the home folder."""

    def _suite(*expectations: Any, name: str = "x.json", **project: Any) -> Path:
        home = write(**project)
        file = home / "conf" / "suites" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"name": "mine", "expectations": list(expectations)}, indent=2))
        return home

    return _suite


@pytest.mark.parametrize(("kind", "kwargs", "check"), CASES, ids=lambda v: v if isinstance(v, str) else "")
def test_an_expectation_asks_what_a_check_asks(kind: str, kwargs: dict[str, Any], check: dict[str, Any]) -> None:
    found = translated({"type": f"expect_{kind}", "kwargs": {**kwargs, "batch_id": "b"}, "id": "i", "meta": {}})
    of = kwargs.get("column") or ", ".join(kwargs.get("column_list", ()))
    assert found == {"name": f"expect_{kind}({of})" if of else f"expect_{kind}", "action": "warn", **check}


def test_every_expectation_that_is_known_is_tried() -> None:
    assert {f"expect_{kind}" for kind, _, _ in CASES} == set(TRANSLATIONS)


def test_suites_are_checks_beside_those_of_the_project(suite: Suite) -> None:
    between = {"type": "expect_column_values_to_be_between", "kwargs": {**STARS, "max_value": 5}}
    strict = {**between, "kwargs": {**STARS, "min_value": 1}, "meta": {"action": "fail"}}
    home = suite(between, strict, more="checks:\n  - {rule: not_null, column: id}\n")
    suite(between, name="x-more.yml", more="checks:\n  - {rule: not_null, column: id}\n")
    (home / "conf" / "projects" / "xy.yml").write_text("")
    suite({"type": "of another project"}, name="xy.json", more="checks:\n  - {rule: not_null, column: id}\n")
    checks = load(home, "x").checks
    name = "expect_column_values_to_be_between(stars)"
    assert [(check.known_as, check.action) for check in checks] == [
        ("not_null(id)", "quarantine"), (name, "warn"), (f"{name} 2", "warn"), (f"{name} 3", "fail")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expectation", "expected"),
    [
        (
            {"type": "expect_column_values_to_be_nul", "kwargs": STARS},
            "5: expectations[0].type: no expectation 'expect_column_values_to_be_nul' here; "
            "did you mean 'expect_column_values_to_not_be_null'?; there are 'expect_column_values_to_not_be_null', ",
        ),
        ({"type": ["a"], "kwargs": STARS}, "5: expectations[0].type: no expectation ['a'] here"),
        (
            {"type": "expect_compound_columns_to_be_unique", "kwargs": {"column_list": 5}},
            "4: checks[0].columns: must be a list, not 5",
        ),
        ({"kwargs": STARS}, "4: expectations[0].type: no expectation None here"),
        (7, "4: expectations[0]: must be a mapping with type and kwargs, not 7"),
        (
            {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "star"}},
            "4: checks[0].column: no such column 'star'; did you mean 'stars'?",
        ),
        (
            {"type": "expect_column_values_to_not_be_null", "kwargs": {**STARS, "row_condition": "id > 1"}},
            "8: expectations[0].kwargs.row_condition: cannot be asked for here: 'id > 1'",
        ),
        (
            {"type": "expect_column_values_to_not_be_null", "kwargs": [1]},
            "6: expectations[0].kwargs: must be a mapping, ",
        ),
        (
            {"type": "expect_column_values_to_not_be_null", "kwargs": {**STARS, "mostly": "all"}},
            "8: expectations[0].kwargs.mostly: cannot be asked for here: 'all'",
        ),
        (
            {"type": "expect_column_values_to_be_unique", "kwargs": STARS, "meta": {"action": "quarantine"}},
            "4: checks[0].action: must be 'warn' or 'fail', not 'quarantine'",
        ),
        (
            {"type": "expect_column_quantile_values_to_be_between", "kwargs": {**STARS, "quantile_ranges": 1}},
            "8: expectations[0].kwargs.quantile_ranges: must have as many quantiles as value_ranges",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(suite: Suite, expectation: Any, expected: str) -> None:
    with pytest.raises(UsageError) as refused:
        load(suite(expectation), "x")
    faults = [line.strip() for line in refused.value.message.splitlines()[1:]]
    assert [fault.startswith(f"conf/suites/x.json:{expected}") for fault in faults] == [True], faults


def test_files_that_are_no_suites(write: Write) -> None:
    home = write()
    folder = home / "conf" / "suites"
    folder.mkdir()
    (folder / "x.json").write_text("{")
    (folder / "x.yml").write_text("name: mine\n")
    with pytest.raises(UsageError) as refused:
        load(home, "x")
    faults = [line.strip() for line in refused.value.message.splitlines()[1:]]
    assert faults[1] == "conf/suites/x.yml:1: no suite: has no list of expectations"
    assert faults[0].startswith("conf/suites/x.json:1: no suite: ")
