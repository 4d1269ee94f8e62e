"""Suites written by hand: Great Expectations' own files in `conf/suites`, read as checks of the project.

An expectation becomes the check that asks the same, under its own name: so it costs no pass over the rows, its result
is in `ops.checks` and the suite's report, and `meta.action` may be what any check's action may be; `warn` if left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from pathlib import Path
from typing import Any

from lakehouse_nlp.core.settings.checks import named
from lakehouse_nlp.core.settings.home import Home
from lakehouse_nlp.core.settings.layers import Fault, Layer, Origin, dotted
from lakehouse_nlp.core.settings.words import did_you_mean, listed, shown
from lakehouse_nlp.core.settings.yaml_lines import Loc, YamlError, read

Fields = dict[str, Any]
_BETWEEN = {"column": "column", "min_value": "min", "max_value": "max"}


def with_suites(layer: Layer, home: Home, project: str, rank: int) -> Layer:
    """The layer with the project's suites among its checks. `rank`: of their faults among those of other layers."""
    return reduce(partial(_with_suite, home, rank), home.suites(project), layer)


def _with_suite(home: Home, rank: int, layer: Layer, file: Path) -> Layer:
    place = home.shown(file)
    try:
        document = read(file.read_text(encoding="utf-8"))
    except (YamlError, UnicodeDecodeError, OSError) as error:
        fault = Fault(Origin(rank, getattr(error, "line", 0), place), f"no suite: {error}")
        return _merged(layer, faults=[fault])
    expectations = document.value.get("expectations") if isinstance(document.value, dict) else None
    if not isinstance(expectations, list):
        return _merged(layer, faults=[Fault(Origin(rank, 1, place), "no suite: has no list of expectations")])
    lines = {loc: Origin(rank, line, place) for loc, line in document.lines.items()}
    for i, expectation in enumerate(expectations):
        layer = _with_expectation(lines, layer, i, expectation)
    return layer


def _with_expectation(lines: dict[Loc, Origin], layer: Layer, i: int, expectation: Any) -> Layer:
    checks, loc = layer.values.get("checks") or [], ("expectations", i)
    try:
        check = translated(expectation)
    except SuiteError as error:
        origin = Layer(origins=lines).origin((*loc, *error.loc))
        return _merged(layer, faults=[Fault(origin, f"{dotted((*loc, *error.loc))}: {error}")])
    if not isinstance(checks, list):
        return layer
    check["name"] = _free(check["name"], checks)
    return _merged(layer, checks=[*checks, check], origins={("checks", len(checks)): lines[loc]})


def _merged(
    layer: Layer,
    checks: list[Any] | None = None,
    origins: Mapping[Loc, Origin] | None = None,
    faults: Sequence[Fault] = (),
) -> Layer:
    values = layer.values if checks is None else {**layer.values, "checks": checks}
    return Layer(values, {**layer.origins, **(origins or {})}, (*layer.faults, *faults), layer.unread)


def _free(name: str, checks: Sequence[Any]) -> str:
    """The name, with a number after it where another check has it."""
    taken = {check.get("name") for check in checks if isinstance(check, dict)}
    names = (f"{name} {n}" if n > 1 else name for n in range(1, len(checks) + 2))
    return next(free for free in names if free not in taken)


class SuiteError(ValueError):
    """An expectation that cannot be read as a check. `loc`: where in the expectation."""

    def __init__(self, message: str, *loc: str) -> None:
        super().__init__(message)
        self.loc = loc


