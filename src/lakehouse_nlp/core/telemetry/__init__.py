"""What leaves a run beside its record in `ops`: log lines, OpenLineage events, OpenTelemetry spans."""

from __future__ import annotations

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.telemetry.observer import Observer, Observers, Try

__all__ = ["Observers", "Try", "observers"]


def observers(ctx: Context) -> Observers:
    """Those that the settings and the environment ask for. What nobody asks for is not imported."""
    from lakehouse_nlp.core.telemetry import openlineage

    asked: list[Observer] = []
    if openlineage.asked_for(ctx):
        asked.append(openlineage.OpenLineage(ctx))
    return Observers(ctx, asked)
