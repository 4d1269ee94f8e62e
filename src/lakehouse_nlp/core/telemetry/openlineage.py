"""Run events for OpenLineage (openlineage.io), by its own client: START, then COMPLETE, FAIL or ABORT, of each try.

Names follow its naming spec: a table is the folder that it lies in (`file`, `/lake/demo/tables/gold`), with its name in
SQL beside it; a try is a run of the job `<project>.<stage>` below the run of the job `<project>`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse_nlp import __version__
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.lineage import RAW, Kind
from lakehouse_nlp.core.telemetry.observer import Observer, Try

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run

# By any of these the client finds where to send events, and by a file of its own here or below the user's folder.
VARIABLES = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT", "OPENLINEAGE__TRANSPORT__TYPE")
FILES = (Path("openlineage.yml"), Path("~/.openlineage/openlineage.yml"))
PRODUCER = f"urn:lakehouse-nlp:{__version__}"
NAMESPACE = "lakehouse-nlp"
ENDS = {"done": "COMPLETE", "rejected": "COMPLETE", "cancelled": "ABORT", "idle": "ABORT", "running": "RUNNING"}
TIMEOUT = 5.0  # seconds that a server has for an answer


def asked_for(ctx: Context) -> bool:
    """Whether the settings, or the client's own variables or file, say where events go."""
    told = any(os.environ.get(name) for name in VARIABLES) or any(file.expanduser().exists() for file in FILES)
    return bool(ctx.settings.lineage.openlineage) or told


class OpenLineage(Observer):
    """Sends the events of one run."""

    name = "OpenLineage"

    def __init__(self, ctx: Context) -> None:
        """`ctx`: the run's."""
        self.ctx, self._began = ctx, ctx.clock()
        self.namespace = ctx.settings.lineage.namespace or os.environ.get("OPENLINEAGE_NAMESPACE") or NAMESPACE

    def run_begins(self, stages: Sequence[str], started: datetime) -> None:
        """START of the project's job."""
        self._began = started
        self._emit("START", started, self._run(), self._job())

    def try_begins(self, stage: str, number: int, started: datetime) -> None:
        """START of the stage's job."""
        self._emit("START", started, self._run(stage, number), self._job(stage))

    def try_ends(self, ended: Try) -> None:
        """The end of the stage's job, with what it read and wrote. Idle stages were never begun."""
        if ended.state != "idle":
            run = self._run(ended.stage, ended.number, ended.fault)
            kind = ENDS.get(ended.state, "FAIL")
            self._emit(kind, ended.ended, run, self._job(ended.stage), *self._datasets(ended))

    def run_ends(self, state: str, ended: datetime, fault: BaseException | None) -> None:
        """The end of the project's job."""
        self._emit(ENDS.get(state, "FAIL"), ended, self._run(fault=fault), self._job())
        self._client.close(TIMEOUT)

    @cached_property
    def _client(self) -> OpenLineageClient:
        from openlineage.client import OpenLineageClient
        from openlineage.client.transport import get_default_factory

        where = self.ctx.settings.lineage.openlineage
        if not where:
            return OpenLineageClient()
        return OpenLineageClient(transport=get_default_factory().create(transport(where, self.ctx.home)))

    def _emit(self, kind: str, at: datetime, run: Run, job: Job, *datasets: list[Any]) -> None:
        from openlineage.client.event_v2 import RunEvent, RunState

        inputs, outputs = datasets or ([], [])
        self._client.emit(
            RunEvent(
                eventTime=at.isoformat(), run=run, job=job, eventType=RunState[kind], inputs=inputs, outputs=outputs,
                producer=PRODUCER,
            )
        )  # fmt: skip

    def _job(self, stage: str = "") -> Job:
        from openlineage.client.event_v2 import Job
        from openlineage.client.facet_v2 import job_type_job

        facet = job_type_job.JobTypeJobFacet("BATCH", "LAKEHOUSE_NLP", "STAGE" if stage else "RUN", producer=PRODUCER)
        return Job(self.namespace, self._name(stage), {"jobType": facet})

    def _name(self, stage: str = "") -> str:
        return f"{self.ctx.settings.project}.{stage}" if stage else self.ctx.settings.project

    def _run(self, stage: str = "", number: int = 1, fault: BaseException | None = None) -> Run:
        """A run's id follows from ours, so that what somebody else writes down of it can be joined."""
        from openlineage.client.event_v2 import Run
        from openlineage.client.facet_v2 import error_message_run, parent_run

        facets: dict[str, Any] = {}
        if stage:
            above = parent_run.Run(self._id()), parent_run.Job(self.namespace, self._name())
            facets["parent"] = parent_run.ParentRunFacet(*above, producer=PRODUCER)
        if fault:  # its words may hold values of rows, and stay in ops.steps
            said = f"{type(fault).__name__}; lakehouse-nlp runs show {self.ctx.run_id}"
            facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(said, "PYTHON", producer=PRODUCER)
        return Run(self._id(f"{stage}/{number}" if stage else ""), facets)

    def _id(self, part: str = "") -> str:
        from openlineage.client.uuid import generate_static_uuid

        return str(
            generate_static_uuid(self._began, f"{self.namespace}/{self._name()}/{self.ctx.run_id}/{part}".encode())
        )

    def _datasets(self, ended: Try) -> tuple[list[InputDataset], list[OutputDataset]]:
        """What a try read, each once, and every version that it wrote with its rows."""
        from openlineage.client.event_v2 import InputDataset, OutputDataset
        from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics

        read = {(e.input_kind, e.input, e.input_version) for e in ended.edges}
        wrote = {(e.output_kind, e.output, e.output_version): e.rows for e in ended.edges}
        inputs = [
            InputDataset(*named(self.ctx, kind, name), facets=self._facets(kind, name, version))
            for kind, name, version in sorted(read, key=str)
            if kind and name
        ]
        outputs = []
        for (kind, name, version), rows in wrote.items():
            made = OutputDataset(*named(self.ctx, kind, name), facets=self._facets(kind, name, version))
            if rows is not None:
                counted = statistics.OutputStatisticsOutputDatasetFacet(rowCount=rows, producer=PRODUCER)
                made.outputFacets = {"outputStatistics": counted}
            outputs.append(made)
        return inputs, outputs

    def _facets(self, kind: Kind, name: str, version: int | None) -> dict[str, Any]:
        from openlineage.client.facet_v2 import dataset_version_dataset, symlinks_dataset

        found: dict[str, Any] = {}
        if version is not None:
            facet = dataset_version_dataset.DatasetVersionDatasetFacet(str(version), producer=PRODUCER)
            found["version"] = facet
        if kind == "table":
            link = symlinks_dataset.Identifier(self.namespace, name, "TABLE")
            found["symlinks"] = symlinks_dataset.SymlinksDatasetFacet([link], producer=PRODUCER)
            found["schema"] = schema(self.ctx, name)
        return found


