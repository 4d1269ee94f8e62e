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
SELECT found FROM ops.drift WHERE project = $project AND state <> 'not judged' AND (model IS NULL OR model = $model)
QUALIFY row_number() OVER (PARTITION BY kind, subject, method, against ORDER BY recorded_at DESC, window_id DESC) = 1
    AND state = 'drifted' AND action = $action AND recorded_at >= $after
ORDER BY subject, found
"""
EVER = datetime(1970, 1, 1, tzinfo=timezone.utc)


def asked(ctx: Context, action: str, model: str, after: datetime = EVER) -> list[str]:
    """Why an action (`alert`, `block_scoring`, `rerun`, `retrain`) is asked for: a sentence for each thing that has
    drifted since `after`, none where it is not asked for. `model`: name/version whose verdicts count beside those on
    data and runs.
    """
    if not ctx.tables.log(DRIFT).rows():
        return []
    parameters = {"project": ctx.settings.project, "model": model, "action": action, "after": after}
    found = duck.rows(ctx.root, NEWEST, parameters, [DRIFT])
    return list(dict.fromkeys(str(row["found"]) for row in found))
