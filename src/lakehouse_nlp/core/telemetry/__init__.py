"""What leaves a run beside its record in `ops`: log lines, OpenLineage events, OpenTelemetry spans."""

from __future__ import annotations

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.telemetry.observer import Observer, Observers, Try

__all__ = ["Observers", "Try", "observers"]


def observers(ctx: Context) -> Observers:
    """The log, and those that the settings and the environment ask for. What nobody asks for is not imported."""
    from lakehouse_nlp.core.telemetry import openlineage, spans
    from lakehouse_nlp.core.telemetry.logs import Logs

    asked: list[Observer] = [Logs(ctx)]
    if openlineage.asked_for(ctx):
        asked.append(openlineage.OpenLineage(ctx))
    if spans.asked_for():
        asked.append(spans.Spans(ctx))
    return Observers(ctx, asked)
