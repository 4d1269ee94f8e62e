"""What the ledger of a simulated month says, day by day, and whether every row is accounted for. Read by DuckDB."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import month_plan as plans

from lakehouse_nlp.core import duck

DAY = "date_diff('day', DATE '{start}', CAST({at} AS DATE)) + 1"
# Times, memory and price are the machine's, and differ with what else it does: they are noted, and no event.
DRIFTED = """SELECT DISTINCT {day} AS day, kind FROM ops.drift WHERE state = 'drifted' AND kind <> 'runs'"""
ERRORS = "SELECT DISTINCT {day} AS day FROM ops.drift WHERE state = 'drifted' AND subject LIKE '%: errors'"
FILES = "SELECT DISTINCT {day} AS day FROM ops.files WHERE state = 'rejected'"
COLUMNS = "SELECT DISTINCT {day} AS day FROM ops.schema_changes WHERE file IS NOT NULL"
RUNS = "SELECT {day} AS day, error FROM ops.runs WHERE state IN ('failed', 'timed_out')"
ACTIONS = "SELECT DISTINCT {day} AS day, event FROM ops.actions"
MODELS = "SELECT DISTINCT {day} AS day, event FROM ops.model_events WHERE event IN ('promoted', 'refused')"
ALERTS = "SELECT {day} AS day, key, reason, outcome FROM ops.alerts"
NO_ROOM = re.compile(r"no space left|os error 28|disk full", re.IGNORECASE)
KINDS = {"inputs": plans.INPUTS, "outputs": plans.OUTPUTS, "labels": plans.LABELS}
KINDS |= {"performance": plans.PERFORMANCE, "data": plans.DATA}
TOLD = {"inputs": plans.TOLD_INPUTS, "performance": plans.TOLD_PERFORMANCE, "data": plans.TOLD_DATA}
ACCOUNT = """
SELECT (SELECT coalesce(sum(rows), 0) FROM ops.files WHERE state = 'loaded') AS loaded,
       (SELECT count(*) FROM month.bronze) AS bronze,
       (SELECT count(*) FROM month.silver) AS silver,
       (SELECT count(*) FROM month.quarantine WHERE state = 'open') AS quarantine,
       (SELECT count(*) FROM month.gold) AS gold,
       (SELECT count(*) FROM month.current_predictions) AS predictions"""


def findings(lake: Path, start: date) -> set[plans.Finding]:
    """Everything that the ledger says of the month."""
    return set(_findings(lake, start))


def _findings(lake: Path, start: date) -> Iterator[plans.Finding]:
    yield from ((row["day"], KINDS[row["kind"]]) for row in _asked(lake, DRIFTED, start))
    yield from ((row["day"], plans.ERRORS) for row in _asked(lake, ERRORS, start))
    yield from ((row["day"], plans.REFUSED) for row in _asked(lake, FILES, start))
    yield from ((row["day"], plans.COLUMNS) for row in _asked(lake, COLUMNS, start))
    for row in _asked(lake, RUNS, start, "started_at"):
        yield row["day"], plans.FAILED if NO_ROOM.search(row["error"] or "") else plans.OTHERWISE
    says = {"refused": plans.BLOCKED, "cleared": plans.CLEARED}
    yield from ((row["day"], says[row["event"]]) for row in _asked(lake, ACTIONS, start))
    says = {"promoted": plans.PROMOTED, "refused": plans.SPOILT}
    yield from ((row["day"], says[row["event"]]) for row in _asked(lake, MODELS, start))
    yield from ((row["day"], _alert(row)) for row in _asked(lake, ALERTS, start, "raised_at"))


def _alert(row: dict[str, Any]) -> str:
    """What an alert is about; one that did not arrive says so."""
    lost = "" if row["outcome"] in ("sent", "repeated") else f" ({row['outcome']})"
    about = re.match(r"\S+ (\w+): ", row["key"])
    if about and about[1] in TOLD:
        return TOLD[about[1]] + lost
    if "MLflow server" in row["reason"]:
        return plans.AWAY + lost
    return (plans.TOLD_BLOCKED if row["reason"].startswith("scoring of") else plans.TOLD_FAILED) + lost


def _asked(lake: Path, query: str, start: date, at: str = "recorded_at") -> list[dict[str, Any]]:
    table = re.search(r"FROM (ops\.\w+)", query)
    assert table
    if table[1] not in duck.tables(lake):
        return []
    return duck.rows(lake, query.format(day=DAY.format(start=start, at=at)), only=[table[1]])


def account(lake: Path, dropped: int, cut: int) -> tuple[dict[str, int], list[str]]:
    """The rows of the month by where they are, and what does not add up; `cut`: rows of the files that were refused."""
    found = {"dropped": dropped, "in refused files": cut, **duck.rows(lake, ACCOUNT)[0]}
    found = {name: int(n) for name, n in found.items()}
    sums = {
        "rows dropped = bronze + refused": (dropped, found["bronze"] + cut),
        "bronze = what the ledger loaded": (found["bronze"], found["loaded"]),
        "bronze = silver + quarantine": (found["bronze"], found["silver"] + found["quarantine"]),
        "silver = gold": (found["silver"], found["gold"]),
        "gold = predictions shown": (found["gold"], found["predictions"]),
    }
    return found, [f"{what}: {one:,} and {other:,}" for what, (one, other) in sums.items() if one != other]


def windows(lake: Path, start: date) -> list[dict[str, Any]]:
    """How far each thing was from training in each window, and what it might be: day, subject, value, bound."""
    query = f"""SELECT {DAY.format(start=start, at="w.at")} AS day, subject, value, bound, model
                FROM ops.drift JOIN (SELECT DISTINCT window_id, scored_at AS at FROM ops.windows) AS w USING (window_id)
                WHERE against = 'training' AND model IS NOT NULL AND value IS NOT NULL
                QUALIFY row_number() OVER (PARTITION BY day, subject, model ORDER BY recorded_at DESC) = 1
                ORDER BY day"""
    return duck.rows(lake, query, only=["ops.drift", "ops.windows"])


def steps(lake: Path, start: date) -> list[dict[str, Any]]:
    """Seconds of each stage by day."""
    query = f"""SELECT {DAY.format(start=start, at="started_at")} AS day, stage,
                       sum(epoch(ended_at - started_at)) AS seconds
                FROM ops.steps GROUP BY ALL ORDER BY day"""
    return duck.rows(lake, query, only=["ops.steps"])


def champions(lake: Path, start: date) -> list[dict[str, Any]]:
    """The models that came into charge: day, version, and what they reach on their test rows."""
    query = f"""SELECT {DAY.format(start=start, at="recorded_at")} AS day, version, metrics FROM ops.model_events
                WHERE event = 'promoted' ORDER BY day"""
    return duck.rows(lake, query, only=["ops.model_events"])
