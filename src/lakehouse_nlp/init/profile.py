"""What is in a data file: its columns, with the types silver could cast them to without losing a value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.settings.crosschecks import is_table_name
from lakehouse_nlp.init.files import data_file
from lakehouse_nlp.init.reader import sample, verify

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SHOWN_VALUES = 10
_SAFE_DIGITS = 15  # longer ones are numbers of things, not amounts: they stay text

# Spark's pattern, DuckDB's, and what the text looks like: both parsers take more than is meant.
_DATES = (
    ("MMMM d, yyyy", "%B %d, %Y", r"[A-Za-z]+ \d{1,2}, \d{4}"),
    ("MMM d, yyyy", "%b %d, %Y", r"[A-Za-z]{3} \d{1,2}, \d{4}"),
    ("d MMMM yyyy", "%d %B %Y", r"\d{1,2} [A-Za-z]+ \d{4}"),
    ("d MMM yyyy", "%d %b %Y", r"\d{1,2} [A-Za-z]{3} \d{4}"),
    ("d.M.yyyy", "%d.%m.%Y", r"\d{1,2}\.\d{1,2}\.\d{4}"),
    ("yyyy/M/d", "%Y/%m/%d", r"\d{4}/\d{1,2}/\d{1,2}"),
    ("d/M/yyyy", "%d/%m/%Y", r"\d{1,2}/\d{1,2}/\d{4}"),
    ("M/d/yyyy", "%m/%d/%Y", r"\d{1,2}/\d{1,2}/\d{4}"),
)
_WHOLE = r"-?(0|[1-9]\d*)"
_NUMBER = r"-?(0|[1-9]\d*)?(\.\d*)?([eE][-+]?\d+)?"
_DAY = r"\d{4}-\d{2}-\d{2}"
_CLOCK = r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[-+]\d{2}:?\d{2})?"


@dataclass(frozen=True)
class ColumnProfile:
    """A column of a file, as its sample shows it.

    `name`: as a table can have it; `source`: as the file has it; `type`, `format`: as in a project's `columns`;
    `empty`: share of rows without a value, 0 to 1; `mean_length`: characters; `low`, `high`: of numbers;
    `values`: the commonest, first come most frequent, at most ten.
    """

    name: str
    source: str
    type: str
    format: str | None
    rows: int
    empty: float
    distinct: int
    mean_length: float
    low: float | None
    high: float | None
    values: tuple[str, ...]

    @property
    def unique(self) -> float:
        """Distinct values by rows that have one, 0 to 1."""
        return self.distinct / max(1.0, self.rows * (1 - self.empty))


@dataclass(frozen=True)
class Profile:
    """A file's columns, over `rows` rows drawn from all of it. `unnamed`: how many columns have no name."""

    path: Path
    rows: int
    columns: tuple[ColumnProfile, ...]
    unnamed: int = 0


def profile(path: Path) -> Profile:
    """Looks at a CSV, TSV, JSON, JSON Lines or Parquet file, plain or (but for Parquet) packed by gzip.

    Raises:
        UsageError: no such file, a folder, or an unknown format.
        DataError: an empty or broken file, text that is not UTF-8, no rows, no column with a name.

    """
    file = data_file(path)
    verify(file)
    connection, sources, types = sample(file)
    with connection:
        rows = _rows(connection) if sources else 0
        if rows == 0:
            raise DataError(f"no rows: {path}", hint="give a file with a header and rows, or with JSON objects")
        named = [i for i, source in enumerate(sources) if source.strip()]
        names = _table_names([sources[i] for i in named])
        columns = tuple(_column(connection, i, sources[i], names[sources[i]], types[i]) for i in named)
    if not columns:
        raise DataError(f"no column has a name: {path}", hint="give the file a header")
    return Profile(path, rows, columns, len(sources) - len(named))


def _rows(connection: DuckDBPyConnection) -> int:
    found = connection.execute("select count(*) from sample").fetchone()
    return int(found[0]) if found else 0


