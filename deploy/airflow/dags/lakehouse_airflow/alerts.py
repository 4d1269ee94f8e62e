"""What only Airflow sees is told by the project's own alerts; a run that failed by itself has told it already."""

from __future__ import annotations

import logging
import subprocess
from typing import Any

from lakehouse_airflow.deployed import deployment
from lakehouse_airflow.program import Refused, environment

log = logging.getLogger(__name__)
LONGEST = 600  # seconds that an alert may take


def tell(context: Any) -> None:
    """Called when a task has failed in the end: lost, out of Airflow's time, or by a call that tells nobody itself."""
    task, error = context["task"], context.get("exception")
    if isinstance(error, Refused) and task.tells:
        return
    why = str(error or "its worker was lost").partition("\n")[0]
    place = task if hasattr(task, "program") else deployment()
    _send(place, task.project, f"{task.dag_id}.{task.task_id} failed: {why}", "error")


def late(context: dict[str, Any], project: str, deadline: str) -> None:
    """Called when a run has not succeeded by its deadline (`runs.deadline`). Nothing is ended; what failed is told."""
    if context["dag_run"]["state"] == "failed":
        return
    _send(deployment(), project, f"a run of lakehouse_nlp_{project} has not ended within {deadline}", "warning")


def _send(place: Any, project: str, reason: str, severity: str) -> None:
    """Calls the program of a task, or of the deployment, for callbacks may read no Airflow variables. Fails nothing."""
    command = [place.program, "alerts", "send", reason, "--severity", severity, "--project", project]
    command += ["--home", place.home, "--env", place.env]
    try:
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=LONGEST, check=False)
        log.info("%s: exit code %d\n%s", reason, done.returncode, done.stderr)
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("%s: could not be told: %s", reason, error)
