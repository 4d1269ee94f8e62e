"""The commands that an orchestrator asks: which stages and projects there are, and whom to tell what it alone saw."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from lakehouse_nlp.cli import render
from lakehouse_nlp.cli.app import app
from lakehouse_nlp.cli.operating import alerts
from lakehouse_nlp.cli.options import Env, Home, Json, Project, Sets, home_folder, open_context
from lakehouse_nlp.core.errors import UsageError


@app.command()
def stages(json: Json = False) -> None:
    """List the stages in order: what each does, and after which others.

    Example: lakehouse-nlp stages --json > deploy/airflow/dags/stages.json
    """
    from lakehouse_nlp.orchestrate import stages as found

    if json:
        render.data(found())
    else:
        render.table(["stage", "does", "after"], [[s["name"], s["does"], ", ".join(s["after"])] for s in found()])


@app.command()
def projects(home: Home = None, env: Env = "local", json: Json = False) -> None:
    """List the projects: when each runs, how often a step is tried, and what is wrong with its settings.

    Example: lakehouse-nlp projects --json > projects.json
    """
    from lakehouse_nlp.orchestrate import projects as found

    told = found(home_folder(home), env)
    if json:
        render.data(told)
        return
    rows = [
        [name, each["cron"], each["files"], each["events"], each["tries"], render.first_line(each["error"])]
        for name, each in told["projects"].items()
    ]
    render.table(["project", "cron", "files", "events", "tries", ""], rows)


@alerts.command("send")
def send(
    reason: Annotated[str, typer.Argument(help="What happened.")],
    then: Annotated[str, typer.Option("--next", help="The command to begin with.")] = "lakehouse-nlp runs",
    severity: Annotated[str, typer.Option("--severity", help="note, warning, error or critical.")] = "error",
    run_id: Annotated[str | None, typer.Option("--run-id", help="The run that it is about.")] = None,
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    sets: Sets = None,
    json: Json = False,
) -> None:
    """Tell alerts.operators what an orchestrator saw and a run cannot tell; it is kept in ops.alerts as any other.

    Example: lakehouse-nlp alerts send "the worker of train was lost" --severity warning
    """
    from lakehouse_nlp.core.alerts import ORDER, alert
    from lakehouse_nlp.core.runs import checked_id

    known = next((each for each in ORDER if each == severity), None)
    if known is None:
        raise UsageError(f"--severity {severity}", hint=f"one of {', '.join(ORDER)}")
    with closing(open_context(home, project, env, sets)) as ctx:
        ctx.run_id = checked_id(run_id) if run_id else ctx.run_id
        ctx.ready()
        ctx.sign("alert")
        alert(ctx, known, reason, then)
    value = {"project": ctx.settings.project, "severity": severity, "reason": reason, "run_id": ctx.run_id}
    render.message(value, "it is in ops.alerts, with what came of it", as_json=json)
