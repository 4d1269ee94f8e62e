"""Moves of the aliases, each with a row of `ops.model_events`: who, why, from what to what."""

from __future__ import annotations

import getpass
import json
from collections.abc import Sequence

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.lease import lease
from lakehouse_nlp.core.registry import CHAMPION, PREVIOUS, Registry, Version
from lakehouse_nlp.register.export import export

EVENTS = "ops.model_events"


def promote(ctx: Context, number: int, why: str) -> Version:
    """Makes a version champion, gate or no gate. Raises UsageError where there is none, or it is champion already."""
    with lease(ctx):
        registry = Registry(ctx)
        version, champion = registry.get(number), registry.alias(CHAMPION)
        if champion and champion.number == number:
            raise UsageError(f"{version} is champion already", hint="lakehouse-nlp models")
        return _crowned(ctx, registry, version, champion, "promoted by hand", why)


def rollback(ctx: Context, why: str) -> Version:
    """Makes the version that was champion before champion again. Raises UsageError where there is none."""
    with lease(ctx):
        registry = Registry(ctx)
        champion, before = registry.alias(CHAMPION), registry.alias(PREVIOUS)
        if champion is None or before is None or champion.number == before.number:
            raise UsageError(
                f"model {registry.name} has no champion before this one",
                hint="lakehouse-nlp models; lakehouse-nlp promote N",
            )
        return _crowned(ctx, registry, before, champion, "rolled back", why)


def move(registry: Registry, version: Version, champion: Version | None) -> None:
    """The alias `champion` to the version, and `previous` to the one that had it, which comes first."""
    if champion:
        registry.client.set_registered_model_alias(registry.name, PREVIOUS, str(champion.number))
    registry.client.set_registered_model_alias(registry.name, CHAMPION, str(version.number))


def last_champion(ctx: Context) -> int | None:
    """The version that the ledger has as champion, whatever the registry says; None where there never was one."""
    if not ctx.tables.log(EVENTS).rows():
        return None
    query = f"""SELECT version FROM {EVENTS} WHERE project = ? AND alias = '{CHAMPION}'
                ORDER BY recorded_at DESC, version DESC LIMIT 1"""
    found = duck.rows(ctx.root, query, [ctx.settings.project], only=[EVENTS])
    return int(found[0]["version"]) if found else None


def record(
    ctx: Context, version: Version, event: str, alias: str, previous: Version | None, reasons: Sequence[str],
    once: tuple[str, int] | None = None,
) -> None:  # fmt: skip
    """Writes down what became of a version, by whom; `once`: as in `Tables.append_once`."""
    test = Registry(ctx).metrics(version)["test"]
    row = (
        ctx.settings.project, ctx.run_id, version.name, version.number, event, alias,
        previous.number if previous else None, json.dumps(list(reasons)), json.dumps(test), getpass.getuser(),
    )  # fmt: skip
    ctx.tables.ensure(EVENTS, {"who": "string"})  # which tables of earlier releases lack
    ctx.tables.record(EVENTS, [row], once=once)


def _crowned(
    ctx: Context, registry: Registry, version: Version, champion: Version | None, event: str, why: str
) -> Version:
    ctx.sign("register")
    move(registry, version, champion)
    export(ctx, version)
    record(ctx, version, event, CHAMPION, champion, [why])
    return version
