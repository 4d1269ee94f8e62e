"""Which versions of the model score: those that `score.models` names, and those that are shown until others are."""

from __future__ import annotations

from collections.abc import Iterator

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.events import shown
from lakehouse_nlp.core.pending import last_beside
from lakehouse_nlp.core.registry import Registry, Version
from lakehouse_nlp.score.predict import lacking

SOURCE, TARGET = "gold", "predictions"
Named = dict[str | int, Version]  # by the names of `score.models`; what else is shown by its number


def resolved(ctx: Context) -> Named:
    """The versions that `score.models` names now, by these names; none where the first, which is shown, is not there.

    Beside them what `current_predictions` shows still, so that it lacks no row until it shows another. Of all but the
    first those are left out that are not there, have another name already, or read tokens of another pipeline than
    gold's, or columns that it no longer has: a model that only looks on stops nobody.
    """
    registry, (first, *others) = Registry(ctx), ctx.settings.score.models
    leads = registry.named(first)
    if leads is None:
        return {}
    found: Named = {first: leads}
    beside = [(name, version) for name in others if (version := registry.named(name))]
    beside += [(version.number, version) for version in _shown_still(ctx, registry, leads.number)]
    made_by = pipelines(ctx) if beside else set()
    for name, version in beside:
        known = {each.number for each in found.values()}
        reads_gold = not made_by - {version.tags.get("nlp_hash", "")} and not lacking(ctx, version)
        if version.number not in known and reads_gold:
            found[name] = version
    return found


def pipelines(ctx: Context) -> set[str]:
    """The hashes of the pipelines that made the rows of gold."""
    return ctx.tables.log(SOURCE).values("nlp_hash")


def _shown_still(ctx: Context, registry: Registry, leads: int) -> Iterator[Version]:
    """What is shown beside the version that leads, if the registry still has it, and not another of its number; a
    backfill leaves what is shown alone.
    """
    past = [] if ctx.settings.score.window else shown(ctx)
    numbers = {past[0].version, past[0].canary} - {None, leads} if past else set()
    for version in registry.versions() if numbers else ():
        if version.number in numbers and last_beside(ctx, "score", TARGET, str(version), version.run_id):
            yield version
