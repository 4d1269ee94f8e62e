"""Brings a backed up project into a home, and asks it what SQL answered when it was backed up.

A mark in the project's folder says that it is half there: no run begins before the restore was finished, and the same
command goes on where it was killed.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lakehouse_nlp.backup import answers, contents, ledgers, registry
from lakehouse_nlp.backup.manifest import File, Manifest
from lakehouse_nlp.backup.store import Store, hashed
from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import RESTORING, Context
from lakehouse_nlp.core.errors import DataError, UsageError
from lakehouse_nlp.core.lease import BACKUP, lease
from lakehouse_nlp.core.registry import Registry

AT_ONCE = 8


@dataclass(frozen=True)
class Restored:
    """A backup that was brought, or would be: `copied` are the files that were not here, `known` all others; `answers`
    that were compared; `lost`: what took its place, a sentence each.
    """

    id: str
    project: str
    home: str
    copied: tuple[File, ...]
    known: tuple[File, ...]
    answers: int
    lost: tuple[str, ...] = ()


def restore(
    home: Path,
    place: str,
    project: str | None = None,
    env: str = "local",
    *,
    at: str | None = None,
    replace: bool = False,
    dry_run: bool = False,
    told: Callable[[Context], None] = lambda _: None,
) -> Restored:
    """Brings a project from a backup in `place`, the newest or the one called `at`, into a home.

    `replace`: in the place of the project that is there; `told` is given the context, to show what goes on. Killed
    anywhere, the same call does the rest. Raises UsageError where the backup is not whole, or a project would be lost;
    DataError where files are damaged, or SQL answers something else than when it was backed up.
    """
    store = Store(place, project or "")
    store.project = project or _only(store)
    manifest = store.manifest(at)
    _refuse_missing(store, manifest)
    with tempfile.TemporaryDirectory(prefix="lakehouse-nlp-restore-") as room:
        ctx = _context(store, manifest, home, env, Path(room))
        told(ctx)
        lost = () if _half_done(ctx, manifest.id) else tuple(_there(ctx, manifest))
        if lost and not replace and not dry_run:
            raise UsageError(
                f"{home} holds a project {manifest.project}; this would be lost:\n  " + "\n  ".join(lost),
                hint=f"lakehouse-nlp restore --from {place} --replace, or --home FOLDER for another home",
            )
        if dry_run:
            here = tuple(file for file in manifest.files if _size(ctx, file) == file.size)
            lacking = tuple(file for file in manifest.files if _size(ctx, file) != file.size)
            return Restored(manifest.id, manifest.project, str(home), lacking, here, 0, lost)
        with lease(ctx, BACKUP), lease(ctx):
            copied = _brought(ctx, store, manifest, Path(room))
            _compare(ctx, manifest)
            _mark(ctx).unlink()
    new = set(copied)
    kept = tuple(file for file in manifest.files if file not in new)
    return Restored(manifest.id, manifest.project, str(home), copied, kept, len(manifest.answers), lost)


def _only(store: Store) -> str:
    there = store.projects()
    if len(there) == 1:
        return there[0]
    raise UsageError(
        f"which project? {store.place} holds backups of {', '.join(there) or 'none that is whole'}",
        hint="--project NAME" if there else "lakehouse-nlp backup --to PLACE, where the project still is",
    )


def _refuse_missing(store: Store, manifest: Manifest) -> None:
    if missing := store.missing(manifest):
        paths = ", ".join(file.path for file in missing[:3]) + (" …" if len(missing) > 3 else "")
        others = [name for name in store.ids() if name != manifest.id]
        raise UsageError(
            f"backup {manifest.id} in {store.place} is not whole: {len(missing)} of {len(manifest.files)} files are "
            f"missing or cut off: {paths}",
            hint=f"--at {others[-1]}"
            if others
            else f"lakehouse-nlp backup --to {store.place}, where the project still is",
        )


# -- settings ---------------------------------------------------------------------------------------------------------


def _context(store: Store, manifest: Manifest, home: Path, env: str, room: Path) -> Context:
    """The project's context in the home, by the settings that it will have there; what is in the home already is shared
    with other projects, and stays.
    """
    look = room / "home"
    for file in manifest.files:
        if file.part == "conf":
            store.get(file, look / file.path)
    for name in _shared(home):
        (look / "conf" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(home / "conf" / name, look / "conf" / name)
    settings = Context.open(look, manifest.project, env).settings
    return Context(home=home.resolve(), settings=settings, env=env)


def _shared(home: Path) -> Iterator[str]:
    """Files of `conf/` that are there and every project's."""
    conf = home / "conf"
    for path in [conf / "base.yml", *sorted((conf / "envs").glob("*.yml"))]:
        if path.is_file():
            yield path.relative_to(conf).as_posix()


# -- what is there ----------------------------------------------------------------------------------------------------


def _mark(ctx: Context) -> Path:
    return ctx.folder / RESTORING


def _half_done(ctx: Context, name: str) -> bool:
    """Whether what is there was left by a restore of the same backup that was killed."""
    mark = _mark(ctx)
    return mark.exists() and json.loads(mark.read_text(encoding="utf-8"))["id"] == name


