"""What the record says of runs: read by DuckDB, for people and programs. Starts no Spark."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.pages import report_page, written
from lakehouse_nlp.core.settings.words import did_you_mean
from lakehouse_nlp.core.telemetry.logs import place

TABLES = ["ops.runs", "ops.steps"]
RUNS = "SELECT * FROM ops.runs WHERE project = ? ORDER BY run_id DESC LIMIT ?"
ONE = "SELECT * FROM ops.runs WHERE project = ? AND run_id = ?"
STEPS = "SELECT * FROM ops.steps WHERE project = ? AND run_id = ? ORDER BY started_at"
RUN = ("state", "env", "stages", "code", "started_at", "ended_at", "seconds", "error")
STEP = ("stage", "state", "tries", "started_at", "ended_at", "seconds", "read", "written", "rejected", "note", "error")
USED = ("rows_per_second", "cpu_seconds", "peak_bytes", "bytes_read", "bytes_written", "price", "price_per_million")


def runs(ctx: Context, last: int) -> list[dict[str, Any]]:
    """The newest runs, newest first: id, state, times (ISO 8601, UTC), seconds and error."""
    return [_run(row) for row in _asked(ctx, RUNS, last)]


def run(ctx: Context, run_id: str) -> dict[str, Any]:
    """A run, its log's place, its page, if that was written, its steps and what each used.

    Raises UsageError where the project had no such run.
    """
    found = _asked(ctx, ONE, run_id)
    if not found:
        known = [each["id"] for each in runs(ctx, 1000)]
        guess = did_you_mean(run_id, known) or (f"; the last was {known[0]}" if known else "; it never ran")
        raise UsageError(f"{ctx.settings.project} had no run {run_id!r}{guess}", hint="lakehouse-nlp runs")
    steps = [_step(row) for row in duck.rows(ctx.root, STEPS, [ctx.settings.project, run_id], only=TABLES)]
    log, page = place(ctx, run_id), written(report_page(ctx, run_id))
    told = {"log": str(log) if log.exists() else None, "report": page, "currency": ctx.settings.cost.currency}
    return {**_run(found[0]), **told, "steps": steps}


def last_run(ctx: Context) -> dict[str, Any] | None:
    """The newest run, as `run` tells it; None before the first."""
    newest = runs(ctx, 1)
    return run(ctx, newest[0]["id"]) if newest else None


def _asked(ctx: Context, query: str, value: object) -> list[dict[str, Any]]:
    if not all(ctx.tables.log(table).exists for table in TABLES):
        return []
    return duck.rows(ctx.root, query, [ctx.settings.project, value], only=TABLES)


def _run(row: dict[str, Any]) -> dict[str, Any]:
    row["seconds"] = round((row["ended_at"] - row["started_at"]).total_seconds(), 1) if row["ended_at"] else None
    return {"id": row["run_id"], **_plain(row, RUN)}


def _step(row: dict[str, Any]) -> dict[str, Any]:
    """A step with its seconds, rows a second, and the price of a million rows; runs of earlier releases lack what was
    used.
    """
    seconds, rows, price = (row["ended_at"] - row["started_at"]).total_seconds(), row["read"], row.get("price")
    row |= {"seconds": round(seconds, 1), "rows_per_second": round(rows / seconds) if rows and seconds else None}
    row["price_per_million"] = 1e6 * price / rows if rows and price is not None else None
    return _plain(row, (*STEP, *USED))


def _plain(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    values = ((name, row.get(name)) for name in names)
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values}
