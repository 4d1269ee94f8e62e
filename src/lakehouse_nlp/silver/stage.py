"""The silver stage: judge the new rows once, set the bad ones aside, merge the newest of each key."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.errors import DataError, LakehouseError
from lakehouse_nlp.core.pending import Pending, pending
from lakehouse_nlp.core.pending import size as pending_rows
from lakehouse_nlp.core.recipes import SILVER, recipe
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.checks import Referential
from lakehouse_nlp.core.settings.words import did_you_mean, listed
from lakehouse_nlp.core.tables import moved
from lakehouse_nlp.silver import expectations, judge, quarantine
from lakehouse_nlp.silver.judge import Counts
from lakehouse_nlp.silver.results import Result, refuse, results
from lakehouse_nlp.silver.rules import Rule

SOURCE = "bronze"


def due(ctx: Context) -> str | None:
    """New versions of bronze."""
    found = _pending(ctx)
    return str(found) if found else None


def size(ctx: Context) -> int:
    """About how many rows wait."""
    return pending_rows(ctx, _pending(ctx))


def run(ctx: Context) -> StepResult:
    """Brings the new rows of bronze to silver and quarantine; raises DataError if a row were unaccounted for."""
    settings = ctx.settings
    looked_into = ctx.versions(*(check.table for check in settings.checks if isinstance(check, Referential)))
    ctx.sign("silver", recipe(settings, SILVER), looked_into)
    ensure(ctx)
    done = []
    while found := _pending(ctx):  # more than once only after a run that was cut short
        done.append(_bring(ctx, found))
    read, keys, aside = (sum(getattr(counts, name) for counts in done) for name in ("read", "keys", "quarantined"))
    older = read - keys - aside
    note = (
        f"{keys:,} keys, {aside:,} rows set aside, {older:,} older rows of a key" if done else "nothing new in bronze"
    )
    return StepResult(read, keys, aside, ctx.versions("silver", quarantine.TABLE), note)


def ensure(ctx: Context) -> None:
    """Makes silver and quarantine, or adds what the settings have and silver lacks."""
    ctx.tables.ensure("silver", {name: column.type for name, column in ctx.settings.columns.items()})
    ctx.tables.widen("silver", dict.fromkeys(found_in_files(ctx), "STRING"))
    ctx.tables.ensure(quarantine.TABLE)


def found_in_files(ctx: Context) -> tuple[str, ...]:
    """The undeclared columns that silver has, and those that it takes over from bronze."""
    sources = ("silver", SOURCE) if ctx.settings.silver.drift == "evolve" else ("silver",)
    found = [name for table in sources if ctx.tables.log(table).exists for name in ctx.tables.found(table)]
    declared = {name.casefold() for name in ctx.settings.columns}
    return tuple(name for name in dict.fromkeys(found) if name.casefold() not in declared)


def _bring(ctx: Context, found: Pending) -> Counts:
    columns = found_in_files(ctx)
    rows, rules = judge.judged(_bronze(ctx, found, columns), ctx.settings, partial(look_up, ctx), columns)
    rows = rows.persist()
    try:
        counts = judge.count(rows, rules, ctx.settings)
        said = results(ctx.settings, rules, counts, ctx.clock())
        _record(ctx, said, found.upto)
        refuse(said, rules, rows)
        with ThreadPoolExecutor(1) as beside:  # it waits for imports and disks while Spark writes
            page = beside.submit(expectations.report, ctx, counts, said)
            aside, newest = _write(ctx, found, rows, counts)
            page.result()
    finally:
        rows.unpersist()
    _account(ctx, counts, rules, aside, newest)
    return counts


def _bronze(ctx: Context, found: Pending, columns: Sequence[str]) -> DataFrame:
    """The new rows of bronze. Of the columns that files brought, one that came after them is null in them."""
    rows = ctx.tables.changes(SOURCE, found.since, found.upto)
    return rows.withColumns({name: F.lit(None).cast("string") for name in columns if name not in rows.columns})


def _pending(ctx: Context) -> Pending | None:
    """What bronze has beyond silver. A range that quarantine has, and silver not, was cut short: it comes first."""
    found = pending(ctx, "silver", SOURCE, "silver", recipe(ctx.settings, SILVER))
    if found and found.since is not None:
        done = ctx.tables.log(quarantine.TABLE).transaction(_app(ctx))
        return replace(found, upto=done) if done > found.since else found
    return found


def _app(ctx: Context) -> str:
    return f"{ctx.settings.project}.silver"


def _write(ctx: Context, found: Pending, rows: DataFrame, counts: Counts) -> tuple[int, int]:
    """Quarantine first, then silver, whose stamp ends the range. Returns the rows that each was given."""
    tables, settings, upto = ctx.tables, ctx.settings, {SOURCE: found.upto}
    good = judge.silver_rows(rows, settings, found_in_files(ctx))
    if found.since is None:
        quarantine.release(ctx, rows)
        aside = quarantine.set_aside(ctx, rows, upto) if counts.quarantined else {}
        newest = tables.replace_window("silver", good, upto=upto)
        return moved(aside)[0], moved(newest)[0]
    bad = judge.quarantine_rows(rows, ctx.run_id)
    aside = (
        tables.append_once(quarantine.TABLE, bad, app=_app(ctx), version=found.upto, upto=upto)
        if counts.quarantined
        else {}
    )
    newest = tables.merge_once("silver", good, on=["_key"], changed=changed(settings), upto=upto)
    return aside.get("numOutputRows", counts.quarantined), newest.get("numSourceRows", counts.keys)


def changed(settings: Settings) -> str:
    """A row of a known key stands where it differs and is no older, in the order of `judge.silver_rows`."""
    newer = "new._row >= old._row"
    for name in ("_file", "_batch"):
        newer = f"new.{name} > old.{name} OR (new.{name} = old.{name} AND ({newer}))"
    if by := settings.newest_by:
        later = f"new.`{by}` > old.`{by}` OR (old.`{by}` IS NULL AND new.`{by}` IS NOT NULL)"
        newer = f"{later} OR (new.`{by}` <=> old.`{by}` AND ({newer}))"
    return f"new._row_hash <> old._row_hash AND ({newer})"


def _account(ctx: Context, counts: Counts, rules: list[Rule], aside: int, newest: int) -> None:
    """Read = newest of each key + quarantined + older rows of a key, by what Delta says it was given."""
    doubles = counts.valid - counts.keys
    if counts.read != newest + aside + doubles:
        raise LakehouseError(
            f"silver: {counts.read} rows read, but {newest} valid + {aside} quarantined + {doubles} older rows of a key"
            f" = {newest + aside + doubles}",
            hint="the tables are whole; please report this with the run's id " + ctx.run_id,
        )
    if counts.read and not counts.valid:
        worst = max((rule.name for rule in rules if rule.sets_aside), key=lambda name: counts.broken[name])
        raise DataError(
            f"silver: all {counts.read:,} new rows were set aside, {counts.broken[worst]:,} of them by {worst}",
            hint=f'lakehouse-nlp sql "select reasons, raw from {ctx.settings.project}.quarantine limit 5"',
        )


def look_up(ctx: Context, check: Referential) -> DataFrame:
    """The table that a referential check looks into. Raises DataError where it or its column is not there."""
    if not ctx.tables.log(check.table).exists:
        project = check.table.partition(".")[0]
        raise DataError(
            f"silver: {check.known_as} looks into {check.table}, and there is no such table",
            hint=f"lakehouse-nlp run --project {project}",
        )
    rows = ctx.tables.read(check.table)
    if check.of not in rows.columns:
        guess = did_you_mean(check.of, rows.columns) or f"; there are {listed(rows.columns)}"
        raise DataError(
            f"silver: {check.known_as} looks into {check.within}, and there is no such column{guess}",
            hint=f"name one that is there: in: {check.table}.COLUMN",
        )
    return rows


def _record(ctx: Context, said: list[Result], upto: int) -> None:
    ctx.tables.ensure("ops.checks")
    project = ctx.settings.project
    rows = [(project, ctx.run_id, *result.row()) for result in said]
    once = (f"{project}.checks.{recipe(ctx.settings, SILVER)}", upto)  # a range that is read again counts the same
    ctx.tables.record("ops.checks", rows, once=once)
