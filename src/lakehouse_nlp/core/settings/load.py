"""Loads a project's settings: layers merged, every fault told at once with its file and line."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.settings import crosschecks, featurechecks, report, searchchecks
from lakehouse_nlp.core.settings.home import Home
from lakehouse_nlp.core.settings.layers import (
    Fault,
    Layer,
    Origin,
    dotted,
    from_environment,
    from_file,
    from_sets,
    merge,
)
from lakehouse_nlp.core.settings.models import Settings
from lakehouse_nlp.core.settings.suites import with_suites
from lakehouse_nlp.core.settings.words import did_you_mean, listed, shown

_PROJECT_RANK = 1
# How something is done, where the result is the same: with another of these, nothing is to be made anew.
_HOW = {"gold": {"nlp": {"annotators"}}}


def load(home: Path, project: str, env: str = "local", sets: Sequence[str] = ()) -> Settings:
    """The settings of a project. Later layers win: `conf/base.yml`, the project's file (after that of the project which
    it `extends`), `conf/envs/<env>.yml`, environment variables, `sets` (each `section.key=value`, as of `--set`).

    Mappings merge, lists and single values are replaced; suites (`conf/suites`) are added to the checks. `base.yml` and
    the env file may be the packaged ones.

    Raises:
        UsageError: there is no such project or env; or the settings have faults, all of them in one message.

    """
    place = Home(home)
    _must_exist(place, project, env)
    layer = _layers(place, project, env, sets)
    faults = list(layer.faults) + _renamed(layer, project)
    values = {**layer.values, "project": project}
    settings, found = _validated(values)
    found += (
        []
        if layer.unread
        else [*crosschecks.problems(values), *featurechecks.problems(values), *searchchecks.problems(values)]
    )
    faults += _located(found, layer)
    if faults or settings is None:
        raise _refusal(project, faults)
    return settings


def settings_hash(settings: Settings, *sections: str) -> str:
    """16 hex digits that change when, and only when, a named section does (`columns`, `gold.nlp`); all if none is
    named. What says how, and not what, does not count.
    """
    values = settings.model_dump(mode="json", exclude=_HOW)
    part: Any = {name: reduce(lambda tree, key: tree[key], name.split("."), values) for name in sections} or values
    return hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()[:16]


def _must_exist(home: Home, project: str, env: str) -> None:
    file = home.project_file(project)
    if project not in (projects := home.projects()):
        there = f"; there are {listed(projects)}" if projects else "; there are no projects yet"
        guess = did_you_mean(project, projects)
        hint = f"lakehouse-nlp init {project} --from FILE"
        raise UsageError(f"no project {project!r}: {file} does not exist{guess or there}", hint=hint)
    if env not in (envs := home.envs()):
        guess = did_you_mean(env, envs) or f"; there are {listed(envs)}"
        raise UsageError(f"no env {env!r}: {home.path}/conf/envs/{env}.yml does not exist{guess}", hint="--env local")


def _layers(home: Home, project: str, env: str, sets: Sequence[str]) -> Layer:
    base, own, place = home.conf_file("base.yml"), home.project_file(project), home.conf_file(f"envs/{env}.yml")
    layers = [from_file(file, home.shown(file), rank) for rank, file in enumerate((base, own, place))]
    ranks = len(layers)
    layers[1:1] = _extended(home, layers[_PROJECT_RANK])
    layers += from_environment(os.environ, ranks)
    layers += from_sets(sets, ranks + 1)
    # What is missing altogether is missing in the project's file.
    top = Layer(origins={(): Origin(_PROJECT_RANK, 0, home.shown(own))})
    return with_suites(reduce(merge, layers, top), home, project, _PROJECT_RANK)


def _extended(home: Home, own: Layer) -> list[Layer]:
    """The project that this one extends, without its name; it may not extend another itself."""
    named = own.values.get("extends")
    if not isinstance(named, str):
        return []
    if named not in (projects := home.projects()):
        guess = did_you_mean(named, projects) or f"; there are {listed(projects)}"
        return [Layer(faults=(Fault(own.origin(("extends",)), f"extends: no such project {named!r}{guess}"),))]
    file = home.project_file(named)
    other = from_file(file, home.shown(file), _PROJECT_RANK)
    if "extends" in other.values:
        text = f"extends: {named} extends {other.values['extends']} itself; name that one, or copy what is needed"
        return [Layer(faults=(Fault(own.origin(("extends",)), text),))]
    return [replace(other, values={key: value for key, value in other.values.items() if key != "project"})]


def _renamed(layer: Layer, project: str) -> list[Fault]:
    named = layer.values.get("project", project)
    text = f"project: the file's name says {project!r}, and this says {shown(named)}; leave it out"
    return [] if named == project else [Fault(layer.origin(("project",)), text)]


def _validated(values: dict[str, Any]) -> tuple[Settings | None, list[report.Problem]]:
    try:
        return Settings.model_validate(values), []
    except ValidationError as error:
        return None, report.problems(error, values)


def _located(found: list[report.Problem], layer: Layer) -> list[Fault]:
    """Problems as faults, the first of each place; where a file could not be read nobody knows what is missing."""
    first = {loc: text for loc, text in reversed(found) if not (layer.unread and text == "missing")}
    return [Fault(layer.origin(loc), f"{dotted(loc)}: {text}" if loc else text) for loc, text in first.items()]


def _refusal(project: str, faults: list[Fault]) -> UsageError:
    lines = "".join(f"\n  {fault}" for fault in sorted(set(faults)))
    many = "1 fault" if len(set(faults)) == 1 else f"{len(set(faults))} faults"
    hint = f"mend that, then: lakehouse-nlp validate --project {project}"
    return UsageError(f"{many} in the settings of project {project}:{lines}", hint=hint)
