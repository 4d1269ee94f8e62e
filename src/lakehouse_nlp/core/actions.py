"""Scoring that monitoring blocks: until the next good verdict, or until a person clears it and says why.

Each refusal and each clearance is a row of `ops.actions`. Read by DuckDB; starts no Spark.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Sequence
from datetime import datetime

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.lease import lease
from lakehouse_nlp.core.registry import Registry
from lakehouse_nlp.core.verdicts import EVER, asked

TABLE, BLOCK = "ops.actions", "block_scoring"
CLEARED = f"SELECT max(recorded_at) AS at FROM {TABLE} WHERE project = ? AND event = 'cleared'"
REFUSED = f"""SELECT reasons FROM {TABLE} WHERE project = ? AND event = 'refused' AND model = ? AND upto = ?
              ORDER BY recorded_at DESC LIMIT 1"""


def blocked(ctx: Context, model: str) -> list[str]:
    """Why this model (name/version) may not score: a sentence for each verdict since the last clearance; else none."""
    return asked(ctx, BLOCK, model, _cleared(ctx))


def refused(ctx: Context, model: str, upto: int) -> bool:
    """Whether scoring gold up to this version was refused for what blocks it now: it need not be said twice."""
    if not ctx.tables.log(TABLE).rows():
        return False
    found = duck.rows(ctx.root, REFUSED, [ctx.settings.project, model, upto], only=[TABLE])
    return bool(found) and json.loads(found[0]["reasons"]) == blocked(ctx, model)


def refuse(ctx: Context, model: str, upto: int, why: Sequence[str]) -> None:
    """Writes down that gold up to this version was not scored."""
    _write(ctx, "refused", model, upto, why)


def clear(ctx: Context, why: str) -> list[str]:
    """Lets the project score in spite of the verdicts until now, which it returns; the next that is bad blocks again.

    Raises UsageError where nothing is blocked.
    """
    if not why.strip():
        raise UsageError("--why is empty", hint="say what was wrong, and what was done about it")
    project = ctx.settings.project
    with lease(ctx):
        model = Registry(ctx).named(ctx.settings.score.models[0])
        verdicts = blocked(ctx, str(model)) if model else []
        if not verdicts:
            raise UsageError(f"scoring of {project} is not blocked", hint=f"lakehouse-nlp status --project {project}")
        ctx.sign("unblock")
        _write(ctx, "cleared", str(model), None, verdicts, getpass.getuser(), why.strip())
    return verdicts


def said(ctx: Context, model: str, why: Sequence[str]) -> str:
    """That scoring is blocked, and by what: a line a verdict."""
    return f"scoring of {ctx.settings.project} by {model} is blocked:" + "".join(f"\n  {each}" for each in why)


def hint(ctx: Context) -> str:
    """What opens it again."""
    clearing = f'lakehouse-nlp unblock --scoring --project {ctx.settings.project} --why "what was found out about it"'
    return f"mend what comes in, or train and promote another model; or let it score all the same: {clearing}"


def _cleared(ctx: Context) -> datetime:
    """When a person last cleared the project's verdicts."""
    if not ctx.tables.log(TABLE).rows():
        return EVER
    at: datetime | None = duck.rows(ctx.root, CLEARED, [ctx.settings.project], only=[TABLE])[0]["at"]
    return at or EVER


def _write(
    ctx: Context, event: str, model: str, upto: int | None, reasons: Sequence[str],
    who: str | None = None, why: str | None = None,
) -> None:  # fmt: skip
    if not ctx.tables.log(TABLE).exists:
        ctx.tables.ensure(TABLE)
    row = (ctx.settings.project, ctx.run_id, BLOCK, event, model, upto, json.dumps(list(reasons)), who, why)
    ctx.tables.record(TABLE, [row])
