"""The commands that ask the tables: how a project stands, what holds in them, any query."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from lakehouse_nlp.cli import render
from lakehouse_nlp.cli.app import app
from lakehouse_nlp.cli.options import Env, Home, Json, Project, Sets, open_context
from lakehouse_nlp.core.errors import UsageError


@app.command()
def status(
    project: Project = None, home: Home = None, env: Env = "local", sets: Sets = None, json: Json = False
) -> None:
    """Show how a project stands: champion, tables, last run."""
    from lakehouse_nlp.status import status as found

    render.status(found(open_context(home, project, env, sets)), as_json=json)


@app.command("suggest-checks")
def suggest_checks(
    project: Project = None,
    table: Annotated[str, typer.Option("--table", help="The project's table to look at.")] = "silver",
    home: Home = None,
    env: Env = "local",
    yaml: Annotated[bool, typer.Option("--yaml", help="Print YAML to paste into the project. [default]")] = False,
    json: Json = False,
) -> None:
    """Look at a table, and propose checks that it keeps today, each with what speaks for it.

    Example: lakehouse-nlp suggest-checks --project demo
    """
    from lakehouse_nlp.suggest import as_yaml, suggest

    if yaml and json:
        raise UsageError("--yaml and --json", hint="choose one")
    found = suggest(open_context(home, project, env, None), table)
    render.suggestions(found, as_yaml(found), as_json=json)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="A query over <project>.<table> and ops.<table>.")],
    home: Home = None,
    project: Project = None,
    env: Env = "local",
    engine: Annotated[str, typer.Option("--engine", help="duckdb (no JVM) or spark.")] = "duckdb",
    form: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    json: Json = False,
) -> None:
    """Ask the tables by SQL.

    Example: lakehouse-nlp sql "select prediction, count(*) from demo.predictions group by all"
    """
    from lakehouse_nlp.query import answer

    if engine not in ("duckdb", "spark") or form not in ("table", "csv", "json"):
        raise UsageError(
            f"--engine {engine} --format {form}", hint="engines are duckdb and spark; formats are table, csv and json"
        )
    with closing(open_context(home, project, env, None)) as ctx:
        names, rows = answer(ctx, query, engine)
    render.rows(names, rows, "json" if json else form)
