"""The commands along the path: what would be done, all that is due, or one stage that can keep going."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from lakehouse_nlp.cli import render
from lakehouse_nlp.cli.app import app
from lakehouse_nlp.cli.options import Env, Home, Json, Project, Sets, home_folder, open_context
from lakehouse_nlp.core.errors import UsageError

if TYPE_CHECKING:
    from lakehouse_nlp.core.context import Context
    from lakehouse_nlp.flow import Report

Stages = Annotated[list[str] | None, typer.Argument(help="Stages, in any order; all of them if left out.")]


@app.command()
def validate(
    project: Project = None, home: Home = None, env: Env = "local", sets: Sets = None, json: Json = False
) -> None:
    """Check settings, stages and SQL without touching data: every fault at once, with file and line."""
    ctx = open_context(home, project, env, sets)
    render.message(
        {"project": ctx.settings.project, "env": env, "valid": True},
        f"{ctx.settings.project}: settings are valid",
        as_json=json,
    )


@app.command()
def plan(
    stages: Stages = None,
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    sets: Sets = None,
    json: Json = False,
) -> None:
    """Say what run would do now, and why. Starts nothing."""
    from lakehouse_nlp import flow

    steps = flow.plan(open_context(home, project, env, sets), stages or ())
    render.plan(steps, as_json=json)


@app.command()
def run(
    stages: Stages = None,
    project: Annotated[
        list[str] | None,
        typer.Option("--project", "-p", help="Project, or several; may be left out where there is one."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Run every project, a process each.")] = False,
    home: Home = None,
    env: Env = "local",
    sets: Sets = None,
    force: Annotated[bool, typer.Option("--force", help="Run the stages even if they have nothing new.")] = False,
    run_id: Annotated[str | None, typer.Option("--run-id", help="Of an orchestrator: a run that calls share.")] = None,
    attempt: Annotated[
        int | None, typer.Option("--attempt", help="Of an orchestrator that makes the tries: its number.", min=1)
    ] = None,
    json: Json = False,
) -> None:
    """Run what is due: ingest, silver, gold, train, register, score, monitor.

    Of several projects, runs.max_concurrent run at a time, and the exit code is the gravest of theirs.
    Examples: lakehouse-nlp run; lakehouse-nlp run ingest silver --project demo; lakehouse-nlp run --all;
    lakehouse-nlp run gold --run-id 20240501T060000-1a2b3c --attempt 2
    """
    from lakehouse_nlp import flow
    from lakehouse_nlp.cli.progress import watched
    from lakehouse_nlp.core.runs import checked_id

    if every or len(project or ()) > 1:
        from lakehouse_nlp.cli.several import named, run_several

        if run_id or attempt:
            raise UsageError("--run-id and --attempt are of one project", hint="a call for each project")
        where = home_folder(home)
        projects = named(where, project, every=every)
        raise typer.Exit(run_several(where, projects, stages or (), env, sets, force=force, as_json=json))
    ctx = open_context(home, project[0] if project else None, env, sets)
    ctx.run_id = checked_id(run_id) if run_id else ctx.run_id
    with closing(ctx), watched(ctx, flow.chosen(stages or ())) as watch:
        report = flow.run(ctx, stages or (), force=force, watch=watch, attempt=attempt)
    render.report(report, as_json=json)
    raise typer.Exit(1 if report.refused else 0)


@app.command()
def ingest(
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    sets: Sets = None,
    keep: Annotated[bool, typer.Option("--watch/--once", help="Keep looking for new files until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option("--every", help="Seconds between two looks.", min=0.1)] = 5.0,
    json: Json = False,
) -> None:
    """Take the files in raw/ in: once, or whenever new ones come.

    Examples: lakehouse-nlp ingest; lakehouse-nlp ingest --watch --every 60
    """
    from lakehouse_nlp.cli.watch import reports

    _told(reports(lambda: open_context(home, project, env, sets), "ingest", every if keep else None), as_json=json)


@app.command()
def score(
    since: Annotated[str | None, typer.Option("--since", help="Only rows from this date or time on.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Only rows before this date or time.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Of this column; when they were taken in if left out.")] = None,
    version: Annotated[int | None, typer.Option("--version", help="By this version of the model, too.")] = None,
    follow: Annotated[bool, typer.Option("--follow/--once", help="Keep scoring what comes until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option("--every", help="Seconds between two looks of --follow.", min=0.1)] = 5.0,
    last: Annotated[str | None, typer.Option("--for", help="End --follow after this time: 90s, 30m, 8h, 7d.")] = None,
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    sets: Sets = None,
    json: Json = False,
) -> None:
    """Score what is not scored: all of it, or a window; once, or whenever more comes; by one version more, if asked.

    A window leaves what current_predictions shows alone; a further version is not shown before it is champion.
    Examples: lakehouse-nlp score; lakehouse-nlp score --follow --every 10 --for 8h; lakehouse-nlp score --version 3;
    lakehouse-nlp score --by day --since 2024-01-01 --until 2024-02-01
    """
    from lakehouse_nlp.cli.watch import followed, reports

    window = {"since": since, "until": until, "by": by}
    given = [*(sets or ()), *(f"score.window.{name}={value!r}" for name, value in window.items() if value is not None)]

    def opened() -> Context:
        asked = open_context(home, project, env, given).settings.score
        if follow and asked.window:
            raise UsageError("--follow, and a window of gold", hint="leave out the one or the other: a window ends")
        more = version is not None and version not in asked.models
        models = f"score.models=[{', '.join(map(str, (*asked.models, version)))}]"
        return open_context(home, project, env, [*given, models] if more else given)

    if last and not follow:
        raise UsageError(f"--for {last} without --follow", hint="lakehouse-nlp score --follow --for 8h")
    _told(followed(opened, every, last) if follow else reports(opened, "score"), as_json=json)


def _told(reports: Iterable[Report], *, as_json: bool) -> NoReturn:
    """Prints how each run ended, and exits with 1 where any of them refused something."""
    refused = False
    for report in reports:
        render.report(report, as_json=as_json)
        refused = refused or bool(report.refused)
    raise typer.Exit(1 if refused else 0)