def _there(ctx: Context, manifest: Manifest) -> Iterator[str]:
    """What the home holds of the project, a sentence each."""
    if _mark(ctx).exists():
        yield f"what a restore that was not finished brought: {_mark(ctx).read_text(encoding='utf-8').strip()}"
    for file in manifest.files:
        place = _place(ctx, file) if file.part in ("conf", "home") else None
        if (
            place
            and place.exists()
            and file.path.removeprefix("conf/") not in _shared(ctx.home)
            and not _is(place, file)
        ):
            yield f"{place}, which differs"
    for name in duck.tables(ctx.root):
        if name.startswith(f"{ctx.settings.project}."):
            log = ctx.tables.log(name)
            yield f"{name}: {log.rows():,} rows, version {log.version()}"
    counted = ledgers.counted(ctx)
    if counted:
        yield f"{sum(counted.values()):,} rows of {', '.join(counted)}"
    found = registry.counted(ctx)
    if found:
        yield f"MLflow: {found.get('model_versions', 0)} versions, {found.get('runs', 0)} runs"


# -- bringing ---------------------------------------------------------------------------------------------------------


def _artifacts(ctx: Context) -> str:
    """The URI under which a home has the project's artifacts."""
    return Registry(ctx).location or (ctx.home / "mlflow" / "artifacts").as_uri()


def _place(ctx: Context, file: File) -> Path:
    return contents.place_of(file.path, ctx, registry.local(_artifacts(ctx)) or ctx.home / "mlflow" / "artifacts")


def _size(ctx: Context, file: File) -> int:
    if file.part in ("ops", "registry"):
        return -1
    place = _place(ctx, file)
    return place.stat().st_size if place.is_file() else -1


def _brought(ctx: Context, store: Store, manifest: Manifest, room: Path) -> tuple[File, ...]:
    """Puts everything into its place, and takes away what the backup has not; the files that had to be copied."""
    ctx.folder.mkdir(parents=True, exist_ok=True)
    _mark(ctx).write_text(json.dumps({"id": manifest.id, "from": store.place}), encoding="utf-8")
    wanted = {_place(ctx, file): file for file in _in_home(manifest)}
    stays = {place for place in wanted if _is(place, wanted[place])}
    _clear(ctx, stays)
    shared = {ctx.home / "conf" / name for name in _shared(ctx.home)}
    todo = [place for place in wanted if place not in shared | stays]
    # The log after what it names, from its first version on: whoever reads meanwhile sees a whole table or none.
    data = [place for place in todo if "_delta_log" not in place.parts]
    _copied(ctx, store, {place: wanted[place] for place in data})
    for place in sorted(set(todo) - set(data)):
        store.get(wanted[place], place)
    for link, target in manifest.links.items():
        place = ctx.folder / link
        place.unlink(missing_ok=True)
        place.symlink_to(target)
    made = _ops(ctx, store, manifest, room) + _models(ctx, store, manifest, room)
    return (*(wanted[place] for place in todo), *made)


def _in_home(manifest: Manifest) -> Iterator[File]:
    return (file for file in manifest.files if file.part not in ("ops", "registry"))


def _is(place: Path, file: File) -> bool:
    return place.is_file() and place.stat().st_size == file.size and hashed(place) == file.sha256


def _clear(ctx: Context, stays: set[Path]) -> None:
    """Takes away other files of tables, logs before what they name, and of copies of models: names come again there."""
    below = (place for part in ("tables", "models") for place in (ctx.folder / part).rglob("*"))
    there = [place for place in below if (place.is_file() or place.is_symlink()) and place not in stays]
    for place in sorted(there, key=lambda place: "_delta_log" not in place.parts):
        place.unlink()


def _copied(ctx: Context, store: Store, wanted: dict[Path, File]) -> None:
    def get(place: Path) -> None:
        store.get(wanted[place], place)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done, _ in enumerate(pool.map(get, wanted), 1):
            if ctx.progress:
                ctx.progress(done, len(wanted), "file copied")


def _ops(ctx: Context, store: Store, manifest: Manifest, room: Path) -> tuple[File, ...]:
    files = {file.path: file for file in manifest.files if file.part == "ops"}
    ledgers.forget(ctx, set(ledgers.counted(ctx)) - set(manifest.ops))
    for table, ledger in manifest.ops.items():
        file = files[f"ops/{table}.parquet"]
        store.get(file, room / file.path)
        ledgers.bring(ctx, table, ledger, room / file.path)
    return tuple(files.values())


def _models(ctx: Context, store: Store, manifest: Manifest, room: Path) -> tuple[File, ...]:
    if manifest.registry is None:
        return ()
    (file,) = (file for file in manifest.files if file.part == "registry")
    if not registry.is_database(ctx):
        raise UsageError(
            f"models: the backup holds MLflow's rows, and {Registry(ctx).uri()} is no database",
            hint="--env with mlflow.tracking_uri of a database",
        )
    store.get(file, room / file.path)
    was = manifest.registry["artifacts"]
    registry.bring(ctx, room / file.path, was, _artifacts(ctx) if registry.local(was) else was)
    return (file,)


# -- comparing --------------------------------------------------------------------------------------------------------


def _compare(ctx: Context, manifest: Manifest) -> None:
    """Raises DataError where SQL answers something else than when it was backed up."""
    versions = {name: version for name in manifest.versions if (version := ctx.tables.log(name).version()) is not None}
    found = answers.asked(ctx.root, manifest.project, versions)
    if differ := answers.differences(manifest.answers, found):
        raise DataError(
            f"{manifest.project} was restored, and answers otherwise than backup {manifest.id} did:\n  "
            + "\n  ".join(differ),
            hint=f"no run begins on it; take an earlier backup, or again: lakehouse-nlp restore --at {manifest.id}",
        )
