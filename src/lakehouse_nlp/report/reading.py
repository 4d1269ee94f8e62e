"""The facts of a run, read by DuckDB and delta-rs in a second or two: no JVM, no registry, and no more rows than a page
can show, however large the tables are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from lakehouse_nlp import __version__
from lakehouse_nlp.core import breaker, duck, history
from lakehouse_nlp.core.card import CARD, from_json
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.report import facts, queries
from lakehouse_nlp.report.facts import Drift, Facts, Model, Past, Run, Step

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TABLES = ("bronze", "silver", "quarantine", "gold", "predictions")
OPS = ("runs", "steps", "files", "checks", "schema_changes", "model_events", "drift", "alerts")
LATELY = ("data", "runs")  # kinds of verdicts on runs, not on windows of predictions


class Asked:
    """Answers of the lake's tables about one run; of a table that is not there yet, none."""

    def __init__(self, connection: DuckDBPyConnection, there: Iterable[str], project: str, run_id: str) -> None:
        """`there`: the tables that exist, by SQL name."""
        self._connection, self._there = connection, set(there)
        self._parameters = {"project": project, "run": run_id}
        self._project = project

    def rows(self, table: str, query: str, **more: Any) -> list[dict[str, Any]]:
        """The answer to a query over the table, a dict a row."""
        name = table.format(project=self._project)
        if name not in self._there:
            return []
        known = {key: value for key, value in {**self._parameters, **more}.items() if f"${key}" in query}
        cursor = self._connection.execute(query.format(table=name), known)
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def gather(ctx: Context, run_id: str) -> Facts:
    """All facts of a run. Raises UsageError where the project had no such run."""
    run, steps = _run(history.run(ctx, run_id))
    project = ctx.settings.project
    wanted = {*(f"ops.{name}" for name in OPS), *(f"{project}.{name}" for name in TABLES)}
    there = wanted & set(duck.tables(ctx.root))
    with duck.connect(ctx.root, there) as connection:
        asked = Asked(connection, there, project, run_id)
        events = asked.rows("ops.model_events", queries.EVENTS)
        files = [facts.File(**row) for row in asked.rows("ops.files", queries.FILES)]
        return Facts(
            project=project,
            description=ctx.settings.description,
            made_at=ctx.clock(),
            code=__version__,
            currency=ctx.settings.cost.currency,
            metric=ctx.settings.register.metric,
            run=run,
            blocked=breaker.blocked(ctx),
            steps=steps,
            rows=_rows(ctx, asked),
            files=files[: queries.FILES_SHOWN],
            came=Counter(file.state for file in files),
            checks=[facts.Check(**row) for row in asked.rows("ops.checks", queries.CHECKS)],
            broken=[facts.Broken(**row) for row in asked.rows("{project}.quarantine", queries.BROKEN)],
            examples=[facts.Example(**row) for row in asked.rows("{project}.quarantine", queries.EXAMPLES)],
            changes=[facts.ColumnChange(**row) for row in asked.rows("ops.schema_changes", queries.CHANGES)],
            events=[_event(row) for row in events if row["run_id"] == run_id],
            model=_model(ctx, events),
            drift=_drift(asked, events),
            history=[each for each in _watched(asked.rows("ops.drift", queries.HISTORY)) if each.kind in LATELY],
            past=_past(asked, events, ctx.settings.register.metric),
            alerts=[facts.Alert(**row) for row in asked.rows("ops.alerts", queries.ALERTS)],
        )


def _run(found: dict[str, Any]) -> tuple[Run, list[Step]]:
    ended = found["ended_at"]
    at = {
        "started_at": datetime.fromisoformat(found["started_at"]),
        "ended_at": ended and datetime.fromisoformat(ended),
    }
    run = Run(**{name: at.get(name, found[name]) for name in Run.__dataclass_fields__})
    return run, [Step(**{name: step[name] for name in Step.__dataclass_fields__}) for step in found["steps"]]


