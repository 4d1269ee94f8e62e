"""The commands for whoever is on call: runs of the past, several projects at once, a schedule, a blocked project."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from lakehouse_nlp.cli import render
from lakehouse_nlp.cli.app import app
from lakehouse_nlp.cli.options import Env, Home, Json, Project, Sets, home_folder, open_context

PAUSE = 2.0  # seconds between two questions to the schedule

HELP = {"help_option_names": ["-h", "--help"]}
history, alerts = typer.Typer(context_settings=HELP), typer.Typer(context_settings=HELP, no_args_is_help=True)
app.add_typer(history, name="runs")
app.add_typer(alerts, name="alerts", help="Say who is told when something goes wrong, and try it.")


@history.callback(invoke_without_command=True)
def runs(
    called: typer.Context,
    last: Annotated[int, typer.Option("--last", help="How many, newest first.", min=1)] = 10,
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    json: Json = False,
) -> None:
    """List a project's runs: state, time, and what went wrong. `runs show ID` tells one in full.

    Examples: lakehouse-nlp runs --last 3; lakehouse-nlp runs show 20240501T120000-1a2b3c
    """
    from lakehouse_nlp.core.history import runs as found

    if called.invoked_subcommand is None:
        render.runs(found(open_context(home, project, env, None), last), as_json=json)


@history.command("show")
def show(
    run_id: Annotated[str, typer.Argument(help="The run's id, as lakehouse-nlp runs lists it.")],
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    json: Json = False,
) -> None:
    """Show a run: every try of every step, with rows, seconds, what it used, and what went wrong."""
    from lakehouse_nlp.core.history import run as found

    render.run(found(open_context(home, project, env, None), run_id), as_json=json)


@app.command()
def unblock(
    why: Annotated[str, typer.Option("--why", help="What was wrong and was done about it; kept in ops.")],
    scoring: Annotated[bool, typer.Option("--scoring", help="Let it score in spite of monitoring's verdicts.")] = False,
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    json: Json = False,
) -> None:
    """Open a project again that was blocked because its runs failed in a row, or whose scoring monitoring blocks.

    Examples: lakehouse-nlp unblock --project demo --why "the supplier sends the column again";
    lakehouse-nlp unblock --scoring --why "a sale: these prices are right"
    """
    from lakehouse_nlp.core import actions
    from lakehouse_nlp.core.breaker import unblock as unblocked

    with closing(open_context(home, project, env, None)) as ctx:
        ctx.ready()
        if scoring:
            verdicts = actions.clear(ctx, why)
            told = {"project": ctx.settings.project, "scoring_blocked": False, "verdicts": verdicts, "why": why}
            render.message(told, f"{ctx.settings.project} may score again; next: lakehouse-nlp run", as_json=json)
            return
        failed = [run["run_id"] for run in unblocked(ctx, why)]
    value = {"project": ctx.settings.project, "blocked": False, "failed": failed, "why": why}
    render.message(value, f"{ctx.settings.project} is open again; next: lakehouse-nlp run", as_json=json)


@alerts.callback()
def alerting() -> None:
    """Try whether alerts arrive. What was told is in ops.alerts."""


@alerts.command("test")
def try_alerts(
    security: Annotated[bool, typer.Option("--security", help="The contact that is told of blocked projects.")] = False,
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    sets: Sets = None,
    json: Json = False,
) -> None:
    """Send a message to every address of alerts.operators, or of alerts.security. Exit code 1 where one has not got it.

    Example: lakehouse-nlp alerts test --security
    """
    from lakehouse_nlp.core.alerts import try_out

    found = try_out(open_context(home, project, env, sets), "security" if security else "operators")
    if json:
        render.data([vars(each) for each in found])
    else:
        render.table(["address", "", ""], [[e.address, "failed" if e.error else "sent", e.error] for e in found])
    raise typer.Exit(1 if any(each.error for each in found) else 0)


@app.command()
def schedule(
    project: Annotated[list[str] | None, typer.Option("--project", "-p", help="Projects; all if left out.")] = None,
    runs: Annotated[int | None, typer.Option("--runs", help="End after so many runs.", min=1)] = None,
    home: Home = None,
    env: Env = "local",
    sets: Sets = None,
    json: Json = False,
) -> None:
    """Run projects whenever their settings say (runs.schedule): by cron, when files came, when there is work.

    Goes on until Ctrl-C or SIGTERM, which end the runs that are on, too. Example: lakehouse-nlp schedule
    """
    import time

    from lakehouse_nlp.cli.several import fleet_of, named, summary
    from lakehouse_nlp.core.context import utc_now
    from lakehouse_nlp.core.stop import stoppable
    from lakehouse_nlp.schedule import Scheduler, keep

    where = home_folder(home)
    projects = named(where, project, every=not project)
    scheduler = Scheduler(lambda name: open_context(where, name, env, sets), utc_now, render.talk)
    scheduler.expect(projects)
    with stoppable(lambda: None), fleet_of(where, projects, env, sets) as start:
        for ended in keep(projects, scheduler, start, time.sleep, runs=runs, pause=PAUSE):
            summary([ended], as_json=json)
