"""What runs leave beside tables: logs, work of killed runs, studies and trials of searches, files that nobody knows."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.maintain import trials

PLACES = "SELECT DISTINCT place FROM ops.files WHERE project = ? AND place IS NOT NULL"
REPORT = ".report.json"


@dataclass(frozen=True)
class Leftover:
    """Files of one kind that went, or would go; those that stay are told, too, where `goes` is False: nobody asked."""

    what: str
    files: int
    megabytes: float
    goes: bool = True


def removed(ctx: Context, *, dry_run: bool) -> Iterator[Leftover]:
    """Removes what is older than the settings of `retention` keep it, or was left by runs that are dead: none is on."""
    keep = ctx.settings.retention
    kinds = {
        "logs": (_older(ctx, _logs(ctx), keep.logs), True),
        "work of killed runs": (list(_work(ctx)), True),
        "studies": (_older(ctx, (ctx.folder / "models" / "search").glob("*.db"), keep.studies), True),
        "files that nobody knows": (_strays(ctx), keep.strays is not None),
    }
    for what, (found, goes) in kinds.items():
        yield Leftover(what, len(found), round(sum(map(_size, found)) / 1e6, 3), goes)
        for path in [] if dry_run or not goes else found:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    runs = trials.old(ctx)
    yield Leftover("trials", len(runs), round(sum(run.bytes for run in runs) / 1e6, 3))
    if not dry_run:
        trials.delete(ctx, runs)


def _older(ctx: Context, paths: Iterable[Path], days: float | None) -> list[Path]:
    if days is None:
        return []
    before = (ctx.clock() - timedelta(days=days)).timestamp()
    return sorted(path for path in paths if path.lstat().st_mtime < before)


def _logs(ctx: Context) -> Iterator[Path]:
    """Logs of runs, and their pages; Spark's event logs where they lie in the home: elsewhere they are other programs',
    too.
    """
    yield from (ctx.folder / "monitoring" / "logs").glob("*")
    yield from (ctx.folder / "reports").glob("*.html")
    events = str(ctx.settings.spark.conf.get("spark.eventLog.dir", "")).removeprefix("file:")
    folder = Path("/" + events.lstrip("/"))
    if events and folder.is_relative_to(ctx.home) and folder != ctx.home:
        yield from folder.glob("*")


def _work(ctx: Context) -> Iterator[Path]:
    """Chunks of files, and copies of models and pipelines that were not finished: no run is on beside this."""
    yield from (ctx.folder / "chunks").glob("*")
    for part in ("models", "nlp"):
        yield from (path for path in (ctx.folder / part).glob(".*") if path.is_dir() and not path.is_symlink())


def _strays(ctx: Context) -> list[Path]:
    """Files where runs put them that the ledger does not name; older than `retention.strays`, if it is set."""
    if not ctx.tables.log("ops.files").exists:
        return []
    named = {row["place"] for row in duck.rows(ctx.root, PLACES, [ctx.settings.project], only=["ops.files"])}
    there = [path for part in ("processed", "errors") for path in (ctx.folder / part).rglob("*") if path.is_file()]
    names = {path: path.relative_to(ctx.folder).as_posix() for path in there}
    unknown = [path for path, name in names.items() if name not in named and name.removesuffix(REPORT) not in named]
    return _older(ctx, unknown, ctx.settings.retention.strays or 0)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir())
