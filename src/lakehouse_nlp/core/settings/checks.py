"""The checks that a project can ask for, as frozen models: rules of rows, and rules of all the rows of a step.

`docs/checks.md` has an example of each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from lakehouse_nlp.core.settings.section import Section, Share

Action = Literal["warn", "quarantine", "fail"]
Value = str | int | float | bool


def _leave_room(bounds: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    low, high = bounds
    if low is None and high is None:
        raise ValueError("needs min, max or both")
    if low is not None and high is not None and low > high:
        raise ValueError(f"min {low:g} is above max {high:g}: no row can pass")
    return bounds


Bounds = Annotated[tuple[float | None, float | None], AfterValidator(_leave_room)]


class _Check(Section):
    """What every check has: the name it goes by in `ops.checks`, and the share that may break it."""

    name: str | None = None
    tolerance: Share | None = None

    @property
    def known_as(self) -> str:
        """The name it goes by: its own, or rule(column)."""
        return named(dict(self))


class _RowRule(_Check):
    """Holds or not for each row. Rows that break it are counted; `quarantine` sets them aside.

    `tolerance`: of the rows it looks at. Beyond it `warn` is told as failed, `fail` and `quarantine` stop the step;
    left out, it is 0 for `warn` and `fail`, and `quarantine` never stops.
    """

    action: Action = "quarantine"


class NotNull(_RowRule):
    """The column holds a value; for a string, one that is not blank."""

    rule: Literal["not_null"]
    column: str


class InSet(_RowRule):
    """The column's value, where there is one, is among `values`."""

    rule: Literal["in_set"]
    column: str
    values: tuple[Value, ...] = Field(min_length=1)


class _Bounds(Section):
    """Two bounds, of which one may be left out."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _bounds_leave_room(self) -> _Bounds:
        _leave_room((self.min, self.max))
        return self


class _CountBounds(_Bounds):
    """Two bounds of a number of things."""

    min: int | None = Field(None, ge=0)
    max: int | None = Field(None, ge=0)


class Range(_RowRule, _Bounds):
    """min <= value <= max, where there is a value; either bound may be left out."""

    rule: Literal["range"]
    column: str


class Length(_RowRule, _CountBounds):
    """min <= number of characters <= max, where there is a value; either bound may be left out."""

    rule: Literal["length"]
    column: str


class Regex(_RowRule):
    """The value, where there is one, matches the Java regular expression somewhere."""

    rule: Literal["regex"]
    column: str
    pattern: str


class Language(_RowRule):
    """The text, where it has `min_letters`, is in one of `languages`.

    Told by the share of its words that are stop words of the language, which is at least `min_share`; a language with
    a script of its own (Japanese, Greek …) is told by half of the letters being of that script.
    """

    rule: Literal["language"]
    column: str
    languages: tuple[str, ...] = Field(min_length=1)
    min_share: Share = 0.15
    min_letters: int = Field(40, ge=1)


class Referential(_RowRule):
    """The value, where there is one, is in a column of a table of the lake: `in: project.table.column`."""

    rule: Literal["referential"]
    column: str
    within: str = Field(alias="in")

    @field_validator("within")
    @classmethod
    def _names_a_column(cls, text: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\.[^.`]+", text):
            raise ValueError(f"must read as project.table.column, not {text!r}")
        return text

    @property
    def table(self) -> str:
        """project.table."""
        return self.within.rpartition(".")[0]

    @property
    def of(self) -> str:
        """The column there."""
        return self.within.rpartition(".")[2]


class Sql(_RowRule):
    """A Spark SQL condition over the declared columns that holds, or is null."""

    rule: Literal["sql"]
    where: str


class _TableRule(_Check):
    """Holds or not for all valid rows of a step together, so it can set no row aside.

    `tolerance`: of a bound, by which it may be missed (0.1: 110 passes where at most 100 is asked).
    """

    action: Literal["warn", "fail"] = "warn"


class Unique(_TableRule):
    """No two keys have the same values in `columns`; rows without a value in one of them do not count.

    `tolerance`: of the rows, that may repeat another's values.
    """

    rule: Literal["unique"]
    columns: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _one_column(cls, value: Any) -> Any:
        """`column: a` is short for `columns: [a]`."""
        if not isinstance(value, dict) or "columns" in value:
            return value
        return {"columns" if k == "column" else k: [v] if k == "column" else v for k, v in value.items()}


class RowCount(_TableRule, _CountBounds):
    """min <= number of valid rows of the step <= max."""

    rule: Literal["row_count"]


class NullShare(_TableRule):
    """At most this share of the valid rows has no value."""

    rule: Literal["null_share"]
    column: str
    max: Share


class Freshness(_TableRule):
    """The newest value of a date or timestamp column is no older than `max_age`: `36 hours`, `7 days`."""

    rule: Literal["freshness"]
    column: str
    max_age: str

    @field_validator("max_age")
    @classmethod
    def _is_an_age(cls, text: str) -> str:
        if not re.fullmatch(r"[1-9]\d* (minute|hour|day|week)s?", text):
            raise ValueError(f"must read as '36 hours' or '7 days', not {text!r}")
        return text

    @property
    def hours(self) -> float:
        """The age in hours."""
        number, unit = self.max_age.split()
        return timedelta(**{unit.removesuffix("s") + "s": int(number)}).total_seconds() / 3600


class Distribution(_TableRule):
    """Figures of the column's values lie between bounds, or their shares are near `expected`.

    `mean`, `std`, `quantiles` (0.5: median; 0 and 1: smallest and largest): [min, max], either may be null.
    `expected`: value -> share, with whatever else comes as one more class; `psi` is the population stability index
    that may be reached (0.1: little, 0.25: much has moved). Fewer than `min_rows` values say nothing.
    """

    rule: Literal["distribution"]
    column: str
    mean: Bounds | None = None
    std: Bounds | None = None
    quantiles: dict[str, Bounds] = Field({})
    expected: dict[str, Share] = Field({})
    psi: float = Field(0.2, gt=0)
    min_rows: int = Field(100, ge=1)

    @model_validator(mode="after")
    def _asks_for_something(self) -> Distribution:
        if not any((self.mean, self.std, self.quantiles, self.expected)):
            raise ValueError("needs mean, std, quantiles or expected")
        if self.expected and not 0.99 <= sum(self.expected.values()) <= 1.01:
            raise ValueError(f"the expected shares add up to {sum(self.expected.values()):g}, and must to 1")
        return self

    @field_validator("quantiles")
    @classmethod
    def _are_shares(cls, quantiles: dict[str, Bounds]) -> dict[str, Bounds]:
        for name in quantiles:
            if not re.fullmatch(r"0|1|1\.0|0?\.\d+", name):
                raise ValueError(f"a quantile is a number from 0 to 1, not {name!r}")
        return quantiles


RowRule = NotNull | InSet | Range | Length | Regex | Language | Referential | Sql
TableRule = Unique | RowCount | NullShare | Freshness | Distribution
Check = Annotated[RowRule | TableRule, Field(discriminator="rule")]


def named(fields: Mapping[str, Any]) -> str:
    """The name that a check with these fields goes by: its own, `rule(column)`, `sql(where)`, or its rule."""
    columns = fields.get("columns")
    several = ", ".join(map(str, columns)) if isinstance(columns, list | tuple) else ""
    of = fields.get("column") or fields.get("where") or several
    return str(fields.get("name") or (f"{fields.get('rule')}({of})" if of else fields.get("rule")))
