"""SQL over the lake's tables in DuckDB: no JVM, no server, no lock, and the names that Spark SQL uses."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse_nlp.core.views import views

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

# What a sort holds in memory.
SORTED_IN = "512MB"
# How a view begins that asks for what is shown, and how it asks.
SHOWN = re.compile(r"^WITH shown AS \((.*?)^\)\n", re.DOTALL | re.MULTILINE)
ASKED = re.compile(r"\(SELECT (\w+) FROM shown\)")


def tables(root: Path) -> dict[str, Path]:
    """SQL name -> folder of every Delta table in the lake."""
    logs = sorted(root.glob("*/tables/*/_delta_log"))
    return {f"{log.parents[2].name}.{log.parent.name}": log.parent for log in logs if any(log.glob("*.json"))}


def connect(root: Path, only: Iterable[str] | None = None) -> DuckDBPyConnection:
    """A connection to DuckDB in memory, with the newest version of every table and the views of `sql/`. These have what
    is shown when the connection is made: who asks later makes another.

    `only`: just these tables, and no views.
    """
    connection = _connection()
    found = tables(root)
    for name, path in found.items():
        if only is None or name in only:
            schema, _, table = name.partition(".")
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            connection.execute(f'CREATE VIEW "{schema}"."{table}" AS SELECT * FROM {scan(path)}')
    if only is None:
        for project in {name.partition(".")[0] for name in found} - {"ops"}:
            _make_views(connection, project, set(found))
    return connection


def of_project(root: Path, project: str, versions: Mapping[str, int]) -> DuckDBPyConnection:
    """The same for one project alone: its tables, of those of `ops` its rows, and its views.

    `versions`: SQL name -> version, of those tables that there are to be.
    """
    connection = _connection()
    found = tables(root)
    for name, version in versions.items():
        schema, _, table = name.partition(".")
        whose = f" WHERE project = '{project}'" if schema == "ops" else ""
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        connection.execute(f'CREATE VIEW "{schema}"."{table}" AS SELECT * FROM {scan(found[name], version)}{whose}')
    _make_views(connection, project, set(versions))
    return connection


def _make_views(connection: DuckDBPyConnection, project: str, found: set[str]) -> None:
    import duckdb

    for view, query in views(project, found, "duckdb"):
        with suppress(duckdb.BinderException):  # columns of a later release, which the next run adds
            connection.execute(f"CREATE VIEW {view} AS {_with_shown(connection, query)}")


def _with_shown(connection: DuckDBPyConnection, query: str) -> str:
    """The query with what is shown now as literals: a condition on a subquery would skip no file."""
    import duckdb

    if (shown := SHOWN.search(query)) is None:
        return query
    try:
        cursor = connection.execute(shown[1])
    except duckdb.IOException:  # files are missing: told to those who ask for the view, not to all others
        return query
    names = [column[0] for column in cursor.description or []]
    values = dict(zip(names, cursor.fetchone() or [None] * len(names), strict=True))
    return ASKED.sub(lambda asked: _literal(values[asked[1]]), query.replace(shown[0], ""))


def _literal(value: int | str | None) -> str:
    return "NULL" if value is None else f"'{value}'" if isinstance(value, str) else str(value)


def scan(path: Path, version: int | None = None) -> str:
    """The table in a folder, for FROM, as of a version or as it is now."""
    location = path.resolve().as_uri().replace("'", "''")  # as a plain path, DuckDB decodes its %
    return f"delta_scan('{location}')" if version is None else f"delta_scan('{location}', version => {version})"


def rows(
    root: Path, query: str, parameters: list[Any] | dict[str, Any] | None = None, only: Iterable[str] | None = None
) -> list[dict[str, Any]]:
    """The answer to a query, a dict a row."""
    with connect(root, only) as connection:
        cursor = connection.execute(query, parameters or [])
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def batches(
    path: Path, version: int | None, query: str, parameters: Sequence[Any] = (), rows: int = 15_000
) -> Iterator[pa.RecordBatch]:
    """The answer to a query over `{table}`, the Delta table in this folder as of a version, in Arrow batches.

    Only the files and columns that the query asks for are read; what is sorted goes to disk beyond `SORTED_IN`.
    """
    with _connection() as connection, tempfile.TemporaryDirectory(prefix="lakehouse-nlp-sort-") as folder:
        connection.execute(f"SET memory_limit = '{SORTED_IN}'; SET temp_directory = '{folder}'")
        found = connection.execute(query.format(table=scan(path, version)), list(parameters))
        yield from found.to_arrow_reader(rows)


def _connection() -> DuckDBPyConnection:
    import duckdb
    from duckdb_extensions import import_extension

    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    import_extension("delta", con=connection)
    connection.execute("LOAD delta; SET TimeZone = 'UTC'")
    return connection
