"""What monitoring asks for now, by its newest verdicts in `ops.drift`: for whoever blocks, repeats or trains by it.

Read by DuckDB; starts no Spark.
"""

from __future__ import annotations

from datetime import datetime, timezone

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context

DRIFT = "ops.drift"
# Of each thing the newest verdict counts; a window of too few rows says nothing, and takes nothing back.
NEWEST = """
SELECT found FROM ops.drift
WHERE project = $project AND state <> 'not judged' AND (model IS NULL OR model = coalesce($model, model))
QUALIFY row_number() OVER (
        PARTITION BY model, kind, subject, method, against ORDER BY recorded_at DESC, window_id DESC
    ) = 1
    AND state = 'drifted' AND action = $action AND recorded_at >= $after AND run_id >= $since
ORDER BY subject, found
"""
EVER = datetime(1970, 1, 1, tzinfo=timezone.utc)


def asked(ctx: Context, action: str, model: str | None, after: datetime = EVER, since: str = "") -> list[str]:
    """Why an action (`alert`, `block_scoring`, `rerun`, `retrain`) is asked for: a sentence for each thing that has
    drifted after this time, none where it is not asked for. `model`: name/version whose verdicts count beside those on
    data and runs; None: every version's. `since`: the first run whose verdicts count.
    """
    if not ctx.tables.log(DRIFT).rows():
        return []
    parameters = {
        "project": ctx.settings.project, "model": model, "action": action, "after": after, "since": since
    }  # fmt: skip
    found = duck.rows(ctx.root, NEWEST, parameters, [DRIFT])
    return list(dict.fromkeys(str(row["found"]) for row in found))


def again(ctx: Context, last: str) -> str | None:
    """Why a table that the run `last` wrote is to be made again: verdicts of that run or a later one. None: it is not.

    So a verdict counts once for each table, wherever the run that heeds it is killed.
    """
    if "rerun" not in ctx.settings.monitor.actions.model_dump().values():
        return None
    why = asked(ctx, "rerun", None, since=last)
    return f"monitoring asks for it again: {'; '.join(why)}" if why else None
