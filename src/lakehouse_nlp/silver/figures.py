"""Rules over all valid rows of a step: what each sums up, in the step's one aggregation, and its figures from that."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timezone
from functools import partial
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse_nlp.core.settings.checks import Bounds, Distribution, Freshness, NullShare, RowCount, TableRule, Unique

PERCENTILE_ACCURACY = 10_000
SMALLEST_SHARE = 1e-4


@dataclass(frozen=True)
class Figure:
    """A figure and the bounds it has to keep; None is no bound, and no value keeps none.

    `part`, `of`: where it is a share of rows, of how many it is which.
    """

    name: str
    value: float | None
    min: float | None = None
    max: float | None = None
    part: int | None = None
    of: int | None = None

    def __str__(self) -> str:
        low, high = self.min, self.max
        ends = f"at most {high:g}" if high is not None else f"at least {low:g}" if low is not None else ""
        wanted = f"from {low:g} to {high:g}" if low is not None and high is not None else ends
        said = f"{self.name} is {'nothing' if self.value is None else f'{self.value:g}'}"
        return said if low is None and high is None else f"{said}, and is to be {wanted}"

    def bounds(self, tolerance: float) -> Bounds:
        """The bounds, wider by the tolerance: of the rows for a share of rows, else of the bound."""
        low, high = self.min, self.max
        slack = partial(_slack, tolerance, self.of is not None)
        return None if low is None else low - slack(low), None if high is None else high + slack(high)

    def keeps(self, tolerance: float = 0) -> bool:
        """Whether the value lies between the bounds."""
        low, high = self.bounds(tolerance)
        value = self.value
        return value is not None and (low is None or value >= low) and (high is None or value <= high)


@dataclass(frozen=True)
class Step:
    """What rules of figures know beside their sums: the step's valid rows, and the time, in UTC."""

    valid: int
    now: datetime


@dataclass(frozen=True)
class Summary:
    """The sums that a rule needs, as aggregates, and its figures from them; no figures: too little to say anything."""

    sums: Mapping[str, Column]
    figures: Callable[[Mapping[str, Any], Step], Sequence[Figure]]


def share(name: str, part: int, of: int, most: float | None = 0) -> Figure:
    """A share of rows, of which at most `most` is wanted; None: any is."""
    return Figure(name, part / max(of, 1), None, most, part, of)


def summary(check: TableRule, typed: Mapping[str, Column], valid: Column, key: Column) -> Summary:
    """How the rule is summed up over the rows for which `valid` holds. `typed`: column -> its value."""
    if check.rule == "row_count":
        return _row_count(check)
    if check.rule == "unique":
        return _unique(check, [typed[name] for name in check.columns], valid, key)
    column = F.when(valid, typed[check.column])
    if check.rule == "null_share":
        return _null_share(check, column)
    return _freshness(check, column) if check.rule == "freshness" else _distribution(check, column)


def _row_count(check: RowCount) -> Summary:
    return Summary({}, lambda sums, step: [Figure("rows valid", step.valid, check.min, check.max)])


def _unique(check: Unique, columns: Sequence[Column], valid: Column, key: Column) -> Summary:
    """Rows of one key are versions of one row: what counts is keys with the same values."""
    for column in columns:
        valid = valid & column.isNotNull()
    pairs, values = (F.countDistinct(F.when(valid, F.struct(*fields))) for fields in ([key, *columns], columns))
    name = f"share of keys that repeat {', '.join(check.columns)} of another"
    return Summary(
        {"pairs": pairs, "values": values},
        lambda sums, step: [share(name, sums["pairs"] - sums["values"], sums["pairs"])],
    )


def _null_share(check: NullShare, column: Column) -> Summary:
    name = f"null share of {check.column}"
    return Summary(
        {"given": F.count(column)},
        lambda sums, step: [share(name, step.valid - sums["given"], step.valid, check.max)],
    )


def _freshness(check: Freshness, column: Column) -> Summary:
    name = f"age of the newest {check.column} in hours"
    return Summary(
        {"newest": F.max(column)}, lambda sums, step: [Figure(name, _age(sums["newest"], step.now), None, check.hours)]
    )


def _distribution(check: Distribution, column: Column) -> Summary:
    asked = _moments(check)
    moments = {name: aggregate(column) for name, (aggregate, _) in asked.items()}
    seen = {f"is {value}": F.count(F.when(column == F.lit(value), 1)) for value in check.expected}

    def figures(sums: Mapping[str, Any], step: Step) -> list[Figure]:
        if sums["rows"] < check.min_rows:
            return []
        found = [Figure(f"{name} of {check.column}", _number(sums[name]), *b) for name, (_, b) in asked.items()]
        return found + ([_drift(check, sums["rows"], [sums[name] for name in seen])] if seen else [])

    return Summary({"rows": F.count(column), **moments, **seen}, figures)


def _moments(check: Distribution) -> dict[str, tuple[Callable[[Column], Column], Bounds]]:
    """Figure -> its aggregate and its bounds, of those that are asked for."""
    asked = {"mean": (F.avg, check.mean), "standard deviation": (F.stddev, check.std)}
    asked |= {f"quantile {at}": (partial(_quantile, float(at)), bounds) for at, bounds in check.quantiles.items()}
    return {name: (aggregate, bounds) for name, (aggregate, bounds) in asked.items() if bounds}


def _quantile(at: float, column: Column) -> Column:
    return F.percentile_approx(column, at, PERCENTILE_ACCURACY)


def _drift(check: Distribution, rows: int, seen: Sequence[int]) -> Figure:
    wanted = [*check.expected.values(), 1 - sum(check.expected.values())]
    found = [count / rows for count in (*seen, rows - sum(seen))]
    return Figure(f"stability index of {check.column}", stability(wanted, found), None, check.psi)


def stability(wanted: Sequence[float], found: Sequence[float]) -> float:
    """The population stability index of two lists of shares; a share of nothing counts as one of 10,000.

    Siddiqi, "Credit Risk Scorecards" (2006): under 0.1 little has moved, over 0.25 much.
    """
    pairs = [(max(a, SMALLEST_SHARE), max(b, SMALLEST_SHARE)) for a, b in zip(wanted, found, strict=True)]
    return sum((b - a) * math.log(b / a) for a, b in pairs)


def _slack(tolerance: float, absolute: bool, bound: float) -> float:
    return tolerance if absolute else tolerance * abs(bound)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _age(newest: date | None, now: datetime) -> float | None:
    """Hours; a day counts from its start, and times come from Spark without a zone, in that of the process."""
    if newest is None:
        return None
    if not isinstance(newest, datetime):
        newest = datetime.combine(newest, time(), timezone.utc)
    return (now - newest.astimezone(timezone.utc)).total_seconds() / 3600
