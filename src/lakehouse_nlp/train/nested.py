"""The trials of a search as runs of MLflow, nested under the run of the model that comes of it.

That run is begun with the search, and is taken up again where the search is: it is known by the study's file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import Registry
from lakehouse_nlp.train.study import Study, Trial

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

PARENT, NUMBER, STATE = "mlflow.parentRunId", "trial", "state"
RUN = "run_id"
MOST = 10_000


@dataclass(frozen=True)
class Runs:
    """The run of a search, and whom to ask for it."""

    client: MlflowClient
    experiment: str
    run_id: str
    metric: str

    def log(self, trial: Trial) -> None:
        """A nested run for a trial: its parameters, its figure, how it ended, and when."""
        from mlflow.entities import Metric, Param

        begun, ended = (int(1000 * seconds) for seconds in (trial.begun, trial.begun + trial.seconds))
        tags = {PARENT: self.run_id, NUMBER: str(trial.number), STATE: "pruned" if trial.pruned else "complete"}
        run_id = self.client.create_run(self.experiment, begun, tags, f"trial {trial.number}").info.run_id
        figures = {f"validation.{self.metric}": trial.value, "seconds": trial.seconds}
        self.client.log_batch(
            run_id,
            [Metric(name, value, ended, 0) for name, value in figures.items()],
            [Param(name, str(value)) for name, value in trial.params.items()],
        )
        self.client.set_terminated(run_id, "FINISHED", ended)

    def complete(self, trials: list[Trial]) -> None:
        """Logs the trials that have no run yet; a run that was not ended was left by a kill, and goes."""
        found = self.client.search_runs([self.experiment], f"tags.`{PARENT}` = '{self.run_id}'", max_results=MOST)
        for run in found:
            if run.info.status != "FINISHED":
                self.client.delete_run(run.info.run_id)
        logged = {run.data.tags[NUMBER] for run in found if run.info.status == "FINISHED"}
        for trial in trials:
            if str(trial.number) not in logged:
                self.log(trial)


@contextmanager
def runs(ctx: Context, study: Study, metric: str) -> Iterator[Runs]:
    """The run of the study, new or taken up; it is left running, or marked as killed where the search is ended."""
    registry = Registry(ctx)
    client, experiment = registry.client, registry.experiment()
    known = _open(client, study.notes.get(RUN))
    run = known or client.create_run(experiment, run_name=ctx.run_id)
    made = Runs(client, experiment, run.info.run_id, metric)
    study.note(RUN, made.run_id)
    client.update_run(made.run_id, "RUNNING")
    made.complete(study.trials)
    try:
        yield made
    except BaseException:
        client.set_terminated(made.run_id, "KILLED")
        raise


def _open(client: MlflowClient, run_id: str | None) -> Run | None:
    """The run, where it is there and no model has come of it yet."""
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(run_id) if run_id else None
    except MlflowException:
        return None
    return run if run and run.info.lifecycle_stage == "active" and not run.data.params else None
