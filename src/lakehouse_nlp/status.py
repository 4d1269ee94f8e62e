"""How a project stands: champion, tables, last run. Read from logs, ledgers and the registry; starts no Spark."""

from __future__ import annotations

from typing import Any

from lakehouse_nlp.core import actions, breaker, disk, duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.history import last_run
from lakehouse_nlp.core.pages import data_docs, written
from lakehouse_nlp.core.registry import CHAMPION, Registry
from lakehouse_nlp.core.tables import Log


def status(ctx: Context) -> dict[str, Any]:
    """`champion` (name, version, metrics), `tables` (SQL name -> rows, version), `last_run` (id, state, steps),
    `blocked`, why no run begins, `scoring_blocked`, why nothing is scored, `disk` (folder, bytes free and needed,
    state), and `data_docs`, the page of the last validation. What there is not is null, or empty.
    """
    return {
        "project": ctx.settings.project,
        "champion": champion(ctx),
        "tables": tables(ctx),
        "last_run": last_run(ctx),
        "blocked": breaker.blocked(ctx),
        "scoring_blocked": scoring_blocked(ctx),
        "data_docs": written(data_docs(ctx)),
        "disk": [{**vars(room), "state": room.state} for room in disk.rooms(ctx)],
    }


def champion(ctx: Context) -> dict[str, Any] | None:
    """The champion's name, version and figures."""
    registry = Registry(ctx)
    version = registry.alias(CHAMPION)
    if version is None:
        return None
    return {"name": version.name, "version": version.number, "metrics": registry.metrics(version)}


def scoring_blocked(ctx: Context) -> str | None:
    """Why nothing is scored, a line a verdict, and what opens it; None where scoring is free."""
    model = Registry(ctx).named(ctx.settings.score.models[0])
    why = actions.blocked(ctx, str(model)) if model else []
    return f"{actions.said(ctx, str(model), why)}\n  next: {actions.hint(ctx)}" if why else None


def tables(ctx: Context) -> dict[str, dict[str, int | None]]:
    """Rows and version of the project's tables and of `ops`."""
    found = duck.tables(ctx.root)
    mine = {name: Log(path) for name, path in found.items() if name.partition(".")[0] in (ctx.settings.project, "ops")}
    return {name: {"rows": log.rows(), "version": log.version()} for name, log in mine.items()}
