"""What starts paths beside their cron expressions: files, work that `plan` finds, a trigger of retraining, a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.providers.standard.sensors.filesystem import FileSensor
from airflow.sdk import DAG, Asset, DeltaTriggerTimetable, Param, task
from airflow.sdk.exceptions import AirflowSkipException

from lakehouse_airflow.deployed import Deployment, Project
from lakehouse_airflow.path import SINCE, USUAL, arguments
from lakehouse_airflow.program import LakehouseOperator
from lakehouse_airflow.steps import retraining

ALWAYS, LONGEST = 10_000, timedelta(hours=1)  # as `lakehouse-nlp schedule` looks again after runs that failed


class Files(FileSensor):
    """Waits for files in a folder of the lake, whose path needs no connection; the triggerer has to see it."""

    @property
    def path(self) -> str:
        """What is looked for."""
        return str(self.filepath)


class Due(LakehouseOperator):
    """Asks `plan`; skips what comes after it where nothing is due."""

    def execute(self, context: Any) -> list[dict[str, Any]]:
        """The steps that are due, each with why."""
        found: list[dict[str, Any]] = self.call(*self.arguments)
        if not found and not context["params"].get("force"):
            raise AirflowSkipException("nothing is due")
        return found


def watch(deployed: Deployment, project: Project) -> DAG:
    """Starts the path when files wait in `raw/`, or, with `events`, when `plan` finds any work; never twice at once."""
    every = timedelta(seconds=project.every)
    with DAG(
        f"{project.dag_id}_watch",
        description="When there is work" if project.events else "When files come",
        schedule=DeltaTriggerTimetable(every) if project.events else "@continuous",
        start_date=SINCE,
        catchup=False,
        max_active_runs=1,
        tags=["lakehouse-nlp", project.name, "trigger"],
        default_args=USUAL,
    ) as dag:
        if project.events:
            found: Any = Due(task_id="plan", arguments=["plan"], **_asking(deployed, project))
        else:
            # Hidden files are still being copied; ingest moves all others away.
            found = Files(
                task_id="files", filepath=f"{project.raw}/*/[!._]*", poke_interval=project.every, deferrable=True,
                soft_fail=True,
            )  # fmt: skip
        found >> _start(project, every)
    return dag


def retrain(deployed: Deployment, project: Project) -> DAG:
    """Starts the path from gold on when a path's end found training due, or labels came; by hand, too."""
    labels = Asset(name=f"lakehouse_nlp_{project.name}_labels", uri=f"lakehouse-nlp://{project.name}/labels")
    with DAG(
        f"{project.dag_id}_retrain",
        description="When drift, new rows or labels ask for a model",
        schedule=retraining(project.name) | labels,
        start_date=SINCE,
        max_active_runs=1,
        tags=["lakehouse-nlp", project.name, "trigger"],
        params={"force": Param(False, type="boolean", title="Train even if no trigger has fired")},
        default_args=USUAL,
        render_template_as_native_obj=True,
    ) as dag:
        due = Due(task_id="plan", arguments=["plan", "gold", "train"], **_asking(deployed, project))
        due >> _start(project, timedelta(seconds=project.every), from_stage="gold", force="{{ params.force }}")
    return dag


def every_project(deployed: Deployment) -> DAG:
    """Starts the paths of all projects, `runs.max_concurrent` at a time: `lakehouse-nlp run --all`."""
    with DAG(
        "lakehouse_nlp_all",
        description="The paths of all projects, some at a time",
        schedule=None,
        max_active_runs=1,
        tags=["lakehouse-nlp"],
        default_args=USUAL,
    ) as dag:

        @task
        def paths(told: dict[str, Any]) -> list[str]:
            return [f"lakehouse_nlp_{name}" for name in told["projects"]]

        told = LakehouseOperator(task_id="projects", arguments=["projects"], **deployed.call)
        TriggerDagRunOperator.partial(
            task_id="run",
            wait_for_completion=True,
            deferrable=True,
            poke_interval=10,
            max_active_tis_per_dag=deployed.max_concurrent,
            map_index_template="{{ task.trigger_dag_id }}",
        ).expand(trigger_dag_id=paths(told.output))
    return dag


def _asking(deployed: Deployment, project: Project) -> dict[str, Any]:
    return {"project": project.name, **arguments(project), **deployed.call}


def _start(project: Project, every: timedelta, **conf: Any) -> TriggerDagRunOperator:
    """Runs the path and waits for its end; one that failed is run again, later and later."""
    return TriggerDagRunOperator(
        task_id="run",
        trigger_dag_id=project.dag_id,
        conf=conf or None,
        wait_for_completion=True,
        deferrable=True,
        poke_interval=10,
        retries=ALWAYS,
        retry_delay=every,
        retry_exponential_backoff=2,
        max_retry_delay=max(every, LONGEST),
    )
