"""What the DAGs are made of: the stages, and the projects with how they are to be run."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

DAGS = Path(__file__).resolve().parents[1]
POOL = "LAKEHOUSE_AIRFLOW_POOL"  # the variable that names the pool of all tasks, where it is not the default one
WHERE = "LAKEHOUSE_AIRFLOW_PROJECTS"  # the variable that names projects.json, where it is not beside the DAGs


@dataclass(frozen=True)
class Stage:
    """A stage of the package's path; `after`: the stages that it waits for."""

    name: str
    does: str
    after: tuple[str, ...]


@dataclass(frozen=True)
class Project:
    """A project, and the section `runs` of its settings, times in seconds; `error`: what is wrong with them."""

    name: str
    description: str
    error: str | None
    raw: str | None
    cron: str | None
    files: bool
    events: bool
    every: float
    tries: int
    wait: float
    backoff: float
    jitter: float
    timeouts: dict[str, float | None]
    deadline: float | None

    @property
    def dag_id(self) -> str:
        """Of the project's path."""
        return f"lakehouse_nlp_{self.name}"


@dataclass(frozen=True)
class Deployment:
    """Where the program and its home folder are, and the projects in it."""

    program: str
    home: str
    env: str
    max_concurrent: int
    projects: tuple[Project, ...]

    @property
    def call(self) -> dict[str, str]:
        """What every operator is given; the Airflow variables of these names come before what was deployed."""
        values = {"program": self.program, "home": self.home, "env": self.env}
        return {name: f"{{{{ var.value.get('lakehouse_nlp_{name}', {value!r}) }}}}" for name, value in values.items()}


def stages() -> tuple[Stage, ...]:
    """The stages in order."""
    found = json.loads((DAGS / "stages.json").read_text(encoding="utf-8"))
    return tuple(Stage(each["name"], each["does"], tuple(each["after"])) for each in found)


def deployment() -> Deployment:
    """What `lakehouse-nlp projects --json` wrote. Raises FileNotFoundError with the next command where it did not."""
    path = Path(os.environ.get(WHERE) or DAGS / "projects.json")
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there\n  next: lakehouse-nlp projects --home HOME --json > {path}")
    told = json.loads(path.read_text(encoding="utf-8"))
    found = tuple(_project(name, each) for name, each in told["projects"].items())
    return Deployment(told["program"], told["home"], told["env"], told["max_concurrent"], found)


def _project(name: str, told: dict[str, Any]) -> Project:
    return Project(name=name, **{each.name: told[each.name] for each in fields(Project) if each.name != "name"})
