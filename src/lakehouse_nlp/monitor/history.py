"""Figures of files, checks and steps, run by run, against their own history: read from `ops` by DuckDB.

A figure is out of line if it is further from the median of the runs before than `SPREADS` robust standard deviations
(1.4826 times the median absolute deviation) and than what is let pass of its size: times double when a machine is busy.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.monitor import machine
from lakehouse_nlp.monitor.judge import Comparison, Finding, Kind

HISTORY, RUNS_BEFORE = "history", "last runs"
LIMIT, SETTINGS = "limit", "settings"
SPREADS, NORMAL, FEWEST = 5.0, 1.4826, 5


@dataclass(frozen=True)
class Series:
    """Figures by run: what they are of, by what query (`subject`, `run_id`, `value`), and how they are judged.

    `share`: of the median, and `least`: how far a figure may be in any case; `falls`: less than usual counts, too.
    """

    name: str
    kind: Kind
    table: str
    query: str
    share: float
    least: float
    falls: bool = False
    most: float | None = None  # beyond it whatever the runs before were like


OF = "WHERE project = $project"


def _files(name: str, value: str, share: float, least: float, *, falls: bool = False) -> Series:
    """A figure of the files that a run loaded."""
    query = (
        f"SELECT 'files' AS subject, run_id, {value} AS value FROM ops.files {OF} AND state = 'loaded' GROUP BY run_id"
    )
    return Series(name, "data", "ops.files", query, share, least, falls)


def _steps(name: str, value: str, share: float, least: float) -> Series:
    """A figure of each stage of a run."""
    query = f"SELECT stage AS subject, run_id, {value} AS value FROM ops.steps {OF} GROUP BY stage, run_id"
    return Series(name, "runs", "ops.steps", query, share, least)


REJECTED = f"""SELECT 'files' AS subject, run_id, avg((state = 'rejected')::INT) AS value FROM ops.files
               {OF} AND state IN ('loaded', 'rejected', 'duplicate') GROUP BY run_id"""
BROKEN = f"""SELECT rule AS subject, run_id, max(share) AS value FROM ops.checks
             {OF} AND share IS NOT NULL GROUP BY rule, run_id"""
COLUMNS = f"""SELECT table_name AS subject, run_id, count(*) AS value FROM ops.schema_changes
              {OF} GROUP BY table_name, run_id"""
PRICE = (
    f"SELECT 'run' AS subject, run_id, sum(price) AS value FROM ops.steps {OF} AND price IS NOT NULL GROUP BY run_id"
)
BAD = f"""SELECT failed AS subject, run_id, count(*) AS value FROM ops.files
          {OF} AND state = 'rejected' GROUP BY failed, run_id"""


def _figures(name: str, metric: str, kind: Kind, share: float, least: float, *, falls: bool = False) -> Series:
    """A figure that monitoring took itself."""
    query = f"SELECT subject, run_id, max(value) AS value FROM ops.metrics {OF} AND metric = '{metric}' GROUP BY ALL"
    return Series(name, kind, "ops.metrics", query, share, least, falls)


DISK = _figures("share used", machine.USED, "runs", 0, 0)
SERIES = (
    _files("rows", "sum(rows)", 0.8, 100, falls=True),
    _files("bytes a file", "avg(bytes)", 0.9, 10_000, falls=True),
    _files("bytes a row", "sum(bytes) / nullif(sum(rows), 0)", 0.5, 10, falls=True),
    _files("share late", "avg(late::INT)", 0, 0.1),
    _files("share set aside", "sum(set_aside) / nullif(sum(records), 0)", 0.5, 0.005),
    _files("hours old", "epoch(max(recorded_at) - max(modified_at)) / 3600", 0.5, 24),
    Series("share rejected", "data", "ops.files", REJECTED, 0, 0),
    Series("files of no use", "data", "ops.files", BAD, 0, 0),
    Series("share broken", "data", "ops.checks", BROKEN, 0.5, 0.01),
    Series("changes of columns", "data", "ops.schema_changes", COLUMNS, 0, 0),
    _figures("share missing", machine.MISSING, "data", 0.5, 0.05, falls=True),
    _steps("seconds", "sum(epoch(ended_at - started_at)) FILTER (WHERE state = 'done')", 1.0, 10),
    _steps("CPU seconds", "sum(cpu_seconds) FILTER (WHERE state = 'done')", 1.0, 20),
    _steps("memory", "max(peak_bytes) FILTER (WHERE state = 'done')", 0.5, 256 << 20),
    _steps("errors", "sum((state = 'failed')::INT)", 0, 0),
    Series("price", "runs", "ops.steps", PRICE, 1.0, 0),
    DISK,
)
# Runs without a row of such a series had none of what it counts.
NONE_IS_ZERO = ("changes of columns", "files of no use")


def findings(ctx: Context) -> Iterator[Finding]:
    """The figures of this run against those of the runs before; of a run without a figure nothing is said.

    Failed steps end a run, so those of the runs since the last that was judged count as this one's.
    """
    runs = _runs(ctx)
    tables = [table for table in {series.table for series in SERIES} if ctx.tables.log(table).rows()]
    with duck.connect(ctx.root, tables) as connection:  # one for all: it costs more than the questions
        for series in SERIES:
            if series.table in tables:
                rows = connection.execute(series.query, {"project": ctx.settings.project}).fetchall()
                most = ctx.settings.monitor.disk if series is DISK else None
                yield from _of(ctx, replace(series, most=most), rows, runs)


def _of(ctx: Context, series: Series, rows: list[tuple[str, str, Any]], runs: Sequence[str]) -> Iterator[Finding]:
    values: dict[str, dict[str, float]] = {}
    for subject, run, value in rows:
        if value is not None:
            values.setdefault(subject, {})[run] = float(value)
    for subject, by_run in sorted(values.items()):
        if series.name in NONE_IS_ZERO:
            by_run = {run: by_run.get(run, 0.0) for run in runs}
        if series.name == "errors":
            by_run = {**by_run, ctx.run_id: _since_done(by_run, runs, ctx.run_id)}
        if ctx.run_id in by_run:
            before = [by_run[run] for run in sorted(by_run) if run < ctx.run_id][-ctx.settings.monitor.history :]
            yield judged(series, subject, by_run[ctx.run_id], before)


def _since_done(by_run: dict[str, float], runs: Sequence[str], this: str) -> float:
    """Failures of the stage in the runs before this one, back to the last in which it did not fail."""
    total = by_run.get(this, 0.0)
    for run in reversed([run for run in runs if run < this]):
        if not by_run.get(run):
            break
        total += by_run[run]
    return total


def judged(series: Series, subject: str, value: float, before: Sequence[float]) -> Finding:
    """One figure against its history; of errors, rejected files and new columns there are none by rights."""
    what = f"{subject}: {series.name}"
    if series.most is not None:
        says = f"{what} {value:.4g}, at most {series.most:g} wanted"
        return Finding(series.kind, what, LIMIT, SETTINGS, 1, Comparison(LIMIT, value, series.most), says)
    needed = FEWEST if series.least or series.share else 1
    if len(before) < needed:
        says = f"{what} {value:.6g}; {len(before)} runs before, and {needed} are needed to judge"
        return Finding(series.kind, what, HISTORY, RUNS_BEFORE, len(before), None, says)
    known = before if len(before) >= FEWEST else [0.0]
    usual = statistics.median(known)
    spread = statistics.median(abs(each - usual) for each in known)
    bound = max(SPREADS * NORMAL * spread, series.share * abs(usual), series.least)
    apart = value - usual
    found = Comparison(HISTORY, abs(apart) if series.falls else apart, bound)
    says = f"{what} {value:.6g}, usually {usual:.6g}, give or take {bound:.6g}"
    return Finding(series.kind, what, HISTORY, RUNS_BEFORE, len(before), found, says)


def _runs(ctx: Context) -> list[str]:
    """All runs of the project, oldest first, this one among them."""
    if not ctx.tables.log("ops.steps").rows():
        return [ctx.run_id]
    query = "SELECT DISTINCT run_id FROM ops.steps WHERE project = ?"
    found = duck.rows(ctx.root, query, [ctx.settings.project], ["ops.steps"])
    return sorted({ctx.run_id, *(str(row["run_id"]) for row in found)})
