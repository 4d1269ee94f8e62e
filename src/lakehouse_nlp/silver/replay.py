"""Set-aside rows through today's rules: those that pass go to silver, as if silver had been made anew.

Rows are judged as bronze holds them. Silver is written before quarantine: a run killed between the two finds the rows
still open, and merging them again changes nothing.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.lease import lease
from lakehouse_nlp.core.recipes import SILVER, recipe
from lakehouse_nlp.core.runs import Record
from lakehouse_nlp.silver import judge, quarantine, stage
from lakehouse_nlp.silver.judge import Counts
from lakehouse_nlp.silver.results import refuse, results
from lakehouse_nlp.silver.rules import Rule


@dataclass(frozen=True)
class Replayed:
    """What became of the rows: judged, released to silver, and by rule those that stay (a row may break several)."""

    run_id: str
    judged: int
    released: int
    stay: dict[str, int] = field(default_factory=dict)
    dry_run: bool = False


def replay(ctx: Context, where: str | None = None, *, dry_run: bool = False) -> Replayed:
    """Judges the open rows of quarantine for which the SQL condition holds; `dry_run` writes nothing.

    Waits for a run of the project that is on. Raises UsageError where nothing was set aside yet, or the condition is
    wrong; DataError where rows that pass break a check of action `fail` beyond its tolerance.
    """
    with nullcontext() if dry_run else lease(ctx):
        return _replayed(ctx, where, dry_run)


def _replayed(ctx: Context, where: str | None, dry_run: bool) -> Replayed:
    if not ctx.tables.log(quarantine.TABLE).exists:
        name = ctx.tables.name(quarantine.TABLE)
        raise UsageError(f"there is no {name} yet: no row was judged", hint="lakehouse-nlp run silver")
    lookup, found = partial(stage.look_up, ctx), stage.found_in_files(ctx)
    rows, rules = judge.judged(_chosen(ctx, where), ctx.settings, lookup, found)
    rows = rows.persist()
    try:
        counts = judge.count(rows, rules, ctx.settings)
        _refuse(ctx, rows, rules, counts)
        if counts.read and not dry_run:
            _recorded(ctx, rows, counts)
    finally:
        rows.unpersist()
    return Replayed(ctx.run_id, counts.read, counts.valid, _stay(counts, rules), dry_run)


def _chosen(ctx: Context, where: str | None) -> DataFrame:
    """The rows of bronze that lie open in quarantine."""
    try:
        chosen = quarantine.open_rows(ctx, where).select(*quarantine.ROW)
    except PySparkException as error:
        hint = f"columns are those of {ctx.settings.project}.rejected_rows: --where \"rule = 'readable'\""
        raise UsageError(f"--where {where}: {str(error).splitlines()[0]}", hint=hint) from error
    return ctx.tables.read(stage.SOURCE).join(F.broadcast(chosen), list(quarantine.ROW), "left_semi")


def _refuse(ctx: Context, rows: DataFrame, rules: list[Rule], counts: Counts) -> None:
    """Holds a tolerant `fail` to its tolerance: rows that break it pass, if they are few enough.

    No other rule stops a replay: rows that break them stay set aside, and shares or figures of a whole step say nothing
    of rows that were chosen because they broke something.
    """
    tolerant = {rule.name for rule in rules if rule.action == "fail" and not rule.sets_aside}
    said = results(ctx.settings, rules, counts, ctx.clock())
    refuse([result for result in said if result.rule in tolerant], rules, rows)


def _recorded(ctx: Context, rows: DataFrame, counts: Counts) -> None:
    """Writes the rows, with a run and a step in `ops` about it."""
    record, began = Record(ctx, ("replay",)), ctx.clock()
    record.begin()
    record.begins("replay")
    try:
        _write(ctx, rows, counts)
    except BaseException as error:
        record.fail(error)
        raise
    note = f"{counts.valid:,} rows released to silver, {counts.quarantined:,} stay"
    versions = ctx.versions("silver", quarantine.TABLE)
    record.step("replay", began, "done", StepResult(counts.read, counts.valid, counts.quarantined, versions, note))
    record.end("done")


def _write(ctx: Context, rows: DataFrame, counts: Counts) -> None:
    ctx.sign("replay", recipe(ctx.settings, SILVER), ctx.versions(stage.SOURCE, quarantine.TABLE))
    stage.ensure(ctx)
    if counts.valid:
        good = judge.silver_rows(rows, ctx.settings, stage.found_in_files(ctx))
        ctx.tables.merge_once("silver", good, on=["_key"], changed=stage.changed(ctx.settings))
        quarantine.release(ctx, rows)
    if counts.quarantined:
        quarantine.set_aside(ctx, rows)


def _stay(counts: Counts, rules: list[Rule]) -> dict[str, int]:
    against = [rule.name for rule in rules if rule.sets_aside]
    return {name: counts.broken[name] for name in against if counts.broken[name]}
