"""A new project in a home folder: its settings, and its first data file where ingest finds it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.packaged import packaged
from lakehouse_nlp.core.settings import Home, load
from lakehouse_nlp.core.settings.crosschecks import RESERVED_PROJECTS
from lakehouse_nlp.init.files import add_files, copy_whole, data_file
from lakehouse_nlp.init.profile import profile
from lakehouse_nlp.init.render import render
from lakehouse_nlp.init.suggest import suggest

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def init_project(
    home: Path,
    name: str,
    source: Path,
    text: Sequence[str] = (),
    label: str | None = None,
    key: str | None = None,
    env: str = "local",
) -> list[Path]:
    """Writes `conf/projects/<name>.yml` from a look at `source`, and copies `source` into the project's `raw/train`.

    `conf/base.yml` and `conf/envs/*.yml` are copied from the package where the home has none. The project file is kept
    only if `load` accepts it and the data is in place. Gives the files that are new, and the data file's place.

    Raises:
        UsageError: a name that is none, a project that exists, or what `suggest` and `load` refuse.
        DataError: a file without rows, that cannot be read, or whose label has one value.

    """
    _check_name(name)
    target = Home(home).project_file(name)
    if target.exists():
        raise UsageError(f"project {name!r} exists: {target}", hint=f"take another name, or: rm {target}")
    written = render(suggest(profile(data_file(Path(source)).path), text, label, key))
    made = _defaults(home)
    with ExitStack() as undo:
        undo.callback(target.unlink, missing_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(written, encoding="utf-8")
        placed = add_files(home, load(home, name, env), [Path(source)])
        undo.pop_all()
    return [*made, target, *placed]


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        better = re.sub(r"\W+|_+", "_", name.lower()).strip("_0123456789")
        hint = f"lakehouse-nlp init {better or 'reviews'} --from FILE"
        raise UsageError(
            f"no project name: {name!r}; small letters, digits and _, a letter first, at most 64", hint=hint
        )
    if name in RESERVED_PROJECTS:
        raise UsageError(
            f"no project name: {name!r} is the lake's own schema", hint=f"lakehouse-nlp init {name}_data --from FILE"
        )


def _defaults(home: Path) -> list[Path]:
    """The packaged settings that the home does not have, copied into it."""
    origin = packaged("conf")
    files = [origin / "base.yml", *sorted((origin / "envs").glob("*.yml"))]
    missing = [file for file in files if not (home / "conf" / file.relative_to(origin)).exists()]
    for file in missing:
        copy_whole(file, home / "conf" / file.relative_to(origin))
    return [home / "conf" / file.relative_to(origin) for file in missing]
