"""What somebody has to be told: said, sent to whom the settings name, and written into `ops.alerts` with what came of
it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.notify import Delivery, send
from lakehouse_nlp.core.pages import report_page
from lakehouse_nlp.core.settings.alerts import Contact, Severity
from lakehouse_nlp.core.settings.runs import span

TABLE = "ops.alerts"
ORDER: tuple[Severity, ...] = ("note", "warning", "error", "critical")
GIVEN_UP = timedelta(days=1)  # an alert that could not be sent for so long is old news
SENT = f"SELECT max(raised_at) AS at FROM {TABLE} WHERE project = ? AND contact = ? AND key = ? AND outcome = 'sent'"
FAILED = f"""
SELECT * FROM {TABLE} WHERE project = ? AND raised_at >= ?
QUALIFY row_number() OVER (PARTITION BY run_id, contact, key, raised_at ORDER BY recorded_at DESC) = 1
    AND outcome = 'failed'
ORDER BY raised_at
"""
COLUMNS = ("run_id", "severity", "reason", "next", "contact", "key", "raised_at")


def alert(
    ctx: Context,
    severity: Severity,
    reason: str,
    next_command: str,
    *,
    contact: Contact = "operators",
    key: str | None = None,
) -> None:
    """Tells the contact what happened, and the command to begin with. A run never fails by it.

    Alerts of one `key` are the same (the reason, if it is left out): one that was sent not long ago is not sent again.
    """
    ctx.say(f"{severity}: {reason}\n  next: {next_command}")
    values = (ctx.run_id, severity, reason, next_command, contact, key or reason, ctx.clock())
    told = dict(zip(COLUMNS, values, strict=True))
    try:
        _write(ctx, told, *_outcome(ctx, told))
    except Exception as error:
        ctx.say(f"that could not be written to {TABLE}: {error}")


def resend(ctx: Context) -> int:
    """Sends again what could not be sent within the last day; how many were. A run never fails by it."""
    if not ctx.tables.log(TABLE).exists:
        return 0
    sent = 0
    try:
        for row in duck.rows(ctx.root, FAILED, [ctx.settings.project, ctx.clock() - GIVEN_UP], only=[TABLE]):
            outcome, error = _sent(ctx, row)
            if outcome == "sent":
                _write(ctx, row, outcome, error)
                sent += 1
    except Exception as error:
        ctx.say(f"alerts that could not be sent wait on: {error}")
    return sent


def try_out(ctx: Context, contact: Contact) -> list[Delivery]:
    """Sends a message to each of the contact's addresses, and writes nothing. Raises UsageError where there is none."""
    addresses = ctx.settings.alerts.addresses(contact)
    if not addresses:
        raise UsageError(
            f"alerts.{contact} names nobody", hint=f"LAKEHOUSE_NLP_ALERTS__{contact.upper()}='[mailto://…]'"
        )
    return send(addresses, "note", f"[test] {ctx.settings.project}", f"Alerts for {contact} come here.", ctx.sleep)


def _outcome(ctx: Context, told: dict[str, Any]) -> tuple[str, str | None]:
    asked = ctx.settings.alerts
    if ORDER.index(told["severity"]) < ORDER.index(asked.severity) or not asked.addresses(told["contact"]):
        return "unsent", None
    if ctx.tables.log(TABLE).exists:
        parameters = [ctx.settings.project, told["contact"], told["key"]]
        before = duck.rows(ctx.root, SENT, parameters, only=[TABLE])[0]["at"]
        if before and before <= told["raised_at"] < before + span(asked.repeat):
            return "repeated", None
    return _sent(ctx, told)


def _sent(ctx: Context, told: dict[str, Any]) -> tuple[str, str | None]:
    """Whether all addresses have it, if there are any; the reasons of those that have not."""
    asked, project = ctx.settings.alerts, ctx.settings.project
    if not asked.addresses(told["contact"]):
        return "unsent", None
    link = _link(ctx, told["run_id"])
    title = f"[{told['severity']}] {told['reason'].partition(chr(10))[0]}"
    run = f"run {told['run_id']} of {project}, {told['raised_at']:%Y-%m-%d %H:%M} UTC {link}".rstrip()
    found = send(asked.addresses(told["contact"]), told["severity"], title, _body(told, run), ctx.sleep)
    errors = [f"{each.address}: {each.error}" for each in found if each.error]
    return ("failed" if errors else "sent"), "; ".join(errors) or None


def _link(ctx: Context, run_id: str) -> str:
    """Where more of the run is: the page that the settings name, or its report, where runs write one."""
    settings = ctx.settings
    if settings.alerts.run_url:
        return settings.alerts.run_url.format(project=settings.project, run_id=run_id)
    return report_page(ctx, run_id).resolve().as_uri() if settings.runs.report else ""


def _body(told: dict[str, Any], run: str) -> str:
    return f"{told['reason']}\n\nnext: {told['next']}\n{run}"


def _write(ctx: Context, told: dict[str, Any], outcome: str, error: str | None) -> None:
    if not ctx.tables.log(TABLE).exists:
        ctx.tables.ensure(TABLE)
    *values, raised_at = (told[name] for name in COLUMNS)
    ctx.tables.record(TABLE, [(ctx.settings.project, *values, outcome, error, raised_at)])
