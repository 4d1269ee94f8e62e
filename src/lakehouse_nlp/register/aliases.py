"""Moves of the aliases, each with a row of `ops.model_events`: who, why, from what to what."""

from __future__ import annotations

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.events import CURRENT, SHOWN, Shown, record, shown
from lakehouse_nlp.core.lease import lease
from lakehouse_nlp.core.registry import CHAMPION, PREVIOUS, Registry, Version
from lakehouse_nlp.register.export import export
from lakehouse_nlp.score import whole


def promote(ctx: Context, number: int, why: str) -> Version:
    """Makes a version champion, gate or no gate. Raises UsageError where there is none, or it is champion already."""
    with lease(ctx):
        registry = Registry(ctx)
        version, champion = registry.get(number), registry.alias(CHAMPION)
        if champion and champion.number == number:
            raise UsageError(f"{version} is champion already", hint="lakehouse-nlp models")
        return _crowned(ctx, registry, version, champion, "promoted by hand", why)


def rollback(ctx: Context, why: str) -> Version:
    """Makes the version that was champion before champion again. Raises UsageError where there is none.

    Where `current_predictions` shows the champion, and has shown the other before, it is switched back at once if that
    one lacks no row of gold; else by the next run of `score`, which scores them, and this is said.
    """
    with lease(ctx):
        registry = Registry(ctx)
        champion, before = registry.alias(CHAMPION), registry.alias(PREVIOUS)
        if champion is None or before is None or champion.number == before.number:
            raise UsageError(
                f"model {registry.name} has no champion before this one",
                hint="lakehouse-nlp models; lakehouse-nlp promote N",
            )
        made = _crowned(ctx, registry, before, champion, "rolled back", why)
        past = shown(ctx) if ctx.settings.score.models[0] == CHAMPION else []
        if past and past[0].version == champion.number and made.number in {each.version for each in past}:
            complete, says = whole(ctx, made)
            if complete:
                record(ctx, made, SHOWN, CURRENT, champion.number, [why], to=Shown(made.number))
            else:
                still = f"current_predictions shows version {champion.number} still: {says}"
                ctx.say(f"{still}; next: lakehouse-nlp run score --project {ctx.settings.project}")
        return made


def move(registry: Registry, version: Version, champion: Version | None) -> None:
    """The alias `champion` to the version, and `previous` to the one that had it, which comes first."""
    if champion:
        registry.client.set_registered_model_alias(registry.name, PREVIOUS, str(champion.number))
    registry.client.set_registered_model_alias(registry.name, CHAMPION, str(version.number))


def _crowned(
    ctx: Context, registry: Registry, version: Version, champion: Version | None, event: str, why: str
) -> Version:
    ctx.sign("register")
    move(registry, version, champion)
    export(ctx, version)
    record(ctx, version, event, CHAMPION, champion.number if champion else None, [why])
    return version
