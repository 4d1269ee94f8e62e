"""What became of model versions: `ops.model_events`, by whom and why; what analysts are shown is its newest word."""

from __future__ import annotations

import getpass
import json
from collections.abc import Sequence
from dataclasses import dataclass

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import CHALLENGER, CHAMPION, Registry, Version

EVENTS = "ops.model_events"
# The event that `current_predictions` reads, and the word in place of an alias for it.
SHOWN, CURRENT = "shown", "current"
REFUSED = "refused"


@dataclass(frozen=True)
class Shown:
    """What `current_predictions` shows: a version, and for a `share` of the keys the version `canary`."""

    version: int
    canary: int | None = None
    share: float | None = None


def record(
    ctx: Context, version: Version, event: str, alias: str, previous: int | None, reasons: Sequence[str],
    once: tuple[str, int] | None = None, to: Shown | None = None,
) -> None:  # fmt: skip
    """Writes down what became of a version, by whom; `once`: as in `Tables.append_once`; `to`: what is to be shown."""
    test = Registry(ctx).metrics(version)["test"]
    row = (
        ctx.settings.project, ctx.run_id, version.name, version.number, event, alias, previous,
        json.dumps(list(reasons)), json.dumps(test), getpass.getuser(),
        to.canary if to else None, to.share if to else None,
    )  # fmt: skip
    ledger(ctx)
    ctx.tables.record(EVENTS, [row], once=once)


def ledger(ctx: Context) -> str:
    """The ledger's name in SQL, once it is there, with the columns that tables of earlier releases lack."""
    return ctx.tables.ensure(EVENTS, {"who": "string", "canary": "int", "share": "double"})


def last_champion(ctx: Context) -> int | None:
    """The version that the ledger has as champion, whatever the registry says; None where there never was one."""
    if not ctx.tables.log(EVENTS).rows():
        return None
    query = f"""SELECT version FROM {EVENTS} WHERE project = ? AND alias = '{CHAMPION}'
                ORDER BY recorded_at DESC, version DESC LIMIT 1"""
    found = duck.rows(ctx.root, query, [ctx.settings.project], only=[EVENTS])
    return int(found[0]["version"]) if found else None


def refused_challenger(ctx: Context, number: int) -> bool:
    """Whether it was the gate's refusal that made the version challenger, and nobody has promoted it since.

    Where a person moved the alias in MLflow, the ledger's last challenger is another version.
    """
    if not ctx.tables.log(EVENTS).rows():
        return False
    query = f"""SELECT version, event FROM {EVENTS}
                WHERE project = $project AND (alias = '{CHALLENGER}' OR alias = '{CHAMPION}' AND version = $number)
                ORDER BY recorded_at DESC LIMIT 1"""
    found = duck.rows(ctx.root, query, {"project": ctx.settings.project, "number": number}, only=[EVENTS])
    return [tuple(row.values()) for row in found] == [(number, REFUSED)]


def shown(ctx: Context) -> list[Shown]:
    """What `current_predictions` shows now, and what it showed before, newest first."""
    if not ctx.tables.log(EVENTS).rows():
        return []
    query = f"SELECT * FROM {EVENTS} WHERE project = ? AND event = '{SHOWN}' ORDER BY recorded_at DESC"
    found = duck.rows(ctx.root, query, [ctx.settings.project], only=[EVENTS])
    return [Shown(row["version"], row["canary"], row["share"]) for row in found]
