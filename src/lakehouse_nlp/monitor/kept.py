"""Windows in `ops.windows`, and verdicts in `ops.drift`: written in the place of what a killed run left of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.monitor.judge import Counts, Window, by_day, merged
from lakehouse_nlp.monitor.verdicts import Verdict

WINDOWS, DRIFT = "ops.windows", "ops.drift"
SUMS = ("outcomes", "vectors")


def keep(ctx: Context, found: Mapping[str, Sequence[Window]], since: int) -> None:
    """Writes the windows of each model that were counted after this version of predictions."""
    rows = [
        (ctx.settings.project, ctx.run_id, model, window.name, window.at, since, *row)
        for model, windows in sorted(found.items())
        for window in windows
        for row in _rows(window)
    ]
    ctx.tables.ensure(WINDOWS)
    if rows or ctx.tables.log(WINDOWS).rows():
        ctx.tables.record(WINDOWS, rows, over=_over(ctx, since))


def _rows(window: Window) -> Iterable[tuple[str, int, str]]:
    yield from ((name, each.rows, json.dumps(list(each.counts))) for name, each in sorted(window.of.items()))
    for name, sums in sorted(window.more.items()):
        yield name, _size(sums), json.dumps(sums, sort_keys=True)


def _size(sums: Mapping[str, Any]) -> int:
    """Rows that went into the sums of `outcomes` or `vectors`."""
    if "confusion" in sums:
        return sum(n for row in sums["confusion"].values() for n in row.values())
    return int(sums["n"] if "n" in sums else sums["rows"])


def windows(ctx: Context, model: str) -> list[Window]:
    """All windows of a model that are needed to judge the newest, oldest first, put together as the settings say."""
    monitor = ctx.settings.monitor
    many = monitor.last + monitor.of
    span = "window_id" if monitor.window == "run" else "CAST(scored_at AS DATE)"
    query = f"""SELECT * FROM ops.windows WHERE project = $project AND model = $model AND {span} IN (
                    SELECT {span} FROM ops.windows WHERE project = $project AND model = $model
                    GROUP BY {span} ORDER BY max(scored_at) DESC, {span} DESC LIMIT $many)"""
    found = duck.rows(ctx.root, query, {"project": ctx.settings.project, "model": model, "many": many}, [WINDOWS])
    by_run: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(found, key=lambda row: (row["scored_at"], row["window_id"], row["since"])):
        by_run.setdefault(row["window_id"], []).append(row)
    each = [_window(name, rows) for name, rows in by_run.items()]
    return each if monitor.window == "run" else by_day(each)


def _window(name: str, rows: Sequence[Mapping[str, Any]]) -> Window:
    """A window of its rows: of a run that was counted in parts, histograms and sums are added."""
    of: dict[str, Counts] = {}
    more: dict[str, Any] = {}
    for row in rows:
        subject, counts = row["subject"], json.loads(row["counts"])
        if subject in SUMS:
            more[subject] = merged(more[subject], counts) if subject in more else counts
        elif subject in of:
            together = merged(list(of[subject].counts), counts)
            of[subject] = Counts(of[subject].rows + row["rows"], tuple(together))
        else:
            of[subject] = Counts(row["rows"], tuple(counts))
    return Window(name, rows[0]["scored_at"], max(row["since"] for row in rows), of, more)


def judged(ctx: Context, found: Iterable[tuple[str | None, str, Verdict]], since: int | None) -> None:
    """Writes verdicts, each with its model and window. `since`: the version of predictions after which was judged; None
    where nothing was scored.
    """
    ctx.tables.ensure(DRIFT)
    at = -1 if since is None else since
    rows = [(ctx.settings.project, ctx.run_id, model, window, at, *_row(verdict)) for model, window, verdict in found]
    mine = f"model IS NULL AND run_id = '{ctx.run_id}'"
    if since is not None:
        mine = f"({mine}) OR (model IS NOT NULL AND since = {since})"
    if rows or ctx.tables.log(DRIFT).rows():
        ctx.tables.record(DRIFT, rows, over=f"project = '{ctx.settings.project}' AND ({mine})")


def _row(verdict: Verdict) -> tuple[Any, ...]:
    finding, comparison = verdict.finding, verdict.finding.comparison
    value, bound = (comparison.value, comparison.bound) if comparison else (None, None)
    return (
        finding.kind, finding.subject, finding.method, finding.against, finding.rows, value, bound, finding.beyond,
        verdict.times, verdict.state, verdict.severity, verdict.action, finding.says,
    )  # fmt: skip


def _over(ctx: Context, since: int) -> str:
    return f"project = '{ctx.settings.project}' AND since = {since}"
