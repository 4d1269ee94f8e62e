"""`run` of several projects, a process each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lakehouse_nlp.cli import render
from lakehouse_nlp.cli.render import first_line
from lakehouse_nlp.core.errors import LakehouseError, UsageError
from lakehouse_nlp.core.settings import Home, load
from lakehouse_nlp.core.settings.words import did_you_mean, listed
from lakehouse_nlp.core.stop import stoppable
from lakehouse_nlp.fleet import Ended, Fleet, gravest
from lakehouse_nlp.flow import chosen


def named(home: Path, names: Sequence[str] | None, *, every: bool) -> list[str]:
    """The projects that are meant, each once. Raises UsageError for one that is not there, or where there is none."""
    there = Home(home).projects()
    if every and names:
        raise UsageError("--all and --project", hint="choose one")
    if not there:
        raise UsageError(f"{home / 'conf/projects'} holds no project", hint="lakehouse-nlp init NAME --from FILE")
    for name in names or ():
        if name not in there:
            guess = did_you_mean(name, there) or f"; there are {listed(there)}"
            raise UsageError(f"no project {name!r}{guess}", hint="--project NAME, or --all")
    return list(dict.fromkeys(names or there))


@contextmanager
def fleet_of(
    home: Path, projects: Sequence[str], env: str, sets: Sequence[str] | None, *arguments: str
) -> Iterator[Callable[[str], Future[Ended]]]:
    """What starts a run of one of the projects, as many at a time as the least of them allows."""
    rooms = []
    for name in projects:
        with suppress(LakehouseError):  # its own run says what is wrong with its settings
            rooms.append(load(home, name, env, sets or ()).runs.max_concurrent)
    options = [
        *arguments,
        "--home",
        str(home),
        "--env",
        env,
        *(part for each in sets or () for part in ("--set", each)),
    ]
    with Fleet(min(rooms, default=1), render.talk) as fleet:
        yield lambda project: fleet.start(project, *options)


def run_several(
    home: Path, projects: Sequence[str], stages: Sequence[str], env: str, sets: Sequence[str] | None,
    *, force: bool, as_json: bool,
) -> int:  # fmt: skip
    """Runs the projects, and tells how each ended, in their order; the exit code is the gravest of theirs."""
    chosen(stages)
    arguments = (*stages, *(["--force"] if force else []))
    with stoppable(lambda: None), fleet_of(home, projects, env, sets, *arguments) as start:
        ended = [run.result() for run in [start(project) for project in projects]]
    summary(ended, as_json=as_json)
    return gravest([each.code for each in ended])


def summary(found: Sequence[Ended], *, as_json: bool) -> None:
    """Prints how runs ended, with the first line of what went wrong."""
    if as_json:
        render.data([vars(each) for each in found])
        return
    rows: list[list[Any]] = [
        [each.project, each.state, each.seconds, (each.report or {}).get("run_id"), first_line(each.error)]
        for each in found
    ]
    render.table(["project", "state", "seconds", "run", ""], rows)
    sys.stdout.flush()
