"""What several commands ask for: options, and a context opened by them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse_nlp.core.errors import UsageError

if TYPE_CHECKING:
    from lakehouse_nlp.core.context import Context

Home = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of conf/, lake/ and mlflow/. [default: LAKEHOUSE_NLP_HOME, or here]"),
]
Project = Annotated[str | None, typer.Option("--project", "-p", help="Project; may be left out where there is one.")]
Env = Annotated[str, typer.Option("--env", "-e", help="Environment: conf/envs/<env>.yml.")]
Sets = Annotated[list[str] | None, typer.Option("--set", help="A setting for this time: train.seed=7.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def home_folder(home: Path | None) -> Path:
    """The home that is asked for, or that of the environment or of this folder."""
    from lakehouse_nlp.core.settings import Home as Folder

    return (home.expanduser() if home else Folder.find(Path.cwd()).path).resolve()


def project_name(home: Path, project: str | None) -> str:
    """The project that is asked for, or the home's only one. Raises UsageError where it has more, or none."""
    from lakehouse_nlp.core.settings import Home as Folder

    there = Folder(home).projects()
    if project or len(there) == 1:
        return project or there[0]
    raise UsageError(
        f"which project? {home / 'conf/projects'} holds {', '.join(there) or 'none'}",
        hint="--project NAME" if there else "lakehouse-nlp init NAME --from FILE, or lakehouse-nlp demo",
    )


def open_context(home: Path | None, project: str | None, env: str, sets: list[str] | None) -> Context:
    """The context of a project; the session starts with the first stage that needs one. Raises UsageError for settings
    that do not hold.
    """
    from lakehouse_nlp.core.context import Context

    where = home_folder(home)
    return Context.open(where, project_name(where, project), env, sets or ())
