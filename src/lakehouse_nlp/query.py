"""A query over the lake's tables, by DuckDB without a JVM or by Spark."""

from __future__ import annotations

from typing import Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError


def answer(ctx: Context, query: str, engine: str = "duckdb") -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows. Raises UsageError with the engine's own words where the query is wrong."""
    return _duckdb(ctx, query) if engine == "duckdb" else _spark(ctx, query)


def _duckdb(ctx: Context, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    import duckdb

    with duck.connect(ctx.root) as connection:
        try:
            cursor = connection.execute(query)
        except duckdb.Error as error:
            known = ", ".join(sorted(duck.tables(ctx.root))) or "none yet: lakehouse-nlp run"
            raise UsageError(str(error), hint=f"tables are {known}") from error
        return [column[0] for column in cursor.description or []], cursor.fetchall()


def _spark(ctx: Context, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    from pyspark.errors import PySparkException

    try:
        frame = ctx.tables.attach_all().sql(query)
        return frame.columns, [tuple(row) for row in frame.collect()]
    except PySparkException as error:
        raise UsageError(
            str(error).splitlines()[0],
            hint='lakehouse-nlp sql --engine spark "show tables in ' + ctx.settings.project + '"',
        ) from error
