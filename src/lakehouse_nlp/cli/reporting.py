"""The command that writes a run's page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lakehouse_nlp.cli import render
from lakehouse_nlp.cli.app import app
from lakehouse_nlp.cli.options import Env, Home, Project, Sets, open_context


@app.command()
def report(
    run_id: Annotated[str | None, typer.Argument(help="The run's id; the last one if left out.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Write to this file, not to reports/ in the lake.")] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    sets: Sets = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON: the project, the run and the page's path.")] = False,
) -> None:
    """Write one HTML page of a run: rows, times, checks, rows set aside, model, drift, trends, cost. Starts nothing.

    The page stands alone: it needs no network and no other file.
    Examples: lakehouse-nlp report --open; lakehouse-nlp report 20240501T060000-1a2b3c --to run.html
    """
    from lakehouse_nlp.report import write

    ctx = open_context(home, project, env, sets)
    written = write(ctx, run_id, to)
    value = {"project": ctx.settings.project, "run_id": written.run_id, "path": str(written.path)}
    render.message(value, str(written.path), as_json=json)
    if show:
        typer.launch(written.path.as_uri())
