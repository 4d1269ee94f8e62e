"""The path of a project: a task for each stage, and a last one that fails where any of them refused something."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, DeadlineAlert, DeadlineReference, Param, SyncCallback

from lakehouse_airflow.alerts import late, tell
from lakehouse_airflow.deployed import POOL, Deployment, Project, stages
from lakehouse_airflow.program import Tries
from lakehouse_airflow.steps import Look, StageOperator, Verdict

SINCE = datetime(2024, 1, 1, tzinfo=timezone.utc)
USUAL = {"owner": "lakehouse-nlp", "pool": os.environ.get(POOL, "default_pool")}
GRACE = timedelta(minutes=10)  # beside the step itself: to start, to wait for another run of the project, to end
DOC = """
The stages of `lakehouse-nlp run`, each a process of the package's own environment:

{stages}

A DAG run is one run of the project: `lakehouse-nlp runs show ID` tells it in full, with the ID that a task returns.
Only faults that can pass are tried again. `verdict` fails where files or a candidate were refused; all else is done.
"""


def path(deployed: Deployment, project: Project) -> DAG:
    """The DAG that runs the project's stages, one run at a time."""
    names = [stage.name for stage in stages()]
    with DAG(
        project.dag_id,
        description=project.error or project.description,
        doc_md=DOC.format(stages="\n".join(f"- `{stage.name}` {stage.does}" for stage in stages())),
        schedule=CronTriggerTimetable(project.cron, timezone="UTC") if project.cron else None,
        start_date=SINCE,
        catchup=False,
        max_active_runs=1,
        tags=["lakehouse-nlp", project.name],
        params={
            "from_stage": Param(names[0], enum=names, title="From this stage on"),
            "force": Param(False, type="boolean", title="Run stages even if they have nothing new"),
        },
        default_args=arguments(project),
        deadline=_deadline(project),
    ) as dag:
        made = {
            stage.name: StageOperator(
                task_id=stage.name,
                doc_md=stage.does,
                before=names[: names.index(stage.name)],
                execution_timeout=_limit(project, stage.name),
                project=project.name,
                **deployed.call,
            )
            for stage in stages()
        }
        for stage in stages():
            for name in stage.after:
                made[name] >> made[stage.name]
        look = Look(task_id="look_for_retraining", project=project.name, **deployed.call)
        made[names[-1]] >> [look, Verdict(task_id="verdict", stages=names, project=project.name)]
    return dag


def arguments(project: Project) -> dict[str, Any]:
    """How a task of the project is tried, and who is told."""
    return {
        **USUAL,
        "retries": project.tries - 1,
        "retry_policy": Tries(project.wait, project.backoff, project.jitter),
        "on_failure_callback": tell,
    }


def _limit(project: Project, stage: str) -> timedelta | None:
    """When Airflow ends what the program's own limit has not."""
    seconds = project.timeouts[stage]
    return None if seconds is None else timedelta(seconds=seconds) + GRACE


def _deadline(project: Project) -> DeadlineAlert | None:
    if project.deadline is None:
        return None
    interval = timedelta(seconds=project.deadline)
    callback = SyncCallback(late, kwargs={"project": project.name, "deadline": str(interval)})
    return DeadlineAlert(reference=DeadlineReference.DAGRUN_QUEUED_AT, interval=interval, callback=callback)
