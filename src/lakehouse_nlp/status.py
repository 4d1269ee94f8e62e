"""How a project stands: champion, tables, last run. Read from logs, ledgers and the registry; starts no Spark."""

from __future__ import annotations

from typing import Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import CHAMPION, Registry
from lakehouse_nlp.core.tables import Log

LAST_RUN = """
SELECT run_id, state, started_at, ended_at, error FROM ops.runs WHERE project = ? ORDER BY run_id DESC LIMIT 1
"""
STEPS = "SELECT * FROM ops.steps WHERE run_id = ? ORDER BY started_at"
STEP = ("stage", "state", "started_at", "ended_at", "seconds", "read", "written", "rejected", "note", "error")
USED = ("rows_per_second", "cpu_seconds", "peak_bytes", "bytes_read", "bytes_written", "price", "price_per_million")


def status(ctx: Context) -> dict[str, Any]:
    """`champion` (name, version, metrics), `tables` (SQL name -> rows, version), `last_run` (id, state, steps), and
    `data_docs`, the page of the last validation. What there is not yet is null, or empty.
    """
    page = ctx.folder / "quality" / "gx" / "uncommitted" / "data_docs" / "local_site" / "index.html"
    return {
        "project": ctx.settings.project,
        "champion": champion(ctx),
        "tables": tables(ctx),
        "last_run": last_run(ctx),
        "data_docs": str(page) if page.exists() else None,
    }


def champion(ctx: Context) -> dict[str, Any] | None:
    """The champion's name, version and figures."""
    registry = Registry(ctx)
    version = registry.alias(CHAMPION)
    if version is None:
        return None
    return {"name": version.name, "version": version.number, "metrics": registry.metrics(version)}


def tables(ctx: Context) -> dict[str, dict[str, int | None]]:
    """Rows and version of the project's tables and of `ops`."""
    found = duck.tables(ctx.root)
    mine = {name: Log(path) for name, path in found.items() if name.partition(".")[0] in (ctx.settings.project, "ops")}
    return {name: {"rows": log.rows(), "version": log.version()} for name, log in mine.items()}


def last_run(ctx: Context) -> dict[str, Any] | None:
    """The newest run and its steps, with what each used; times are ISO 8601 in UTC."""
    only = ["ops.runs", "ops.steps"]
    if not all(ctx.tables.log(table).exists for table in only):
        return None
    found = duck.rows(ctx.root, LAST_RUN, [ctx.settings.project], only=only)
    if not found:
        return None
    steps = duck.rows(ctx.root, STEPS, [found[0]["run_id"]], only=only)
    told = [_plain(_told(step)) for step in steps]
    return {"id": found[0].pop("run_id"), **_plain(found[0]), "currency": ctx.settings.cost.currency, "steps": told}


def _told(step: dict[str, Any]) -> dict[str, Any]:
    """A step with its seconds, rows a second, and the price of a million rows; runs of earlier releases lack what was
    used.
    """
    seconds, rows, price = (step["ended_at"] - step["started_at"]).total_seconds(), step["read"], step.get("price")
    step |= {"seconds": round(seconds, 1), "rows_per_second": round(rows / seconds) if rows and seconds else None}
    step["price_per_million"] = 1e6 * price / rows if rows and price is not None else None
    return {name: step.get(name) for name in (*STEP, *USED)}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
