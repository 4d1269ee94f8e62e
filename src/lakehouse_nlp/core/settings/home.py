"""The home folder: `conf/` with the settings, and what relative paths in them count from."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lakehouse_nlp.core.packaged import packaged
from lakehouse_nlp.core.settings.models import Settings


@dataclass(frozen=True)
class Home:
    """Where a team keeps its `conf/`, and by default its `lake/` and `mlflow/`."""

    path: Path

    @classmethod
    def find(cls, start: Path, environ: Mapping[str, str] = os.environ) -> Home:
        """`LAKEHOUSE_NLP_HOME` if set; else `start`."""
        named = environ.get("LAKEHOUSE_NLP_HOME")
        if named:
            return cls(Path(named).expanduser().absolute())
        return cls(start.absolute())

    def conf_file(self, name: str) -> Path:
        """`base.yml` or `envs/<env>.yml`: the home's own, or else the packaged one."""
        own = self.path / "conf" / name
        return own if own.exists() else packaged("conf") / name

    def project_file(self, project: str) -> Path:
        """Where the project's settings are, or would be."""
        return self.path / "conf" / "projects" / f"{project}.yml"

    def projects(self) -> list[str]:
        """The names of the projects that have a file, sorted."""
        return sorted(file.stem for file in (self.path / "conf" / "projects").glob("*.yml"))

    def suites(self, project: str) -> list[Path]:
        """The project's files in `conf/suites`, sorted: `<project>*.json`, `.yml` and `.yaml`.

        Where the names of several projects fit, a file is of the longest: `reviews_new.json` is not of `reviews`.
        """
        files = (self.path / "conf" / "suites").glob(f"{project}*")
        others = [name for name in self.projects() if len(name) > len(project)]
        own = (file for file in files if not any(file.name.startswith(name) for name in others))
        return sorted(file for file in own if file.suffix in (".json", ".yml", ".yaml"))

    def envs(self) -> list[str]:
        """The names of the environments that have a file here or in the package, sorted."""
        folders = (self.path / "conf" / "envs", packaged("conf") / "envs")
        return sorted({file.stem for folder in folders for file in folder.glob("*.yml")})

    def lake(self, settings: Settings) -> Path:
        """The lake's root, absolute."""
        return self.path / settings.lake.root

    def shown(self, path: Path) -> str:
        """A path for messages: from the home folder where it is inside."""
        return path.relative_to(self.path).as_posix() if path.is_relative_to(self.path) else str(path)


def is_uri(root: str) -> bool:
    """Whether a place is named by a scheme, as in `s3://bucket/lake`, rather than by a path."""
    return re.match(r"[A-Za-z][\w+.-]+:/", root) is not None
