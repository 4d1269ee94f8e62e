"""All of it in one call, recorded as a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lakehouse_nlp.core import disk, duck
from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.disk import Room
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.lease import BACKUP, lease
from lakehouse_nlp.core.runs import Record
from lakehouse_nlp.maintain import leftovers
from lakehouse_nlp.maintain.leftovers import Leftover
from lakehouse_nlp.maintain.tables import Upkeep, looked_after


@dataclass(frozen=True)
class Maintained:
    """What became of tables, or would become, and of what runs leave beside them; the disk before it."""

    tables: tuple[Upkeep, ...]
    leftovers: tuple[Leftover, ...]
    disk: tuple[Room, ...]

    @property
    def files(self) -> int:
        """Files that went, or would go."""
        return sum(each.removed for each in self.tables) + sum(each.files for each in self.leftovers if each.goes)

    @property
    def megabytes(self) -> float:
        """Of them, 10^6 bytes."""
        size = sum(each.megabytes for each in self.tables)
        return round(size + sum(each.megabytes for each in self.leftovers if each.goes), 3)


def maintain(ctx: Context, *, dry_run: bool = False, order: bool = False) -> Maintained:
    """Looks after every table of the project and of `ops`, one after the other, and after what runs left; `dry_run`
    says what would go now.

    `order`: files of `KEYS` that overlap in their keys are written anew in their order, which takes a session.

    Waits for a run of the project that is on, and for a backup. Killed anywhere, every table is whole, and the next
    call does the rest. Raises UsageError where a catalog keeps the tables.
    """
    if ctx.settings.lake.catalog:
        hint = "OPTIMIZE and VACUUM there; keep the versions of gold that lakehouse-nlp models N tells"
        raise UsageError(f"the tables are kept by the catalog {ctx.settings.lake.catalog}", hint=hint)
    with lease(ctx, BACKUP), lease(ctx):
        return _done(ctx, dry_run=True) if dry_run else _recorded(ctx, order=order)


def _recorded(ctx: Context, *, order: bool) -> Maintained:
    """Does it, with a run and a step in `ops` about it."""
    record, began = Record(ctx, ("maintain",)), ctx.clock()
    record.begin()
    record.begins("maintain")
    ctx.sign("maintain")
    try:
        found = _done(ctx, dry_run=False, order=order)
    except BaseException as error:
        record.fail(error)
        raise
    versions = ctx.versions(*(each.table for each in found.tables if "." not in each.table))
    note = f"{found.files:,} files removed, {found.megabytes:,.1f} MB"
    record.step("maintain", began, "done", StepResult(versions=versions, note=note))
    record.end("done")
    return found


def _done(ctx: Context, *, dry_run: bool, order: bool = False) -> Maintained:
    before, own = tuple(disk.rooms(ctx)), f"{ctx.settings.project}."
    mine = [name.removeprefix(own) for name in duck.tables(ctx.root) if name.startswith(own)]
    with _shared(ctx) as shared:
        tables = tuple(looked_after(ctx, [*mine, *shared], dry_run=dry_run, order=order))
    return Maintained(tables, tuple(leftovers.removed(ctx, dry_run=dry_run)), before)


@contextmanager
def _shared(ctx: Context) -> Iterator[list[str]]:
    """The tables of `ops`, which are every project's: for one of those that maintain at once."""
    from filelock import FileLock, Timeout

    lock = FileLock(ctx.root / ".upkeep")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        ctx.say("ops: another project looks after its tables at this moment")
        yield []
        return
    try:
        yield [name for name in duck.tables(ctx.root) if name.startswith("ops.")]
    finally:
        lock.release()