def transport(where: str, home: Path) -> dict[str, Any]:
    """The client's settings for a URL, or for a file, to which it appends a line an event."""
    if where.startswith(("http://", "https://")):
        key = os.environ.get("OPENLINEAGE_API_KEY")
        auth = {"auth": {"type": "api_key", "apiKey": key}} if key else {}
        endpoint = os.environ.get("OPENLINEAGE_ENDPOINT")
        told = {"endpoint": endpoint} if endpoint else {}
        return {"type": "http", "url": where, "timeout": TIMEOUT, "retry": {"total": 1}, **told, **auth}
    path = home / where.removeprefix("file://")
    path.parent.mkdir(parents=True, exist_ok=True)
    return {"type": "file", "log_file_path": str(path), "append": True}


def named(ctx: Context, kind: Kind, name: str) -> tuple[str, str]:
    """Namespace and name of a dataset: where a table or the files lie, and the model's name in the registry."""
    if kind == "model":
        return "mlflow", f"models:/{name}"
    from openlineage.client.naming.dataset import LocalFileSystem

    short = name.removeprefix(f"{ctx.settings.project}.")
    folder = ctx.folder / RAW if kind == "files" else ctx.tables.path(short)
    place = LocalFileSystem(str(folder.resolve()))
    return place.get_namespace(), place.get_name()


def schema(ctx: Context, name: str) -> Any:
    """The columns of a table as they are now."""
    from openlineage.client.facet_v2 import schema_dataset

    log = ctx.tables.log(name.removeprefix(f"{ctx.settings.project}."))
    columns = log.table.schema().fields if log.exists else []
    told = [schema_dataset.SchemaDatasetFacetFields(each.name, _type(each.type)) for each in columns]
    return schema_dataset.SchemaDatasetFacet(told, producer=PRODUCER)


def _type(kind: Any) -> str:
    """A type of delta-rs as Delta writes it: `string`, `array`, `struct`."""
    return str(kind.type)