def _rows(ctx: Context, asked: Asked) -> dict[str, int]:
    """Rows of each table at the version that this run, or the last one before it, left."""
    versions: dict[str, int] = {}
    for row in asked.rows("ops.steps", queries.VERSIONS):
        versions = {**json.loads(row["versions"]), **versions}
    return {
        table: rows
        for table in TABLES
        if table in versions and (rows := ctx.tables.log(table).rows_at(versions[table])) is not None
    }


def _event(row: Mapping[str, Any]) -> facts.ModelEvent:
    return facts.ModelEvent(row["version"], row["event"], json.loads(row["reasons"]), row["who"])


def _champion(events: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The event that made the champion; `events`: newest first."""
    return next((row for row in events if row["alias"] == "champion"), None)


def _test(events: Iterable[Mapping[str, Any]], version: int) -> dict[str, Any]:
    """The version's figures on the test rows, from the newest event that knows them."""
    known = (json.loads(row["metrics"]) for row in events if row["version"] == version)
    return next((figures for figures in known if figures), {})


def _model(ctx: Context, events: list[dict[str, Any]]) -> Model | None:
    event = _champion(events)
    if event is None:
        return None
    name, version = event["model"], event["version"]
    test = _test(events, version)
    for meta in sorted((ctx.folder / "models").glob("v*/model/registered_model_meta")):
        if f"model_version: '{version}'" in meta.read_text(encoding="utf-8").splitlines():
            folder = meta.parents[1]
            kept = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
            card = folder / "card" / CARD
            parts = from_json(card.read_text(encoding="utf-8")) if card.exists() else []
            return Model(name, version, kept["test"], kept["intervals"], kept.get("calibration", {}), parts)
    return Model(name, version, test)


def _drift(asked: Asked, events: list[dict[str, Any]]) -> list[Drift]:
    """What is watched of the version that is shown, or else the champion; what is nearest its limit first."""
    shown = next((row for row in events if row["event"] == "shown"), _champion(events))
    if shown is None:
        return []
    model = f"{shown['model']}/{shown['version']}"
    return sorted(_watched(asked.rows("ops.drift", queries.DRIFT, model=model)), key=lambda each: -each.ratio)


def _watched(rows: Iterable[Mapping[str, Any]]) -> list[Drift]:
    """Verdicts, which come by subject and then by time, as what is watched."""

    def what(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
        return row["kind"], row["subject"], row["method"], row["against"]

    return [Drift(*key, [_judged(row) for row in windows]) for key, windows in groupby(rows, what)]


def _judged(row: Mapping[str, Any]) -> facts.Judged:
    return facts.Judged(row["window_id"], row["value"], row["bound"], row["state"], row["found"], row["rows"])


def _past(asked: Asked, events: list[dict[str, Any]], metric: str) -> list[Past]:
    """The last runs, oldest first, each with the gate's figure of the champion that it left."""
    runs = asked.rows("ops.runs", queries.PAST)[::-1]
    steps = asked.rows("ops.steps", queries.STEPS, first=runs[0]["id"])
    found = []
    for run in runs:
        champion = _champion([event for event in events if event["run_id"] <= run["id"]])
        figure = _test(events, champion["version"]).get(metric) if champion else None
        found.append(Past(**run, **_sums([step for step in steps if step["run_id"] == run["id"]]), figure=figure))
    return found


def _sums(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """What the steps of a run moved, and what all of their tries cost."""

    def of(stage: str, name: str) -> Any:
        return _total(step[name] for step in steps if step["stage"] == stage and step["state"] == "done")

    moved = {"taken": of("ingest", "written"), "judged": of("silver", "read"), "aside": of("silver", "rejected")}
    cost = {name: _total(step.get(name) for step in steps) for name in ("price", "cpu_seconds")}
    return {**moved, "scored": of("score", "written"), **cost}


def _total(values: Iterable[Any]) -> Any:
    """Their sum; None where there are none."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