def translated(expectation: Any) -> Fields:
    """The check that asks what an expectation in the serialised form of Great Expectations 1.x asks.

    Raises:
        SuiteError: an expectation that is not known here, or asks for what no check can.

    """
    if not isinstance(expectation, dict):
        raise SuiteError(f"must be a mapping with type and kwargs, not {shown(expectation)}")
    kind, meta, kwargs = expectation.get("type"), _mapping(expectation, "meta"), _mapping(expectation, "kwargs")
    if not isinstance(kind, str) or kind not in TRANSLATIONS:
        guess = did_you_mean(str(kind), TRANSLATIONS)
        raise SuiteError(f"no expectation {kind!r} here{guess}; there are {listed(TRANSLATIONS)}", "type")
    # The library saves of every expectation what was left out, as null or false, and the batch it last saw.
    kwargs = {k: v for k, v in kwargs.items() if v is not None and v is not False and k != "batch_id"}
    name = named({"rule": kind, "column": kwargs.get("column"), "columns": kwargs.get("column_list")})
    check = {"name": name, "action": meta.get("action", "warn"), **TRANSLATIONS[kind](kwargs)}
    if isinstance(kwargs.get("mostly"), int | float):
        check["tolerance"] = round(1 - kwargs.pop("mostly"), 9)
    for key, value in kwargs.items():
        raise SuiteError(f"cannot be asked for here: {shown(value)}", "kwargs", key)
    return check


def _mapping(expectation: Fields, key: str) -> Fields:
    value = expectation.get(key) or {}
    if not isinstance(value, dict):
        raise SuiteError(f"must be a mapping, not {shown(value)}", key)
    return value


def _as(rule: str, names: Mapping[str, str], kwargs: Fields) -> Fields:
    """The rule with the expectation's keywords under the names that the rule has for them; takes them out."""
    return {"rule": rule, **{field: kwargs.pop(name) for name, field in names.items() if name in kwargs}}


def _bounds(kwargs: Fields) -> list[Any]:
    return [kwargs.pop("min_value", None), kwargs.pop("max_value", None)]


def _moment(figure: str, kwargs: Fields) -> Fields:
    return {**_as("distribution", {"column": "column"}, kwargs), figure: _bounds(kwargs), "min_rows": 1}


def _quantile(at: str, kwargs: Fields) -> Fields:
    return {**_as("distribution", {"column": "column"}, kwargs), "quantiles": {at: _bounds(kwargs)}, "min_rows": 1}


def _quantiles(kwargs: Fields) -> Fields:
    try:
        ranges = kwargs.pop("quantile_ranges")
        quantiles = {f"{at:g}": bounds for at, bounds in zip(ranges["quantiles"], ranges["value_ranges"], strict=True)}
    except (KeyError, TypeError, ValueError) as error:
        wanted = "must have as many quantiles as value_ranges"
        raise SuiteError(wanted, "kwargs", "quantile_ranges") from error
    return {**_as("distribution", {"column": "column"}, kwargs), "quantiles": quantiles, "min_rows": 1}


def _nulls(kwargs: Fields) -> Fields:
    given = kwargs.pop("min_value", 0)
    if not isinstance(given, int | float):
        raise SuiteError(f"must be a number, not {shown(given)}", "kwargs", "min_value")
    return {**_as("null_share", {"column": "column"}, kwargs), "max": round(1 - given, 9)}


# Great Expectations' names (greatexpectations.io, "Expectation Gallery").
TRANSLATIONS: dict[str, Callable[[Fields], Fields]] = {
    "expect_column_values_to_not_be_null": partial(_as, "not_null", {"column": "column"}),
    "expect_column_values_to_be_between": partial(_as, "range", _BETWEEN),
    "expect_column_values_to_be_in_set": partial(_as, "in_set", {"column": "column", "value_set": "values"}),
    "expect_column_values_to_match_regex": partial(_as, "regex", {"column": "column", "regex": "pattern"}),
    "expect_column_value_lengths_to_be_between": partial(_as, "length", _BETWEEN),
    "expect_column_values_to_be_unique": partial(_as, "unique", {"column": "column"}),
    "expect_compound_columns_to_be_unique": partial(_as, "unique", {"column_list": "columns"}),
    "expect_table_row_count_to_be_between": partial(_as, "row_count", {"min_value": "min", "max_value": "max"}),
    "expect_column_proportion_of_non_null_values_to_be_between": _nulls,
    "expect_column_mean_to_be_between": partial(_moment, "mean"),
    "expect_column_stdev_to_be_between": partial(_moment, "std"),
    "expect_column_min_to_be_between": partial(_quantile, "0"),
    "expect_column_median_to_be_between": partial(_quantile, "0.5"),
    "expect_column_max_to_be_between": partial(_quantile, "1"),
    "expect_column_quantile_values_to_be_between": _quantiles,
}
