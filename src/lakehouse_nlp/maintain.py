"""Upkeep of a project's tables: small files become large ones, and files that nothing needs any more go.

Needed are the newest version, what is younger than `lake.retain_days`, every version of gold that a registered model
was trained on, and the changes that a stage has yet to read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.lease import lease
from lakehouse_nlp.core.registry import Registry
from lakehouse_nlp.core.runs import Record
from lakehouse_nlp.flow import STAGES

HOUR = timedelta(hours=1)
# Tables of one row a key, and the column that questions about a few rows go by.
KEYS = {"silver": "_key", "gold": "key", "predictions": "key"}


@dataclass(frozen=True)
class Upkeep:
    """What became of a table, or would become: files `merged` into fewer, files `removed` and their `megabytes` (10^6
    bytes); `versions` that models need, and for how many `hours` others were kept.
    """

    table: str
    merged: int
    into: int
    removed: int
    megabytes: float
    versions: tuple[int, ...]
    hours: int


def maintain(ctx: Context, *, dry_run: bool = False, order: bool = False) -> list[Upkeep]:
    """Looks after every table of the project, one after the other; `dry_run` says which files would go now.

    `order`: files of `KEYS` that overlap in their keys are written anew in their order, which takes a session.

    Waits for a run of the project that is on. Killed anywhere, every table is whole, and the next call does the rest.
    Raises UsageError where a catalog keeps the tables.
    """
    if ctx.settings.lake.catalog:
        hint = "OPTIMIZE and VACUUM there; keep the versions of gold that lakehouse-nlp models N tells"
        raise UsageError(f"the tables are kept by the catalog {ctx.settings.lake.catalog}", hint=hint)
    with lease(ctx):
        return list(_looked_after(ctx, dry_run=True)) if dry_run else _recorded(ctx, order=order)


def _recorded(ctx: Context, *, order: bool) -> list[Upkeep]:
    """Does it, with a run and a step in `ops` about it."""
    record, began = Record(ctx, ("maintain",)), ctx.clock()
    record.begin()
    record.begins("maintain")
    ctx.sign("maintain")
    try:
        found = list(_looked_after(ctx, dry_run=False, order=order))
    except BaseException as error:
        record.end("failed", str(error) or type(error).__name__, error)
        raise
    removed, megabytes = sum(each.removed for each in found), sum(each.megabytes for each in found)
    versions = ctx.versions(*(each.table for each in found))
    note = f"{removed:,} files removed, {megabytes:,.1f} MB"
    record.step("maintain", began, "done", StepResult(versions=versions, note=note))
    record.end("done")
    return found


def _looked_after(ctx: Context, *, dry_run: bool, order: bool = False) -> Iterator[Upkeep]:
    mine = f"{ctx.settings.project}."
    names = [name.removeprefix(mine) for name in duck.tables(ctx.root) if name.startswith(mine)]
    for place, table in enumerate(names):
        yield _one(ctx, table, dry_run=dry_run, order=order)
        if ctx.progress:
            ctx.progress(place + 1, len(names), "table")


def _one(ctx: Context, table: str, *, dry_run: bool, order: bool) -> Upkeep:
    versions, now = _of_models(ctx, table), ctx.clock()
    kept_for = max(timedelta(days=ctx.settings.lake.retain_days), _unread(ctx, table, now))
    merged, into = (0, 0) if dry_run else _rewritten(ctx, table, order=order)
    # Those that went with an earlier call are named, too.
    named = ctx.tables.vacuum(table, kept_for, versions, now, dry_run=True)
    gone = [path for name in named if (path := ctx.tables.path(table) / name).exists()]
    size = sum(path.stat().st_size for path in gone)
    if gone and not dry_run:
        ctx.tables.vacuum(table, kept_for, versions, now, dry_run=False)
    return Upkeep(table, merged, into, len(gone), round(size / 1e6, 3), versions, int(kept_for / HOUR))


def _rewritten(ctx: Context, table: str, *, order: bool) -> tuple[int, int]:
    """How many files were written together, and into how many. What was put in order just now is merged, too."""
    ordered = ctx.tables.order(table, KEYS[table]) if order and table in KEYS else (0, 0)
    return ordered if any(ordered) else ctx.tables.compact(table)


def _of_models(ctx: Context, table: str) -> tuple[int, ...]:
    """The versions of the table that registered models were trained on."""
    if table != "gold":
        return ()
    return tuple(sorted({int(version.tags["gold_version"]) for version in Registry(ctx).versions()}))


def _unread(ctx: Context, table: str, now: datetime) -> timedelta:
    """How long ago the oldest change came that a stage has still to read, and an hour; nothing where all is read."""
    log, ages = ctx.tables.log(table), [timedelta()]
    for stage in (stage for stage in STAGES if table in stage.reads):
        for target in stage.writes:
            recipe = ctx.settings.project if target.startswith("ops.") else None  # those tables are every project's
            last = ctx.tables.log(target).last(stage.name, recipe)
            since = last.upto.get(table) if last else None
            if since is not None and since < (log.changed() or 0):
                oldest = min(info["timestamp"] for version, info in log.commits() if version > since)
                ages.append(now - datetime.fromtimestamp(oldest / 1000, timezone.utc) + HOUR)
    return max(ages)
