"""What only Airflow sees is told by the project's own alerts; a run that failed by itself has told it already."""

from __future__ import annotations

import logging
import subprocess
from typing import Any

from airflow.sdk import Variable

from lakehouse_airflow.deployed import deployment
from lakehouse_airflow.program import Refused, environment

log = logging.getLogger(__name__)


def tell(context: Any) -> None:
    """Called when a task has failed in the end: lost, out of Airflow's time, or by a call that tells nobody itself."""
    task, error = context["task"], context.get("exception")
    if isinstance(error, Refused) and task.tells:
        return
    where = f"{task.dag_id}.{task.task_id}"
    _send(task.project, f"{where} failed: {str(error or 'its worker was lost').partition(chr(10))[0]}", "error")


def late(context: dict[str, Any], project: str, deadline: str) -> None:
    """Called when a run has not succeeded by its deadline (`runs.deadline`). Nothing is ended; what failed is told."""
    if context["dag_run"]["state"] == "failed":
        return
    _send(project, f"a run of lakehouse_nlp_{project} goes on for longer than {deadline}", "warning")


def _send(project: str, reason: str, severity: str) -> None:
    """A failed alert fails nothing."""
    found = deployment()
    program, home, env = (
        Variable.get(f"lakehouse_nlp_{name}", default=getattr(found, name)) for name in ("program", "home", "env")
    )
    command = [program, "alerts", "send", reason, "--severity", severity, "--project", project, "--home", home]
    try:
        done = subprocess.run(
            [*command, "--env", env], env=environment(), capture_output=True, text=True, timeout=600, check=False
        )
        log.info("%s: exit code %d\n%s", reason, done.returncode, done.stderr)
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("%s: could not be told: %s", reason, error)
