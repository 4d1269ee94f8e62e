"""The monitor stage: figures of new predictions and of what logs and ledgers say anyway, and verdicts."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.pending import Pending, pending_beside
from lakehouse_nlp.core.pending import size as pending_rows
from lakehouse_nlp.monitor import drift, tell

SOURCE, TARGET = "predictions", "ops.metrics"
QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
KEY = ("key", "model", "version")
TABLES = ("bronze", "silver", "quarantine", "gold", "predictions")

SEEN = "SELECT count(DISTINCT file_hash) AS n FROM ops.files WHERE project = ? AND run_id = ?"

Figure = tuple[str, str, str | None, float]  # metric, subject, model, value


def due(ctx: Context) -> str | None:
    """Predictions that no figures were taken of, or files that came in this run, scored or not."""
    found = _pending(ctx)
    return str(found) if found else _files(ctx)


def size(ctx: Context) -> int:
    """About how many predictions wait."""
    return pending_rows(ctx, _pending(ctx))


def run(ctx: Context) -> StepResult:
    """Takes the figures. Of fewer predictions than `monitor.min_rows` only the number is said: they are not judged."""
    found = _pending(ctx)
    if not (found or _files(ctx)):
        return StepResult(note="no new predictions, no new files")
    ctx.sign("monitor", ctx.settings.project, {SOURCE: found.upto} if found else None)
    said = drift.judge(ctx, found)
    tell.drifted(ctx, said)  # before the figures, whose position ends the stage: who is killed here tells it again
    drifted = f"; drifted: {', '.join(subjects)}" if (subjects := tell.subjects(said)) else ""
    if not found:
        return StepResult(
            written=len(said), note=f"nothing was scored; {len(said)} verdicts on files and steps{drifted}"
        )
    figures, rows = _predictions(ctx, ctx.tables.changes(SOURCE, found.since, found.upto, KEY))
    figures += _tables(ctx) + _times(ctx)
    named = [(ctx.settings.project, ctx.run_id, *figure) for figure in figures]
    ctx.tables.record(TARGET, named, upto={SOURCE: found.upto})
    few = rows < ctx.settings.monitor.min_rows
    note = f"{len(figures)} figures of {rows:,} predictions" + (
        f"; fewer than {ctx.settings.monitor.min_rows} are not judged" if few else ""
    )
    return StepResult(read=rows, written=len(figures), versions=ctx.versions(TARGET), note=note + drifted)


def _files(ctx: Context) -> str | None:
    """How many files this run saw."""
    if not ctx.tables.log("ops.files").rows():
        return None
    found = duck.rows(ctx.root, SEEN, [ctx.settings.project, ctx.run_id], only=["ops.files"])[0]["n"]
    return f"{found} file{'s' * (found != 1)} came" if found else None


def _pending(ctx: Context) -> Pending | None:
    return pending_beside(ctx, "monitor", SOURCE, TARGET, ctx.settings.project)


def _predictions(ctx: Context, rows: DataFrame) -> tuple[list[Figure], int]:
    """Rows, and by model version share and confidence of each class, or of a regression the numbers themselves."""
    name = F.concat_ws("/", "model", F.col("version").cast("string")).alias("model")
    subject = F.when(F.col("value").isNull(), F.col("prediction")).otherwise("value").alias("subject")
    number = F.coalesce("value", "probability")
    quantiles = [F.percentile_approx(number, q).alias(p) for p, q in QUANTILES.items()]
    counts = [F.count("*").alias("rows"), F.avg(number).alias("mean"), F.count("value").alias("values")]
    by: list[Any] = rows.groupBy(name, subject).agg(*counts, *quantiles).collect()
    totals: dict[str, int] = {}
    for row in by:
        totals[row["model"]] = totals.get(row["model"], 0) + row["rows"]
    found: list[Figure] = [("rows_scored", "predictions", model, float(n)) for model, n in sorted(totals.items())]
    for row in sorted(by, key=lambda row: (row["model"], row["subject"])):
        if totals[row["model"]] >= ctx.settings.monitor.min_rows:
            found += _subject(row, totals[row["model"]])
    return found, sum(totals.values())


def _subject(row: Any, total: int) -> list[Figure]:
    """Share and confidence of one class; of the numbers of a regression their mean and spread."""
    of, model = row["subject"], row["model"]
    kind = "value" if row["values"] else "probability"
    share: list[Figure] = [] if row["values"] else [("share", of, model, row["rows"] / total)]
    spread: list[Figure] = [(f"{kind}_{p}", of, model, row[p]) for p in QUANTILES]
    return [*share, (f"{kind}_mean", of, model, row["mean"]), *spread]


def _tables(ctx: Context) -> list[Figure]:
    """Rows of every table, and the share of bronze that is set aside."""
    rows = {table: ctx.tables.log(table).rows() for table in TABLES}
    share = _open(ctx) / max(rows["bronze"], 1)
    return [
        *(("rows", table, None, float(n)) for table, n in rows.items()),
        ("share_quarantined", "bronze", None, share),
    ]


def _open(ctx: Context) -> int:
    """Rows that are set aside now; quarantine keeps those that were released."""
    name = f"{ctx.settings.project}.quarantine"
    query = f"SELECT count(*) AS n FROM {name} WHERE state = 'open'"
    return int(duck.rows(ctx.root, query, only=[name])[0]["n"])


def _times(ctx: Context) -> list[Figure]:
    """Seconds of each step of this run so far."""
    query = """SELECT stage, epoch(ended_at - started_at) AS seconds FROM ops.steps
               WHERE project = ? AND run_id = ? AND state = 'done' ORDER BY started_at"""
    steps = duck.rows(ctx.root, query, [ctx.settings.project, ctx.run_id], only=["ops.steps"])
    return [("seconds", step["stage"], None, float(step["seconds"])) for step in steps]
