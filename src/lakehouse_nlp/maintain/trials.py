"""Runs of MLflow that no version of a model came of: trials of searches, and trainings that ended before their end."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import Registry
from lakehouse_nlp.model.metrics import LOWER_IS_BETTER

if TYPE_CHECKING:
    from mlflow.entities import Run

PARENT, FIGURE = "mlflow.parentRunId", "validation."
# Where Optuna keeps what a study notes: `run_id`, the run that a search goes on under.
NOTED = "SELECT value_json FROM study_user_attributes WHERE key = 'run_id'"
PAGE = 1000


@dataclass(frozen=True)
class Old:
    """A run that goes, with the bytes of its files."""

    run_id: str
    artifacts: str
    bytes: int


def old(ctx: Context) -> list[Old]:
    """The runs that are older than `retention.trials`, were registered by nobody, and belong to no search that can be
    taken up; of each search the best ones stay. None where a server keeps the runs.
    """
    keep, registry = ctx.settings.retention, Registry(ctx)
    if keep.trials is None or not registry.exists or not registry.uri().startswith("sqlite:"):
        return []
    runs = list(_runs(registry))
    searches = set(_searches(ctx))
    stay = searches | {version.run_id for version in registry.client.search_model_versions(f"name = '{registry.name}'")}
    stay |= _best(runs, keep.best, searches)
    before = 1000 * (ctx.clock() - timedelta(days=keep.trials)).timestamp()
    gone = [run for run in runs if run.info.run_id not in stay and (run.info.end_time or run.info.start_time) < before]
    young = {run.data.tags.get(PARENT) for run in runs} - {run.data.tags.get(PARENT) for run in gone}
    return [
        Old(run.info.run_id, run.info.artifact_uri, _size(run.info.artifact_uri))
        for run in gone
        if run.info.run_id not in young  # the search of a trial that stays
    ]


def delete(ctx: Context, runs: Sequence[Old]) -> None:
    """Deletes runs for good, files first, as `mlflow gc` does, which would take along what other projects deleted.

    Killed, the next call finds those that are left.
    """
    if not runs:
        return
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    store = Registry(ctx).client._tracking_client.store
    for done, run in enumerate(runs, 1):
        store.delete_run(run.run_id)
        get_artifact_repository(run.artifacts).delete_artifacts()  # type: ignore[no-untyped-call]
        store._hard_delete_run(run.run_id)
        if ctx.progress:
            ctx.progress(done, len(runs), "run deleted")


def _runs(registry: Registry) -> Iterator[Run]:
    """All runs of the project's experiment, deleted ones among them."""
    from mlflow.entities import ViewType

    client = registry.client
    experiment = client.get_experiment_by_name(registry.name)
    token = None
    while experiment:
        page = client.search_runs([experiment.experiment_id], "", ViewType.ALL, PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _searches(ctx: Context) -> Iterator[str]:
    """The runs of searches whose files are there."""
    for file in (ctx.folder / "models" / "search").glob("*.db"):
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            try:
                yield from (json.loads(text) for (text,) in connection.execute(NOTED))
            except sqlite3.Error:
                continue


def _best(runs: Sequence[Run], most: int, searches: set[str]) -> set[str]:
    """Of each search its best trials; all of those that may be taken up."""
    by: dict[str, list[Run]] = {}
    for run in runs:
        if parent := run.data.tags.get(PARENT):
            by.setdefault(parent, []).append(run)
    return {
        run.info.run_id
        for parent, found in by.items()
        for run in (found if parent in searches else sorted(found, key=_loss)[:most])
    }


def _loss(run: Run) -> float:
    """A trial's figure, less being better; one without comes last."""
    for name, value in run.data.metrics.items():
        if name.startswith(FIGURE):
            lower = name.removeprefix(FIGURE) in LOWER_IS_BETTER
            return math.inf if math.isnan(value) else value if lower else -value
    return math.inf


def _size(uri: str) -> int:
    parsed = urlparse(uri)
    folder = Path(unquote(parsed.path))
    if parsed.scheme not in ("", "file") or not folder.is_dir():
        return 0
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
