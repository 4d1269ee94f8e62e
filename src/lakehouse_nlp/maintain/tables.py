"""Upkeep of a project's tables: small files become large ones, and files that nothing needs any more go.

Needed are the newest version, what is younger than `lake.retain_days`, every version of gold that a registered model
was trained on, and the changes that a stage has yet to read. The tables of `ops` are every project's, and looked after
while others write to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import Registry
from lakehouse_nlp.flow import STAGES

HOUR = timedelta(hours=1)
# Other projects' runs write to the tables of `ops` meanwhile: what they wrote and did not commit yet is younger.
SHARED = timedelta(days=1)
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


def looked_after(ctx: Context, names: Sequence[str], *, dry_run: bool, order: bool = False) -> Iterator[Upkeep]:
    """Looks after these tables (short names), one after the other."""
    for place, table in enumerate(names):
        yield _one(ctx, table, dry_run=dry_run, order=order)
        if ctx.progress:
            ctx.progress(place + 1, len(names), "table")


def _one(ctx: Context, table: str, *, dry_run: bool, order: bool) -> Upkeep:
    now = ctx.clock()
    least = SHARED if table.startswith("ops.") else _unread(ctx, table, now)
    kept_for = max(timedelta(days=ctx.settings.lake.retain_days), least)
    merged, into = (0, 0) if dry_run else _rewritten(ctx, table, order=order)
    versions = _of_models(ctx, table)  # by now in the files that were merged
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
    """The versions of the table that have the rows that registered models were trained on."""
    if table != "gold":
        return ()
    log = ctx.tables.log(table)
    return tuple(sorted({log.alike(int(version.tags["gold_version"])) for version in Registry(ctx).versions()}))


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
