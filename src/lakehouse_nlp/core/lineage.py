"""Which version came from which: `ops.lineage`, read off the stamps of Delta's commits and the tags of models.

A commit and what it says of itself are one write, so nothing can be told of a version that is not there, and what a
killed run did not write down the next one does. Each version is a transaction of `ops.lineage` that it takes once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import takewhile
from typing import Any, Literal

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import WARM_FROM, Registry
from lakehouse_nlp.core.registry import Version as Model
from lakehouse_nlp.core.tables import Log, Stamp, brought
from lakehouse_nlp.core.tables.direct import Once
from lakehouse_nlp.core.tables.log import UPKEEP

Kind = Literal["table", "model", "files"]
TABLE, RAW, MODEL = "ops.lineage", "raw", "model"
TABLES = ("bronze", "silver", "quarantine", "labels", "gold", "predictions")
# Every project's; which of them a commit is of, monitor says in its recipe.
SHARED = ("ops.windows", "ops.drift", "ops.metrics")
# Stages that have the registry open, or are the next to come after one that had.
ASK_REGISTRY = ("train", "register", "score")
Source = tuple[Kind | None, str | None, int | None]
NOTHING: Source = (None, None, None)


@dataclass(frozen=True)
class Edge:
    """A version of a table or model, and one thing that it was made of; the fields are the columns of `ops.lineage`."""

    run_id: str | None
    stage: str | None
    output_kind: Kind
    output: str
    output_id: str
    output_version: int
    rows: int | None
    anew: bool
    input_kind: Kind | None
    input: str | None
    input_version: int | None
    committed_at: datetime


Version = tuple[Once, list[Edge]]  # and the transaction that it is written by


def record(ctx: Context, stage: str) -> list[Edge]:
    """Writes down what is not yet: of all tables, whichever run wrote them, and after `stage` trained, of models."""
    found = list(fresh(ctx))
    if stage in ASK_REGISTRY:
        found += _models(ctx)
    for once, edges in found:
        ctx.tables.record(TABLE, [(ctx.settings.project, *vars(edge).values()) for edge in edges], once=once)
    return [edge for _, edges in found for edge in edges]


def fresh(ctx: Context) -> Iterator[Version]:
    """The versions of tables that are not in `ops.lineage`, oldest first. Starts no Spark."""
    known = ctx.tables.log(TABLE)
    for table in (*TABLES, *SHARED):
        name, identity = sql_name(ctx, table), identity_of(ctx, table)
        app = _app(ctx, name, identity)
        for version, info in _after(ctx.tables.log(table), known.transaction(app)):
            stamp = Stamp.from_json(info.get("userMetadata"))
            mine = table in TABLES or (stamp is not None and stamp.recipe == ctx.settings.project)
            if mine and info["operation"] not in UPKEEP:
                yield (app, version), _of_commit(ctx, name, identity, version, info, stamp)


def _after(log: Log, done: int) -> list[tuple[int, dict[str, Any]]]:
    """The commits after a version, oldest first."""
    if (log.version() or 0) <= done:
        return []
    return list(takewhile(lambda commit: commit[0] > done, log.commits()))[::-1]


def sql_name(ctx: Context, table: str) -> str:
    """A table's name in SQL, whatever the catalog: `<project>.gold`, `ops.metrics`."""
    return table if "." in table else f"{ctx.settings.project}.{table}"


def _of_commit(
    ctx: Context, name: str, identity: str, version: int, info: Mapping[str, Any], stamp: Stamp | None
) -> list[Edge]:
    how, numbers = info.get("operationParameters", {}), info.get("operationMetrics", {})
    anew = how.get("mode") == "Overwrite" and how.get("predicate") in (None, "[]", "true", '["true"]')
    at = datetime.fromtimestamp(info["timestamp"] / 1000, timezone.utc)
    run_id, stage = (stamp.run_id, stamp.stage) if stamp else (None, None)
    read = [source for source in _sources(ctx, stamp) if source[1] != name] if stamp else []
    rows = brought(numbers)
    return [
        Edge(run_id, stage, "table", name, identity, version, rows, anew, *source, at) for source in read or [NOTHING]
    ]


def _sources(ctx: Context, stamp: Stamp) -> Iterator[Source]:
    for source, version in sorted({**stamp.read, **stamp.upto}.items()):
        yield "files" if source == RAW else "table", sql_name(ctx, source), version
    if stamp.stage == "ingest" and RAW not in stamp.read:
        yield "files", sql_name(ctx, RAW), None
    if stamp.stage == "score":
        for each in stamp.recipe.split():
            model, _, number = each.rpartition("/")
            if model:  # else the MLflow run of the model before it
                yield "model", model, int(number)


def _models(ctx: Context) -> Iterator[Version]:
    """The versions that came to the registry since; where it does not answer, they wait for the next run."""
    registry, known = Registry(ctx), ctx.tables.log(TABLE)
    try:
        for model in registry.versions():
            app = _app(ctx, model.name, model.run_id)  # a registry that was made anew counts from 1 again
            if known.transaction(app) < model.number:
                yield (app, model.number), _of_model(ctx, registry, model)
    except Exception as error:
        ctx.say(f"lineage of {registry.name} is written by the next run: {str(error).partition(chr(10))[0]}")


def _of_model(ctx: Context, registry: Registry, model: Model) -> list[Edge]:
    run_id = registry.client.get_run(model.run_id).data.tags.get("lakehouse_nlp.run_id")
    read: list[Source] = []
    if gold := model.tags.get("gold_version"):
        read.append(("table", sql_name(ctx, "gold"), int(gold)))
    if before := model.tags.get(WARM_FROM):
        read.append(("model", model.name, int(before)))
    return [
        Edge(run_id, "train", "model", model.name, model.run_id, model.number, None, True, *source, model.made_at)
        for source in read or [NOTHING]
    ]


def identity_of(ctx: Context, table: str) -> str:
    """What tells a table from one of its name that was dropped before: its id in Delta; empty where there is none."""
    log = ctx.tables.log(table)
    return str(log.table.metadata().id) if log.exists else ""


def _app(ctx: Context, output: str, identity: str) -> str:
    return f"{ctx.settings.project}.lineage.{output}.{identity}"
