"""Backs a project up: what it is at one moment, pinned while no run is on; then copied while runs may go on."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lakehouse_nlp import __version__
from lakehouse_nlp.backup import answers, contents, ledgers, registry
from lakehouse_nlp.backup.contents import Found
from lakehouse_nlp.backup.manifest import File, Ledger, Manifest
from lakehouse_nlp.backup.store import Changed, Store, hashed
from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError, UsageError
from lakehouse_nlp.core.lease import BACKUP, lease
from lakehouse_nlp.core.registry import Registry

Item = TypeVar("Item")
# Files that are hashed or copied at once.
AT_ONCE = 8
# Files that never change once they are written.
FIXED = ("tables/", "artifacts/", "ops/", "registry/")


@dataclass(frozen=True)
class Taken:
    """A backup that was made, or would be: `copied` are the files that the place had not, `known` all others; `freed`:
    files that no backup needs any more, and their bytes.
    """

    id: str
    place: str
    copied: tuple[File, ...]
    known: tuple[File, ...]
    freed: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Pinned:
    """What a project is at one moment. `versions`: SQL name -> version."""

    versions: dict[str, int]
    ops: dict[str, Ledger]
    found: tuple[Found, ...]
    links: dict[str, str]
    registry: dict[str, str] | None


def backup(ctx: Context, place: str, *, keep: int | None = None, dry_run: bool = False) -> Taken:
    """Backs the project up to a folder or bucket; files that it has are not copied again.

    Waits for a run that is on, pins versions, and lets runs go on while it copies; `maintain` waits. `keep`: so many of
    the newest backups stay, and the others go. Killed anywhere, the backups before stay whole.

    Raises UsageError where a catalog keeps the tables, or there is nothing; DataError where files changed under it.
    """
    if ctx.settings.lake.catalog:
        hint = "DEEP CLONE there keeps tables with their versions; MLflow's server has a backup of its own"
        raise UsageError(f"the tables are kept by the catalog {ctx.settings.lake.catalog}", hint=hint)
    store = Store(place, ctx.settings.project)
    with tempfile.TemporaryDirectory(prefix="lakehouse-nlp-backup-") as room, lease(ctx, BACKUP):
        with lease(ctx):
            pinned = _pinned(ctx, Path(room))
        if dry_run:
            return _foreseen(ctx, store, pinned)
        store.begin(ctx.run_id)
        files, copied = _stored(ctx, store, pinned)
        asked = answers.asked(ctx.root, ctx.settings.project, pinned.versions)
        made_at, project = ctx.clock().isoformat(), ctx.settings.project
        at = (pinned.ops, pinned.registry, pinned.links)
        store.finish(Manifest(ctx.run_id, project, made_at, __version__, pinned.versions, asked, files, *at))
        freed = store.forget(keep) if keep else (0, 0)
    new = set(copied)
    return Taken(ctx.run_id, place, copied, tuple(file for file in files if file not in new), freed)


def _pinned(ctx: Context, room: Path) -> Pinned:
    """Versions of the tables; rows of `ops` and of MLflow as files of their own."""
    mine = f"{ctx.settings.project}."
    short = {n.removeprefix(mine): v for n in duck.tables(ctx.root) if n.startswith(mine) for v in _version(ctx, n)}
    if not short:
        raise UsageError(f"{ctx.settings.project} has no tables in {ctx.root}", hint="lakehouse-nlp run")
    ops = {name: version for name in ledgers.tables(ctx.root) for version in _version(ctx, name)}
    made = [Found(f"ops/{file.name}", file) for file in ledgers.export(ctx, ops, room)]
    where = registry.location(ctx) if registry.is_database(ctx) else None
    if where:
        registry.export(ctx, room / "mlflow.db")
        made.append(Found("registry/mlflow.db", room / "mlflow.db"))
    elif not registry.is_database(ctx):
        ctx.say(f"models: {Registry(ctx).uri()} keeps them, and backs them up itself")
    artifacts = registry.local(where) if where else None
    if where and artifacts is None:
        ctx.say(f"artifacts: {where} keeps them, and they stay there")
    return Pinned(
        versions={f"{mine}{table}": version for table, version in short.items()} | ops,
        ops={table: ledgers.described(ctx, table) for table in ops},
        found=(*made, *contents.files(ctx, short, artifacts)),
        links=contents.links(ctx.folder),
        registry={"artifacts": where} if where else None,
    )


def _version(ctx: Context, name: str) -> Iterator[int]:
    version = ctx.tables.log(name).version()
    if version is not None:
        yield version


def _foreseen(ctx: Context, store: Store, pinned: Pinned) -> Taken:
    """What would be copied, as far as sizes and times tell: nothing is read for it."""
    files = [File(each.path, each.place.stat().st_size, "", each.place.stat().st_mtime_ns) for each in pinned.found]
    known = {file for file in files if (file.path, file.size, file.modified) in store.known}
    return Taken(ctx.run_id, store.place, tuple(file for file in files if file not in known), tuple(known))


def _stored(ctx: Context, store: Store, pinned: Pinned) -> tuple[tuple[File, ...], tuple[File, ...]]:
    """Every file, after the store has it; and those that it had not."""
    files = [file for file in _together(ctx, "file read", lambda each: _hashed(ctx, store, each), pinned.found) if file]
    places = {each.path: each.place for each in pinned.found}
    new = {file.sha256: file for file in files if not store.has(file)}

    def put(file: File) -> File | None:
        try:
            store.put(places[file.path], file)
        except (Changed, FileNotFoundError) as error:
            _passed_over(ctx, file.path, error)
            return None
        return file

    copied = {file.sha256 for file in _together(ctx, "file copied", put, list(new.values())) if file}
    kept = tuple(file for file in files if file.sha256 in copied or file.sha256 not in new)
    return kept, tuple(file for file in new.values() if file.sha256 in copied)


def _hashed(ctx: Context, store: Store, each: Found) -> File | None:
    """A file by its hash: of one that an earlier backup has, as size and time tell, without reading it."""
    try:
        found = each.place.stat()
        known = store.known.get((each.path, found.st_size, found.st_mtime_ns))
        return File(each.path, found.st_size, known or hashed(each.place), found.st_mtime_ns)
    except FileNotFoundError as error:
        _passed_over(ctx, each.path, error)
        return None


def _passed_over(ctx: Context, path: str, error: Exception) -> None:
    """A file that comes or goes at this moment is left out; what must not change is missed."""
    if path.startswith(FIXED):
        raise DataError(
            f"{path} was changed or deleted while it was backed up: {error}",
            hint="run the same command again; lake.retain_days keeps files of tables longer than a backup takes",
        ) from error
    ctx.say(f"backup: {path} is still being written, or went; it is left out")


def _together(ctx: Context, what: str, work: Callable[[Item], File | None], items: Sequence[Item]) -> list[File | None]:
    """Works on the items, several at once, and tells how far it is."""
    found = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done, file in enumerate(pool.map(work, items), 1):
            found.append(file)
            if ctx.progress:
                ctx.progress(done, len(items), what)
    return found