def _table_names(sources: Sequence[str]) -> dict[str, str]:
    """The file's names -> names that tables take and Spark tells apart."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for source in sources:
        name = source if is_table_name(source) else re.sub(r"\W+", "_", source).strip("_").lower() or "column"
        free = (candidate for n in range(1, len(sources) + 2) if (candidate := f"{name}_{n}" if n > 1 else name))
        names[source] = next(candidate for candidate in free if candidate.casefold() not in taken)
        taken.add(names[source].casefold())
    return names


def _column(connection: DuckDBPyConnection, place: int, source: str, name: str, native: str) -> ColumnProfile:
    # Each distinct value once: what follows then costs little for columns of few values.
    counted = f"select nullif(trim(c{place}), '') as v, count(*) as n from sample group by all"
    connection.execute(f"create or replace temp table counted as {counted}")
    wanted = "coalesce(sum(n), 0), count(*), coalesce(sum(n * length(v)) / sum(n), 0)"
    bounds = "min(try_cast(v as double)), max(try_cast(v as double))"
    query = f"select {wanted}, {bounds} from counted where v is not null"
    filled, distinct, length, low, high = _one(connection, query)
    kind, pattern = _typed(native) or (_told(connection) if distinct else ("string", None))
    if kind not in ("int", "bigint", "double") and not kind.startswith("decimal"):
        low = high = None
    rows, values = _rows(connection), _commonest(connection)
    empty = 1 - int(filled) / rows
    return ColumnProfile(name, source, kind, pattern, rows, empty, distinct, float(length), low, high, values)


def _commonest(connection: DuckDBPyConnection) -> tuple[str, ...]:
    query = f"select v from counted where v is not null order by n desc, v limit {SHOWN_VALUES}"
    return tuple(str(row[0]) for row in connection.execute(query).fetchall())


def _typed(native: str) -> tuple[str, None] | None:
    """The type of a column of a typed file; None if it is text there too."""
    decimal = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", native)
    if decimal:
        return f"decimal({decimal[1]},{decimal[2]})", None
    if native.startswith("TIMESTAMP"):
        return "timestamp", None
    kinds = {"BIGINT": "bigint", "UINTEGER": "bigint", "FLOAT": "double", "DOUBLE": "double"}
    kinds |= dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT"), "int")
    kinds |= {"BOOLEAN": "boolean", "DATE": "date"}
    return (kinds[native], None) if native in kinds else None


def _told(connection: DuckDBPyConnection) -> tuple[str, str | None]:
    """The type that every counted value has, and the pattern of dates; string if they share none."""
    tests = [
        f"regexp_full_match(v, '{_WHOLE}')",
        f"regexp_full_match(v, '{_NUMBER}') and try_cast(v as double) is not null",
        "lower(v) in ('true', 'false')",
        f"regexp_full_match(v, '{_DAY}') and try_cast(v as date) is not null",
        f"regexp_full_match(v, '{_CLOCK}') and try_cast(v as timestamp) is not null",
        *(f"regexp_full_match(v, '{look}') and try_strptime(v, '{duck}') is not null" for _, duck, look in _DATES),
    ]
    asked = ", ".join(f"bool_and({test})" for test in tests)
    query = f"select max(length(v)), {asked} from counted where v is not null"
    longest, whole, number, truth, day, clock, *patterns = _one(connection, query)
    if number:
        return _number(whole, longest), None
    if truth or day or clock:
        return "boolean" if truth else "date" if day else "timestamp", None
    meant = [spark for (spark, _, _), fits in zip(_DATES, patterns, strict=True) if fits]
    # 03/04/2005 is two days in two countries: what fits both is left as text.
    return ("date", meant[0]) if meant and not set(meant) >= {"d/M/yyyy", "M/d/yyyy"} else ("string", None)


def _number(whole: bool, longest: int) -> str:
    if whole and longest > _SAFE_DIGITS:
        return "string"
    return "double" if not whole else "int" if longest < 9 else "bigint"


def _one(connection: DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    if row is None:
        raise AssertionError(f"an aggregate has one row: {query}")
    return tuple(row)
