"""From what a table holds to the checks that it keeps, with some room."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timezone
from typing import Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.settings.checks import named
from lakehouse_nlp.suggest.look import FORMS, LONG_TEXT, Seen, look

FEWEST_ROWS = 20  # fewer say nothing of what values look like
OLDEST_DAYS = 60  # older data is no feed that could be late


@dataclass(frozen=True)
class Suggestion:
    """A check as it stands under `checks:`, and what speaks for it."""

    check: dict[str, Any]
    evidence: str


def suggest(ctx: Context, table: str = "silver") -> list[Suggestion]:
    """Checks that the table's rows keep, with some room, and that the project does not have yet.

    Raises:
        UsageError: there is no such table, it has no rows, or none of the declared columns.

    """
    name = f"{ctx.settings.project}.{table}"
    if name not in duck.tables(ctx.root):
        raise UsageError(f"no table {name}", hint=f"lakehouse-nlp run --project {ctx.settings.project}")
    rows, batches, columns = look(ctx.root, name, ctx.settings.columns)
    if not rows or not columns:
        what = "rows" if not rows else "column that the project declares"
        raise UsageError(f"{name} has no {what}", hint="lakehouse-nlp status")
    found = [*_of_table(rows, batches), *(s for column in columns for s in _of_column(ctx, column))]
    there = {check.model_copy(update={"name": None}).known_as for check in ctx.settings.checks}
    return [suggestion for suggestion in found if named(suggestion.check) not in there]


def as_yaml(suggestions: Sequence[Suggestion]) -> str:
    """The suggestions as YAML, one a line, for the section `checks:` of a project's file."""
    import yaml

    written = [
        yaml.safe_dump(s.check, default_flow_style=True, sort_keys=False, allow_unicode=True, width=float("inf"))
        for s in suggestions
    ]
    lines = [f"  - {text.strip()}  # {s.evidence}\n" for text, s in zip(written, suggestions, strict=True)]
    return "".join(["checks:\n", *lines]) if lines else "checks: []\n"


def _of_table(rows: int, batches: int) -> Iterator[Suggestion]:
    least = max(1, rows // max(batches, 1) // 2)
    yield Suggestion(
        {"rule": "row_count", "min": least, "action": "warn"},
        f"{rows:,} rows came in {batches:,} batch{'es' if batches != 1 else ''}",
    )


def _of_column(ctx: Context, column: Seen) -> Iterator[Suggestion]:
    is_key, is_text = column.name in ctx.settings.key, column.name in ctx.settings.text
    found = [] if is_key else [_nulls(column)]
    if column.given >= FEWEST_ROWS and is_text:
        found.append(_length(column))
    elif column.given >= FEWEST_ROWS:
        found += [None if is_key else _unique(column), _values(column), _fresh(column, ctx.clock())]
    yield from (suggestion for suggestion in found if suggestion)


def _check(rule: str, column: Seen, evidence: str, **fields: Any) -> Suggestion:
    return Suggestion({"rule": rule, "column": column.name, **fields, "action": "warn"}, evidence)


def _nulls(column: Seen) -> Suggestion | None:
    missing = column.rows - column.given
    if not missing:
        return _check("not_null", column, f"0 of {column.rows:,} rows are without a value")
    most = math.ceil((missing / column.rows * 1.5 + 0.01) * 100) / 100
    evidence = f"{missing:,} of {column.rows:,} rows are without a value"
    return _check("null_share", column, evidence, max=most) if most < 1 else None


def _unique(column: Seen) -> Suggestion | None:
    """Whole numbers and short texts that never repeat; other numbers and times do so by chance."""
    is_name = column.figures.get("mean", LONG_TEXT) < LONG_TEXT or column.figures.get("whole")
    repeats = column.figures["distinct"] < column.given
    return None if repeats or not is_name else _check("unique", column, f"{column.given:,} values, and none twice")


def _values(column: Seen) -> Suggestion | None:
    """What the values look like: a set, a form, a range or a length."""
    if column.values:
        evidence = f"{len(column.values)} values in {column.many}"
        return _check("in_set", column, evidence, values=list(column.values))
    if column.kind == "number":
        return _range(column)
    return _form(column) if column.kind == "text" else None


def _form(column: Seen) -> Suggestion:
    for form, pattern in FORMS.items():
        if column.figures[form] == column.given:
            return _check("regex", column, f"{form} in {column.many}", pattern=pattern)
    return _length(column)


def _length(column: Seen) -> Suggestion:
    shortest, longest = column.figures["shortest"], column.figures["longest"]
    bounds = {"min": max(1, shortest // 2), "max": int(_rounded(longest * 2, longest * 10, up=True))}
    return _check("length", column, f"{shortest:,} to {longest:,} characters in {column.many}", **bounds)


def _range(column: Seen) -> Suggestion | None:
    """From the 1st to the 99th percentile, half as much again at both ends, and at least to what there is."""
    low, high, q01, q99 = (float(column.figures[name]) for name in ("low", "high", "q01", "q99"))
    slack = (q99 - q01) / 2 or (high - low) / 2
    if not slack:
        return None
    least = _rounded(min(low, q01 - slack), slack, up=False)
    bounds = {"min": max(least, 0) if low >= 0 else least, "max": _rounded(max(high, q99 + slack), slack, up=True)}
    return _check("range", column, f"{low:,g} to {high:,g} in {column.many}", **bounds)


def _fresh(column: Seen, now: datetime) -> Suggestion | None:
    newest = column.figures.get("newest")
    if newest is None:
        return None
    if not isinstance(newest, datetime):
        newest = datetime.combine(newest, time())
    days = (now - (newest if newest.tzinfo else newest.replace(tzinfo=timezone.utc))).total_seconds() / 86_400
    evidence = f"the newest is {newest:%Y-%m-%d}, {days:.0f} days ago"
    age = f"{math.ceil(days * 1.5) + 1} days"
    return _check("freshness", column, evidence, max_age=age) if 0 <= days <= OLDEST_DAYS else None


def _rounded(bound: float, size: float, *, up: bool) -> float:
    """The bound away from the values, to two digits of what `size` is; whole numbers as such."""
    unit = 10.0 ** (math.floor(math.log10(size)) - 1)
    number = round((math.ceil if up else math.floor)(bound / unit) * unit, 12)
    return int(number) if float(number).is_integer() else number
