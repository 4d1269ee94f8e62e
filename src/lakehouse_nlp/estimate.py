"""How long a step will take, by what the same stage took before for how much: from `ops`, without Spark.

A step costs something by itself, and something for each row (of ingest, each byte): a line through the last steps, by
the median of the slopes between them (Theil and Sen), which one slow run does not bend.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import median

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.flow import Stage

LAST = 20  # steps of a stage that count
STEPS = """
SELECT stage, run_id, epoch(ended_at - started_at) AS seconds, read FROM ops.steps
WHERE project = '{project}' AND state = 'done' AND read > 0
QUALIFY row_number() OVER (PARTITION BY stage ORDER BY ended_at DESC) <= {last}
"""
BYTES = (
    "SELECT run_id, sum(bytes) AS bytes FROM ops.files WHERE project = '{project}' AND state = 'loaded' GROUP BY ALL"
)

Done = tuple[float, float]  # how much a step had before it, and its seconds


def history(ctx: Context) -> dict[str, list[Done]]:
    """Stage -> its last steps that were done: rows read, of ingest bytes, and seconds."""
    if not all(ctx.tables.log(table).exists for table in ("ops.steps", "ops.files")):
        return {}
    project = ctx.settings.project
    files = duck.rows(ctx.root, BYTES.format(project=project), only=["ops.files"])
    loaded = {row["run_id"]: float(row["bytes"]) for row in files}
    found: dict[str, list[Done]] = {}
    for row in duck.rows(ctx.root, STEPS.format(project=project, last=LAST), only=["ops.steps"]):
        size = loaded.get(row["run_id"]) if row["stage"] == "ingest" else float(row["read"])
        if size:
            found.setdefault(row["stage"], []).append((size, float(row["seconds"])))
    return found


def expected(ctx: Context, stage: Stage, known: dict[str, list[Done]]) -> float | None:
    """Seconds that the stage will take for what waits now; None where it never ran, or nothing is seen to wait."""
    done = known.get(stage.name)
    waiting = stage.size(ctx) if done else 0
    return seconds(done, waiting) if done and waiting else None


def seconds(done: Sequence[Done], size: float) -> float:
    """Of so much, by the steps that were done. Of a single one, neither is less made faster, nor more for nothing."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(done, 2) if a[0] != b[0]]
    if not slopes:
        usual, took = done[0][0], median(seconds for _, seconds in done)
        return took * max(1.0, size / usual)
    slope = max(0.0, median(slopes))
    return max(0.0, median(took - slope * each for each, took in done)) + slope * size


def left(seconds: float) -> str:
    """In words that claim no more than they know."""
    if seconds < 0:
        return "longer than usual"
    if seconds < 10:
        return "a few seconds left"
    if seconds < 55:
        return f"about {round(seconds / 10) * 10} s left"
    if seconds < 90 * 60:
        return f"about {max(1, round(seconds / 60))} min left"
    return f"about {round(seconds / 3600)} h left"
