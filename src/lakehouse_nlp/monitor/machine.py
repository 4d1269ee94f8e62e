"""Figures of a run that its own ledgers do not hold: values that are missing in what came, and room on the lake's disk.

Both cost next to nothing: the statistics that Delta keeps of each file in its log, and one question to the system.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.tables import Log, Stamp

TABLE = "ops.metrics"
SOURCE = "bronze"
MISSING, USED = "share_missing", "disk_used"

Figure = tuple[str, str, str | None, float]  # metric, subject, model, value


def record(ctx: Context) -> None:
    """Writes the figures of this run. The commit has no position, so it says nothing of predictions."""
    figures = [*missing(ctx), used(ctx)]
    ctx.tables.ensure(TABLE)
    ctx.tables.record(TABLE, [(ctx.settings.project, ctx.run_id, *figure) for figure in figures])


def used(ctx: Context) -> Figure:
    """The share of the lake's disk that is in use."""
    disk = shutil.disk_usage(ctx.root)
    return USED, "disk", None, 1 - disk.free / disk.total


def missing(ctx: Context) -> list[Figure]:
    """The share of the rows that this run brought to bronze in which a column is null; of columns with statistics."""
    rows, nulls = 0, Counter[str]()
    for stats in _stats(ctx.tables.log(SOURCE), ctx.run_id):
        rows += stats["numRecords"]
        nulls.update({name: n for name, n in stats.get("nullCount", {}).items() if isinstance(n, int)})
    columns = (name for name in sorted(nulls) if not name.startswith("_"))
    return [(MISSING, name, None, nulls[name] / rows) for name in columns] if rows else []


def _stats(log: Log, run_id: str) -> Iterator[dict[str, Any]]:
    """What Delta knows of each file that the run added; the commits of runs before it are not looked at."""
    for version, info in log.commits():
        stamp = Stamp.from_json(info.get("userMetadata"))
        if stamp and stamp.run_id < run_id:
            return
        if stamp and stamp.run_id == run_id:
            with (log.path / "_delta_log" / f"{version:020}.json").open(encoding="utf-8") as commit:
                added = [json.loads(line).get("add") for line in commit]
            yield from (json.loads(each["stats"]) for each in added if each and each.get("stats"))
