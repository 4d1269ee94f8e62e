"""The commands for whoever begins: a project, its files, what a machine lacks, data to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lakehouse_nlp.cli import render
from lakehouse_nlp.cli.app import app
from lakehouse_nlp.cli.options import Env, Home, Json, Project, home_folder, project_name


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="Name of the new project: letters, digits and _.")],
    source: Annotated[Path, typer.Option("--from", help="A CSV, TSV, JSON, JSONL or Parquet file, plain or .gz.")],
    text: Annotated[list[str] | None, typer.Option("--text", help="A text column; once for each.")] = None,
    label: Annotated[str | None, typer.Option("--label", help="The label: a column, or a SQL expression.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="The column that tells rows apart.")] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Look at a file, and write a project that takes it from there to predictions.

    Example: lakehouse-nlp init reviews --from reviews.csv --label "case when stars > 3 then 'good' else 'bad' end"
    """
    from lakehouse_nlp.init import init_project

    made = init_project(home_folder(home), name, source, text or (), label, key)
    render.paths(made, f"next: lakehouse-nlp run --project {name}", as_json=json)


@app.command()
def add(
    files: Annotated[list[Path], typer.Argument(help="Files to bring.")],
    project: Project = None,
    inference: Annotated[bool, typer.Option("--inference", help="To be scored only, not learnt from.")] = False,
    home: Home = None,
    env: Env = "local",
    json: Json = False,
) -> None:
    """Bring further files to a project."""
    from lakehouse_nlp.core.settings import load
    from lakehouse_nlp.init import add_files

    where = home_folder(home)
    name = project_name(where, project)
    made = add_files(where, load(where, name, env), files, inference)
    render.paths(made, f"next: lakehouse-nlp run --project {name}", as_json=json)


@app.command()
def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Fetch the jars, and tell spark-submit about them.")] = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Say what this machine lacks for a run."""
    from lakehouse_nlp.doctor import examine, mend

    if fix:
        mend(render.talk)
    findings = examine(home_folder(home))
    render.findings(findings, as_json=json)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 2)


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Folder to write train/ and inference/ into.")],
    rows: Annotated[int, typer.Option("--rows", help="Rows to make.", min=1000)] = 24_000,
    json: Json = False,
) -> None:
    """Write made-up review files, with the mess of real ones, to try things on."""
    from lakehouse_nlp.demo.sample import write_samples

    then = f"next: lakehouse-nlp init reviews --from {folder}/train/reviews-2.csv"
    render.paths(write_samples(folder, rows), then, as_json=json)


@app.command()
def demo(
    home: Home = None, rows: Annotated[int, typer.Option("--rows", help="Sample rows to make.", min=1000)] = 24_000
) -> None:
    """Make sample reviews, run the whole path, and ask the predictions a question."""
    from lakehouse_nlp.cli.demo import demonstrate

    raise typer.Exit(demonstrate(home_folder(home), rows))
