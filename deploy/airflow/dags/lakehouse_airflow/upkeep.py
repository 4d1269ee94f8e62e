"""What is done over all projects and models: upkeep of the tables, and backfills by further versions of a model."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, Param, task

from lakehouse_airflow.alerts import tell
from lakehouse_airflow.deployed import Deployment
from lakehouse_airflow.path import SINCE, USUAL
from lakehouse_airflow.program import LakehouseOperator, Tries


def _usual(deployed: Deployment) -> dict[str, Any]:
    """As the project that asks for the most tries."""
    most = max(deployed.projects, key=lambda project: project.tries)
    return {
        **USUAL,
        "retries": most.tries - 1,
        "retry_policy": Tries(most.wait, most.backoff, most.jitter),
        "on_failure_callback": tell,
    }


def maintain(deployed: Deployment) -> DAG:
    """`lakehouse-nlp maintain` of each project that there is when it runs, some at a time."""
    with DAG(
        "lakehouse_nlp_maintain",
        description="Merges small files, and deletes what nothing needs any more",
        schedule=CronTriggerTimetable("0 3 * * 0", timezone="UTC"),
        start_date=SINCE,
        catchup=False,
        max_active_runs=1,
        tags=["lakehouse-nlp"],
        default_args=_usual(deployed),
    ) as dag:

        @task
        def names(told: dict[str, Any]) -> list[str]:
            return list(told["projects"])

        told = LakehouseOperator(task_id="projects", arguments=["projects"], **deployed.call)
        LakehouseOperator.partial(
            task_id="maintain",
            arguments=["maintain"],
            max_active_tis_per_dag=deployed.max_concurrent,
            map_index_template="{{ task.project }}",
            **deployed.call,
        ).expand(project=names(told.output))
    return dag


def backfill(deployed: Deployment) -> DAG:
    """Scores a window of gold, or all of it, by versions of a project's model; what is shown stays as it is."""
    projects = [project.name for project in deployed.projects]
    day = {"type": ["null", "string"], "format": "date"}
    with DAG(
        "lakehouse_nlp_backfill",
        description="Scores by further versions of a model, a task for each",
        schedule=None,
        tags=["lakehouse-nlp"],
        params={
            "project": Param(projects[0], enum=projects),
            "versions": Param([], type="array", items={"type": "integer"}, title="Versions; all, where none is named"),
            "since": Param(None, **day, title="Rows from this day on"),
            "until": Param(None, **day, title="Rows before this day"),
            "by": Param(None, type=["null", "string"], title="The column of days; when rows came, where none is named"),
        },
        default_args=_usual(deployed),
    ) as dag:

        @task
        def calls(models: list[dict[str, Any]], params: dict[str, Any]) -> list[list[str]]:
            asked = params["versions"] or [model["version"] for model in models]
            versions = [model["version"] for model in models if model["version"] in asked]
            window = [part for name in ("since", "until", "by") if params[name] for part in (f"--{name}", params[name])]
            return [["score", "--version", str(version), *window] for version in sorted(versions)]

        call = {**deployed.call, "project": "{{ params.project }}"}
        models = LakehouseOperator(task_id="models", arguments=["models"], **call)
        # One at a time: runs of a project wait for each other.
        LakehouseOperator.partial(
            task_id="score",
            max_active_tis_per_dag=1,
            map_index_template="{{ task.arguments | join(' ') }}",
            **call,
        ).expand(arguments=calls(models.output))
    return dag
