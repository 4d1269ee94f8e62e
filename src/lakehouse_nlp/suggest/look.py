"""What a table's columns hold: DuckDB over the Delta table, so no JVM is needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.settings import models

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_VALUES = 20
ROWS_A_VALUE = 5
LONG_TEXT = 40

# Forms that a text column may have all through, in what RE2 and Java both read. The first that fits is taken.
FORMS = {
    "e-mail addresses": r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "URLs": r"^https?://\S+$",
    "UUIDs": r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
    "ISO dates": r"^\d{4}-\d{2}-\d{2}$",
    "ISO times": r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}",
    "IP addresses": r"^\d{1,3}(\.\d{1,3}){3}$",
    "digits": r"^\d+$",
    "letters and digits, as ids have": r"^[A-Za-z]+[-_]?\d+$",
}


@dataclass(frozen=True)
class Seen:
    """A column as the table shows it.

    `kind`: number, text, time or other; `figures`: by the names of `_aggregates`; `values`: all of them, where they are
    few and seen often enough that there may be no others.
    """

    name: str
    kind: str
    rows: int
    figures: Mapping[str, Any]
    values: tuple[str | int, ...] = ()

    @property
    def given(self) -> int:
        """Rows that have a value."""
        return int(self.figures["given"])

    @property
    def many(self) -> str:
        """`990 of 1,000 rows`, or `1,000 rows` where all have a value."""
        return f"{self.given:,} of {self.rows:,} rows" if self.given < self.rows else f"{self.rows:,} rows"

    @property
    def is_set(self) -> bool:
        """Whether the values may be a set: few short texts, or whole numbers."""
        if not 0 < self.figures["distinct"] <= min(MOST_VALUES, self.given / ROWS_A_VALUE):
            return False
        return self.figures["mean"] < LONG_TEXT if self.kind == "text" else bool(self.figures.get("whole"))


def look(root: Path, table: str, declared: Mapping[str, models.Column]) -> tuple[int, int, list[Seen]]:
    """Rows, batches, and the declared columns that the table has.

    One aggregation, and a second for the values of columns that have few. A column that the table holds as another type
    than the declared one is of kind "other".
    """
    with duck.connect(root, [table]) as connection:
        types = {row[0]: row[1].lower() for row in connection.execute(f"DESCRIBE {table}").fetchall()}
        kinds = {name: _common(column.type, types[name]) for name, column in declared.items() if name in types}
        totals = {"rows": "count(*)", "batches": "count(DISTINCT _batch)" if "_batch" in types else "1"}
        rows, batches, *found = _aggregated(connection, table, [totals, *(_aggregates(n, k) for n, k in kinds.items())])
        figures = [_named(_aggregates(*column), found) for column in kinds.items()]
        seen = [Seen(name, kind, rows, f) for (name, kind), f in zip(kinds.items(), figures, strict=True)]
        return rows, batches, _with_values(connection, table, seen)


def _with_values(connection: DuckDBPyConnection, table: str, seen: Sequence[Seen]) -> list[Seen]:
    few = [column for column in seen if column.is_set]
    lists = {column.name: _distinct(_quoted(column.name)) for column in few}
    sets = _named(lists, _aggregated(connection, table, [lists]) if few else [])
    return [replace(column, values=tuple(map(_plain, sets.get(column.name, ())))) for column in seen]


def _distinct(column: str) -> str:
    return f"list_sort(list(DISTINCT {column}) FILTER ({column} IS NOT NULL))"


def _common(declared: str, found: str) -> str:
    kinds = {_kind(declared), _kind(found)}
    return kinds.pop() if len(kinds) == 1 else "other"


def _kind(name: str) -> str:
    """What sort of values a type of Spark or DuckDB holds."""
    plain = name.partition("(")[0]
    if plain in ("int", "integer", "bigint", "float", "double", "decimal"):
        return "number"
    if plain in ("string", "varchar"):
        return "text"
    return "time" if plain.startswith(("date", "timestamp")) else "other"


def _aggregates(name: str, kind: str) -> dict[str, str]:
    """Figure -> its SQL."""
    column = _quoted(name)
    found = {"given": f"count({column})", "distinct": f"count(DISTINCT {column})"}
    if kind == "time":
        return {**found, "newest": f"max({column})"}
    if kind == "number":
        value = f"{column}::DOUBLE"
        quantiles = {"q01": f"quantile_cont({value}, 0.01)", "q99": f"quantile_cont({value}, 0.99)"}
        ends = {"low": f"min({value})", "high": f"max({value})", "whole": f"bool_and({value} = floor({value}))"}
        return {**found, **ends, **quantiles}
    if kind == "text":
        lengths = {"shortest": f"min(length({column}))", "longest": f"max(length({column}))"}
        forms = {form: f"count_if(regexp_matches({column}, '{pattern}'))" for form, pattern in FORMS.items()}
        return {**found, **lengths, "mean": f"avg(length({column}))", **forms}
    return found


def _aggregated(connection: DuckDBPyConnection, table: str, groups: Iterable[Mapping[str, str]]) -> list[Any]:
    """The values of the aggregates, in their order."""
    asked = ", ".join(sql for group in groups for sql in group.values())
    row = connection.execute(f"SELECT {asked} FROM {table}").fetchone()
    if row is None:
        raise AssertionError(f"an aggregate has one row: {asked}")
    return list(row)


def _named(aggregates: Mapping[str, str], values: list[Any]) -> dict[str, Any]:
    """The aggregates' names with the first of the values, which are taken out."""
    return {name: values.pop(0) for name in aggregates}


def _plain(value: Any) -> str | int:
    """A value as YAML has it: whole numbers without a point."""
    return value if isinstance(value, str) else int(value)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
