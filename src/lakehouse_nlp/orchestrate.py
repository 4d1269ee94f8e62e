"""What an orchestrator has to know: the stages and what each waits for; the projects and how they are to be run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from lakehouse_nlp.core.errors import LakehouseError
from lakehouse_nlp.core.settings import Home, Settings, load
from lakehouse_nlp.core.settings.runs import Runs, span
from lakehouse_nlp.flow import NAMES, STAGES


def stages() -> list[dict[str, Any]]:
    """The stages in order: name, what each does, reads and writes, and `after`: the stages that write what it reads."""
    return [
        {
            "name": stage.name,
            "does": stage.does,
            "reads": list(stage.reads),
            "writes": list(stage.writes),
            "after": [other.name for other in STAGES if set(other.writes) & set(stage.reads)],
        }
        for stage in STAGES
    ]


def projects(home: Path, env: str) -> dict[str, Any]:
    """How to call this program over a home folder, and every project of it, by name. Times are in seconds.

    A project whose settings have a fault is told with the default ones and its `error`.
    """
    found = {name: _project(home, name, env) for name in Home(home).projects()}
    return {
        "program": str(Path(sys.executable).with_name("lakehouse-nlp")),
        "home": str(home),
        "env": env,
        "max_concurrent": min((each["max_concurrent"] for each in found.values()), default=1),
        "projects": found,
    }


def _project(home: Path, name: str, env: str) -> dict[str, Any]:
    try:
        settings = load(home, name, env)
    except LakehouseError as error:
        return {**_runs(Runs()), "error": str(error), "description": "", "raw": None}
    return {**_runs(settings.runs), "error": None, "description": settings.description, "raw": _raw(home, settings)}


def _raw(home: Path, settings: Settings) -> str:
    return f"{Home(home).lake(settings)}/{settings.project}/raw"


def _runs(runs: Runs) -> dict[str, Any]:
    retries, schedule = runs.retries, runs.schedule
    limits = {stage: runs.limit(stage) for stage in NAMES}
    return {
        "cron": schedule.cron,
        "files": schedule.files,
        "events": schedule.events,
        "every": span(schedule.every).total_seconds(),
        "tries": retries.tries,
        "wait": retries.wait_seconds,
        "backoff": retries.backoff,
        "jitter": retries.jitter_seconds,
        "timeouts": {stage: limit and limit.total_seconds() for stage, limit in limits.items()},
        "deadline": runs.deadline and span(runs.deadline).total_seconds(),
        "max_concurrent": runs.max_concurrent,
    }
