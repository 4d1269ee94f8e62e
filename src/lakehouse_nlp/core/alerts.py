"""What somebody has to be told: written down in `ops.alerts`, and said."""

from __future__ import annotations

from typing import Literal

from lakehouse_nlp.core.context import Context

TABLE = "ops.alerts"
Severity = Literal["note", "warning", "error", "critical"]
Contact = Literal["operators", "security"]


def alert(ctx: Context, severity: Severity, reason: str, next_command: str, *, contact: Contact = "operators") -> None:
    """Tells the contact what happened, and the command to begin with. A run never fails by it."""
    ctx.say(f"{severity}: {reason}\n  next: {next_command}")
    row = (ctx.settings.project, ctx.run_id, severity, reason, next_command, contact, "unsent", None, ctx.clock())
    try:
        if not ctx.tables.log(TABLE).exists:
            ctx.tables.ensure(TABLE)
        ctx.tables.record(TABLE, [row])
    except Exception as error:
        ctx.say(f"that could not be written to {TABLE}: {error}")
