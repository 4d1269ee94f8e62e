"""What a project consists of: files of its tables, folders, artifacts and settings, and where each goes in a home."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.settings import Home, Settings

# In the project's folder, but no part of it: rows of these files are in bronze; the rest is made anew by any run.
LEFT_OUT = ("processed", "quality", "chunks", "monitoring", "reports")
VERSION = re.compile(r"(\d{20})\.")


@dataclass(frozen=True)
class Found:
    """A file of a project: its path in a backup, and where it is."""

    path: str
    place: Path


def files(ctx: Context, versions: dict[str, int], artifacts: Path | None) -> Iterator[Found]:
    """The files of a project as of these versions of its tables (short names)."""
    for table, version in versions.items():
        yield from _table(ctx.tables.path(table), version)
    for folder in sorted(ctx.folder.glob("*")):
        if folder.is_dir() and folder.name not in (*LEFT_OUT, "tables") and not folder.name.startswith("."):
            yield from _below(folder, f"lake/{folder.name}")
    if artifacts:
        yield from _below(artifacts, "artifacts")
    yield from settings_files(ctx.home, ctx.settings, ctx.env)


def _table(folder: Path, version: int) -> Iterator[Found]:
    """The table's files, older versions' among them, so far as they are kept; of its log what led up to the version.

    Left out are what readers do without: checksums, and `_last_checkpoint`, which says of a later version.
    """
    for found in _below(folder, f"tables/{folder.name}"):
        in_log, number = "_delta_log" in found.place.parts, VERSION.match(found.place.name)
        if not in_log or (number and int(number[1]) <= version and found.place.suffix in (".json", ".parquet")):
            yield found


def _below(folder: Path, path: str) -> Iterator[Found]:
    for place in sorted(folder.rglob("*")):
        if place.is_file() and not place.name.startswith(".") and not linked(place, folder):
            yield Found(f"{path}/{place.relative_to(folder).as_posix()}", place)


def linked(place: Path, folder: Path) -> bool:
    """Whether a link leads there: what it leads to is stored where it is."""
    return any(part.is_symlink() for part in (place, *place.parents) if part.is_relative_to(folder) and part != folder)


def links(folder: Path) -> dict[str, str]:
    """The links below a project's folder: their path there, and where they lead."""
    found = {place.relative_to(folder).as_posix(): place for part in ("models",) for place in (folder / part).glob("*")}
    return {path: str(place.readlink()) for path, place in found.items() if place.is_symlink()}


def settings_files(home: Path, settings: Settings, env: str) -> Iterator[Found]:
    """The project's settings with those it extends, its suites, the home's own defaults, and the files they name."""
    place, conf = Home(home), home / "conf"
    own = [conf / "base.yml", *sorted((conf / "envs").glob("*.yml")), place.project_file(settings.project)]
    own += [place.project_file(settings.extends)] if settings.extends else []
    for file in [*own, *place.suites(settings.project)]:
        if file.is_file():
            yield Found(f"conf/{file.relative_to(conf).as_posix()}", file)
    for name in sorted(set(_named(settings))):
        if not Path(name).is_absolute():
            yield from _below(home / name, f"home/{name}") if (home / name).is_dir() else _one(home, name)


def _one(home: Path, name: str) -> Iterator[Found]:
    if (home / name).is_file():
        yield Found(f"home/{name}", home / name)


def _named(settings: Settings) -> Iterator[str]:
    """Files and folders that settings name, from the home folder where they are relative."""
    yield from (lookup.file for lookup in settings.features.lookups.values())
    if settings.gold.nlp.lemmas:
        yield settings.gold.nlp.lemmas
    folder = getattr(settings.features.text.vectors, "folder", None)
    if folder:
        yield str(folder)


def place_of(path: str, ctx: Context, artifacts: Path) -> Path:
    """Where a file of a backup goes in a home."""
    part, _, rest = path.partition("/")
    roots = {"tables": ctx.folder / "tables", "lake": ctx.folder, "artifacts": artifacts}
    roots |= {"conf": ctx.home / "conf", "home": ctx.home}
    return roots[part] / rest
