"""The MLflow registry of a home folder: versions of a project's model, their tags, figures and aliases."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UnreachableError, UsageError
from lakehouse_nlp.core.hush import hush

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
MADE_AT = "made_at"
METRICS, REFERENCE = "metrics.json", "reference.json"
# The tag of a version that names the one whose training it goes on with.
WARM_FROM = "warm_from"
# What MLflow says of a version, a model or an alias that is not there; all else is a fault of the store.
UNKNOWN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Version:
    """A registered model version. `tags` say by which recipe and on which gold it was trained; `made_at`: when, UTC."""

    name: str
    number: int
    run_id: str
    tags: dict[str, str]
    made_at: datetime = EPOCH

    @property
    def uri(self) -> str:
        """What MLflow loads it by."""
        return f"models:/{self.name}/{self.number}"

    def __str__(self) -> str:
        return f"{self.name}/{self.number}"


class Registry:
    """The versions of one project's model. Nothing is made by asking: a store that is not there holds no versions."""

    def __init__(self, ctx: Context) -> None:
        """`ctx`: whose home and settings say where the store is."""
        self.ctx, self.name = ctx, ctx.settings.model_name

    @property
    def client(self) -> MlflowClient:
        """MLflow's client of the project's store, which is made if it is not there."""
        quiet()
        import mlflow

        uri = self.uri()
        if uri.startswith("sqlite:///"):
            Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(uri)
        client = mlflow.MlflowClient()
        if uri.startswith("http"):
            self._reach(client)
        return client

    def _reach(self, client: MlflowClient) -> None:
        from mlflow.exceptions import MlflowException

        try:
            client.search_experiments(max_results=1)
        except MlflowException as error:
            raise UnreachableError(
                f"the MLflow server {self.uri()} does not answer: {str(error).splitlines()[0][:200]}",
                hint="start it, or set mlflow.tracking_uri in conf/envs",
            ) from error

    def uri(self) -> str:
        """The tracking URI; a relative SQLite path counts from the home folder."""
        uri = self.ctx.settings.mlflow.tracking_uri
        path = uri.removeprefix("sqlite:///")
        return uri if path == uri else f"sqlite:///{self.ctx.home / path}"

    @property
    def exists(self) -> bool:
        """Whether there is a store; a server is taken to be there."""
        uri = self.uri()
        return not uri.startswith("sqlite:///") or Path(uri.removeprefix("sqlite:///")).exists()

    def newest(self) -> Version | None:
        """The last version that the train stage finished."""
        return next(iter(reversed(self.versions())), None)

    def alias(self, alias: str) -> Version | None:
        """The version that the alias points to."""
        return self._found(lambda client: client.get_model_version_by_alias(self.name, alias))

    def named(self, name: str | int) -> Version | None:
        """A version by its alias or number, as `score.models` names them; None where no version has the alias."""
        return self.get(name) if isinstance(name, int) else self.alias(name)

    def get(self, number: int) -> Version:
        """A version by its number. Raises UsageError where there is no such version."""
        if found := self._found(lambda client: client.get_model_version(self.name, str(number))):
            return found
        raise UsageError(
            f"no version {number} of model {self.name}", hint=f"lakehouse-nlp models --project {self.name}"
        )

    def _found(self, ask: Callable[[MlflowClient], ModelVersion]) -> Version | None:
        """The version that the store answers with; None where it says that there is none."""
        if not self.exists:
            return None
        from mlflow.exceptions import MlflowException

        try:
            return _version(ask(self.client))
        except MlflowException as error:
            if error.error_code not in UNKNOWN:
                raise
            return None

    def versions(self) -> list[Version]:
        """All versions that the train stage finished, oldest first."""
        if not self.exists:
            return []
        found = [_version(v) for v in self.client.search_model_versions(f"name = '{self.name}'")]
        return sorted((v for v in found if "recipe" in v.tags), key=lambda v: v.number)

    def download(self, version: Version, folder: Path) -> None:
        """Copies the version's files into the folder: `model/`, and what its run filed for people."""
        import mlflow

        client = self.client
        mlflow.artifacts.download_artifacts(version.uri, dst_path=str(folder / "model"))
        for name in (METRICS, REFERENCE, "settings.json", "environment.txt", "card"):
            if name in {item.path for item in client.list_artifacts(version.run_id)}:
                client.download_artifacts(version.run_id, name, str(folder))

    def metrics(self, version: Version) -> dict[str, Any]:
        """`{"test": …, "validation": …, "baselines": {…}}` as the train stage logged them."""
        found: dict[str, Any] = json.loads(self.text(version, METRICS))
        return found

    def text(self, version: Version, name: str) -> str:
        """A text that the version's run filed, by its name."""
        import mlflow

        folder = self.client.get_run(version.run_id).info.artifact_uri
        return str(mlflow.artifacts.load_text(f"{folder}/{name}"))

    def experiment(self) -> str:
        """The id of the project's experiment, made with the artifact folder of the settings."""
        client = self.client
        if found := client.get_experiment_by_name(self.name):
            return str(found.experiment_id)
        return str(client.create_experiment(self.name, self.location))

    @property
    def location(self) -> str | None:
        """The URI of the project's artifacts by the settings; None where the server says."""
        folder = self.ctx.settings.mlflow.artifacts
        return (folder if "://" in folder or not folder else (self.ctx.home / folder / self.name).as_uri()) or None


def classes_of(metrics: dict[str, Any]) -> list[str]:
    """The classes of a version with these figures, sorted; none for a regression."""
    return list(metrics["classes"]) if "classes" in metrics else sorted(metrics["test"]["f1"])


def quiet() -> None:
    """MLflow's and Alembic's talk of migrations and environments goes to nobody."""
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # which is for data
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # else a dead server costs minutes
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    hush("alembic", "mlflow", "mlflow.store.db.utils")


def _version(found: ModelVersion) -> Version:
    made_at = datetime.fromtimestamp(found.creation_timestamp / 1000, timezone.utc)
    if said := found.tags.get(MADE_AT):  # by the clock of the run; versions of earlier releases do not say
        made_at = datetime.fromisoformat(said)
    return Version(found.name, int(found.version), str(found.run_id), dict(found.tags), made_at)
