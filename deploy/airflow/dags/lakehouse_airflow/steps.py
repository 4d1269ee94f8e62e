"""The tasks of a path: a stage, the look for what it led to, and the verdict over all stages."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timezone
from typing import Any

from airflow.sdk import Asset, AssetAlias, BaseOperator, TriggerRule
from airflow.sdk.exceptions import AirflowSkipException

from lakehouse_airflow.program import LakehouseOperator, Refused, attempt


def predictions(project: str) -> Asset:
    """Its events say that predictions have come which passed all of scoring's checks."""
    return Asset(name=f"lakehouse_nlp_{project}_predictions", uri=f"lakehouse-nlp://{project}/predictions")


def retraining(project: str) -> Asset:
    """Its events say that a trigger of `train.retrain` has fired: drift, rows, age, quality."""
    return Asset(name=f"lakehouse_nlp_{project}_retraining", uri=f"lakehouse-nlp://{project}/retraining")


def run_id(dag_run: Any) -> str:
    """The id under which all tasks of a DAG run are one run of the project; a DAG run that was cleared gets another,
    and so do two DAGs that begin in one second.
    """
    began = dag_run.start_date.astimezone(timezone.utc)
    return f"{began:%Y%m%dT%H%M%S}-{hashlib.sha256(f'{dag_run.dag_id}/{dag_run.run_id}'.encode()).hexdigest()[:6]}"


class StageOperator(LakehouseOperator):
    """Runs one stage: one try, which the package records as a part of the run that all stages make up."""

    tells = True

    def __init__(self, *, task_id: str, before: Sequence[str], project: str, **kwargs: Any) -> None:
        """`before`: the stages that come before it, from which a run may be asked to begin later."""
        told = [AssetAlias(f"lakehouse_nlp_{project}_{task_id}")] if task_id == "score" else []
        super().__init__(
            task_id=task_id, arguments=["run", task_id], project=project, outlets=told,
            trigger_rule=TriggerRule.NONE_FAILED, **kwargs,
        )  # fmt: skip
        self.before = list(before)

    def execute(self, context: Any) -> dict[str, Any]:
        """The run's id, how the stage ended (`done`, `idle`, `rejected`), a line about it, and what was refused."""
        params, number = context["params"], attempt(context["ti"], self.retries)
        if params["from_stage"] not in (*self.before, self.task_id):
            raise AirflowSkipException(f"this run begins with {params['from_stage']}")
        force = ["--force"] if params["force"] else []
        run = ["--run-id", run_id(context["dag_run"]), "--attempt", str(number)]
        told = self.call(*self.arguments, *run, *force)
        for alias in self.outlets if told["state"] == "done" else ():
            context["outlet_events"][alias].add(predictions(self.project or ""))
        step = told["steps"].get(self.task_id, {})
        return {"run_id": told["run_id"], "state": told["state"], "note": step.get("note"), "refused": told["refused"]}


class Look(LakehouseOperator):
    """Asks whether training is due after all, and says so by an event: what was monitored may have fired a trigger."""

    def __init__(self, *, project: str, **kwargs: Any) -> None:
        alias = AssetAlias(f"lakehouse_nlp_{project}_due")
        super().__init__(arguments=["plan", "train"], project=project, outlets=[alias], **kwargs)

    def execute(self, context: Any) -> list[dict[str, Any]]:
        """What is due, and why."""
        found: list[dict[str, Any]] = self.call(*self.arguments)
        for step in found:
            for alias in self.outlets:
                context["outlet_events"][alias].add(retraining(self.project or ""), extra={"why": step["why"]})
        return found


class Verdict(BaseOperator):
    """Fails where stages refused files or a candidate, as `lakehouse-nlp run` ends with exit code 1 then."""

    tells = True  # a run that refused something is no failed one

    def __init__(self, *, stages: Sequence[str], project: str, **kwargs: Any) -> None:
        super().__init__(trigger_rule=TriggerRule.NONE_FAILED, **kwargs)
        self.stages, self.project = list(stages), project

    def execute(self, context: Any) -> str:
        """The id of the run. Raises Refused with all that was refused."""
        ended = [each for each in context["ti"].xcom_pull(task_ids=self.stages) if each]
        refused = [sentence for each in ended for sentence in each["refused"]]
        if refused:
            raise Refused("\n".join(refused))
        return str(ended[0]["run_id"])
