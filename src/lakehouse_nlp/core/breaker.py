"""The circuit breaker: runs that fail in a row block their project until a person opens it again, and says why.

Runs that were cancelled, lost or had nothing to do say nothing about a project, and are passed over; so are
`maintain` and `replay`, which run no stage.
"""

from __future__ import annotations

import getpass
import json
from dataclasses import dataclass
from typing import Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.alerts import alert
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import BlockedError, UsageError
from lakehouse_nlp.core.lease import lease

TABLE, RUNS = "ops.breaker", "ops.runs"
FAILED = ("failed", "timed_out")
ENDED = f"""
SELECT run_id, state, error FROM {RUNS} WHERE project = ? AND state IN ('done', 'rejected', 'failed', 'timed_out')
    AND stages NOT IN ('maintain', 'replay')
ORDER BY run_id DESC LIMIT ?
"""
LAST = f"SELECT * FROM {TABLE} WHERE project = ? ORDER BY number DESC LIMIT 1"


@dataclass(frozen=True)
class Event:
    """A project's last block or opening, and the runs that had failed, newest first."""

    number: int
    blocked: bool
    runs: tuple[dict[str, Any], ...]


def last(ctx: Context) -> Event | None:
    """The project's last event; None where it was never blocked."""
    if not ctx.tables.log(TABLE).exists:
        return None
    found = duck.rows(ctx.root, LAST, [ctx.settings.project], only=[TABLE])
    return (
        Event(found[0]["number"], found[0]["event"] == "blocked", tuple(json.loads(found[0]["runs"])))
        if found
        else None
    )


def refuse(ctx: Context) -> None:
    """Raises BlockedError where the project is blocked, naming the runs and their reasons."""
    if said := blocked(ctx):
        raise BlockedError(said, hint=_unblock(ctx))


def blocked(ctx: Context) -> str | None:
    """Why the project is blocked: its runs and their reasons, a line each; None where it is not."""
    event = last(ctx)
    return _said(ctx, event.runs) if event and event.blocked else None


def trip(ctx: Context) -> None:
    """Blocks the project where as many runs as the settings say have failed in a row, and alerts whoever is named."""
    after, event = ctx.settings.runs.breaker.after, last(ctx)
    if after is None or (event and event.blocked) or not ctx.tables.log(RUNS).exists:
        return
    runs = _streak(ctx, after, event)
    if len(runs) >= after:
        _write(ctx, Event((event.number if event else 0) + 1, True, runs))
        alert(ctx, "critical", _said(ctx, runs), _unblock(ctx), contact="security")


def unblock(ctx: Context, why: str) -> tuple[dict[str, Any], ...]:
    """Opens the project again; the runs that had blocked it. Raises UsageError where it is not blocked."""
    if not why.strip():
        raise UsageError("--why is empty", hint="say what was wrong, and what was done about it")
    with lease(ctx):
        event = last(ctx)
        if event is None or not event.blocked:
            raise UsageError(f"{ctx.settings.project} is not blocked", hint="lakehouse-nlp runs")
        ctx.sign("unblock")
        _write(ctx, Event(event.number + 1, False, event.runs), getpass.getuser(), why.strip())
    return event.runs


def _streak(ctx: Context, after: int, event: Event | None) -> tuple[dict[str, Any], ...]:
    """The newest runs up to one that did not fail, or that was counted before the project was last opened."""
    known = {run["run_id"] for run in event.runs} if event else set()
    streak = []
    for run in duck.rows(ctx.root, ENDED, [ctx.settings.project, after], only=[RUNS]):
        if run["state"] not in FAILED or run["run_id"] in known:
            break
        streak.append(run)
    return tuple(streak)


def _write(ctx: Context, event: Event, who: str | None = None, why: str | None = None) -> None:
    if not ctx.tables.log(TABLE).exists:
        ctx.tables.ensure(TABLE)
    what, runs = "blocked" if event.blocked else "unblocked", json.dumps(event.runs)
    ctx.tables.record(TABLE, [(ctx.settings.project, event.number, what, runs, who, why, ctx.clock())])


def _said(ctx: Context, runs: tuple[dict[str, Any], ...]) -> str:
    told = "".join(f"\n  {run['run_id']} {run['state']}: {_first(run['error'])}" for run in runs)
    return f"{ctx.settings.project} is blocked: {len(runs)} runs in a row failed{told}"


def _first(error: str | None) -> str:
    return (error or "it left no words").partition("\n")[0]


def _unblock(ctx: Context) -> str:
    return f'lakehouse-nlp unblock --project {ctx.settings.project} --why "what was done about it"'
