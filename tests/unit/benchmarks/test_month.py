"""The plan of a simulated month: what is missed or invented is told, and makes the command fail."""

from __future__ import annotations

import argparse
import json
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import month
import month_days as days
import month_found as ledger
import month_plan as plans
import pyarrow as pa
import pytest
from deltalake import write_deltalake

pytestmark = pytest.mark.unit
START = date(2014, 7, 1)
LENGTHS = pytest.mark.parametrize("length", [7, 30])


def _must(length: int) -> set[plans.Finding]:
    return {each for event in plans.plan(length) for each in event.must}


@LENGTHS
def test_every_event_is_planted_and_found_inside_the_month(length: int) -> None:
    events = plans.plan(length)
    assert {event.name for event in events} == {"first model", *plans.LONG}
    assert all(1 <= day <= length for event in events for day, _ in event.must)
    assert list(plans.faults(events, _must(length))) == []
    whatever = {each for event in events for each in event.may}
    assert list(plans.faults(events, _must(length) | whatever)) == []


@LENGTHS
def test_what_is_missed_and_what_is_invented_is_told(length: int) -> None:
    events, must = plans.plan(length), _must(length)
    for each in must:
        assert list(plans.faults(events, must - {each})) == [f"day {each[0]}: {each[1]!r} was missed"]
    may = {each for event in events for each in event.may}
    words = {what for _, what in must | may} | {plans.SPOILT, plans.OTHERWISE, "alert: data (failed)"}
    for each in {(day, what) for day in range(1, length + 1) for what in words} - must - may:
        assert list(plans.faults(events, must | {each})) == [f"day {each[0]}: {each[1]!r} was invented"]


def test_a_month_has_room_for_its_events_and_a_disk_only_where_it_can_be_full() -> None:
    with pytest.raises(ValueError, match="6 days have no room for the events; 7 have"):
        plans.plan(6)
    assert "full disk" not in {event.name for event in plans.plan(30, disk=False)}


def _write(lake: Path, table: str, rows: list[dict[str, Any]]) -> None:
    path = lake / table.split(".")[0] / "tables" / table.split(".")[1]
    path.mkdir(parents=True)
    write_deltalake(path, pa.Table.from_pylist(rows))


def _lake(lake: Path, lost: int = 0) -> None:
    """A ledger of four days: a refused file, a drift, an alert that did not arrive, a full disk; and five rows."""
    at = [datetime(2014, 7, day, 6, tzinfo=timezone.utc) for day in range(1, 5)]
    file = {"state": "loaded", "rows": 5, "recorded_at": at[0]}
    _write(lake, "ops.files", [file, {"state": "rejected", "rows": None, "recorded_at": at[1]}])
    verdict = {"state": "drifted", "kind": "inputs", "subject": "terms", "recorded_at": at[2]}
    noted = verdict | {"kind": "runs", "subject": "gold: seconds"}
    errors = noted | {"subject": "gold: errors", "recorded_at": at[3]}
    _write(lake, "ops.drift", [verdict, noted, errors, verdict | {"state": "moved", "recorded_at": at[0]}])
    alert = {"key": "month/1 inputs: terms", "reason": "it drifted", "outcome": "failed", "raised_at": at[2]}
    away = {"key": "x", "reason": "the MLflow server does not answer", "outcome": "sent", "raised_at": at[3]}
    _write(lake, "ops.alerts", [alert, away])
    run = {"state": "failed", "error": "java.io.IOException: No space left on device", "started_at": at[3]}
    _write(lake, "ops.runs", [run])
    for table in ("bronze", "silver", "gold", "predictions"):
        rows = 5 - lost if table == "predictions" else 5
        _write(lake, f"month.{table}", [{"key": str(n), "state": "open"} for n in range(rows)])
    _write(lake, "month.quarantine", [{"state": "released"}])


def test_the_ledger_is_read_day_by_day(tmp_path: Path) -> None:
    _lake(tmp_path)
    assert ledger.findings(tmp_path, START) == {
        (2, plans.REFUSED), (3, plans.INPUTS), (3, "alert: inputs (failed)"), (4, plans.AWAY), (4, plans.FAILED),
        (4, plans.ERRORS),
    }  # fmt: skip


SHOWN = "SELECT count(*) FROM month.current_predictions"


@pytest.mark.parametrize(("dropped", "cut", "lost"), [(7, 2, 0), (8, 2, 0), (7, 2, 1)])
def test_rows_that_are_nowhere_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dropped: int, cut: int, lost: int
) -> None:
    _lake(tmp_path, lost)
    plain = ledger.ACCOUNT.replace("current_predictions", "predictions")  # the view needs more than these tables
    monkeypatch.setattr(ledger, "ACCOUNT", plain)
    _, wrong = ledger.account(tmp_path, dropped, cut)
    told = {
        (7, 0): [],
        (8, 0): ["rows dropped = bronze + refused: 8 and 7"],
        (7, 1): ["gold = predictions shown: 5 and 4"],
    }
    assert wrong == told[dropped, lost]


@pytest.mark.parametrize("missed", [False, True])
def test_the_command_fails_by_what_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missed: bool) -> None:
    events = plans.plan(7)
    found = _must(7) - ({(3, plans.INPUTS)} if missed else set())
    for name, value in {"findings": found, "windows": [], "steps": [], "champions": []}.items():
        monkeypatch.setattr(ledger, name, lambda *_, value=value: value)
    monkeypatch.setattr(ledger, "account", lambda *_: ({"bronze": 5}, []))
    ran = SimpleNamespace(home=tmp_path, events=events, dropped=5, cut=0, said=[])
    arguments = argparse.Namespace(days=7, rows=5, history=5, page=tmp_path / "a-month.md")
    assert month.told(ran, SimpleNamespace(messages=[]), arguments) == int(missed)  # type: ignore[arg-type]
    said = arguments.page.read_text(encoding="utf-8")
    assert ("day 3: 'inputs drifted' was missed" in said) == missed
    assert ("nothing was invented" in said) != missed
    assert (tmp_path / "a-month/drift.svg").stat().st_size > 1000


def test_days_have_their_shifts_and_files_their_faults(tmp_path: Path) -> None:
    def review(n: int, stars: int, category: str) -> days.Review:
        return dict.fromkeys(days.FIELDS, "x") | {
            "ReviewID": f"{category}{n}",
            "Overall": str(stars),
            "category": category,
        }

    many = {kind: [review(n, 1 if n % 5 == 0 else 5, kind) for n in range(100)] for kind in ("cameras", "laptops")}
    found = days.Reviews([], dict.fromkeys(range(1, 8), many["cameras"]), many["laptops"], [])
    found.negative = [review(n, 1, "old") for n in range(200)]
    events = plans.plan(7)
    usual, words = (days.of_day(found, day, events, 50) for day in (1, 2))
    assert [sum(map(days.bad, rows)) for rows in (usual, words)] == [10, 10]
    assert {row["ReviewID"].rstrip("0123456789") for row in words} == {"laptops"}
    assert {row["category"] for row in words} == {"cameras"}
    twice = [days.of_day(found, day, events, 50) for day in (4, 5)]
    assert [sum(map(days.bad, rows)) for rows in twice] == [25, 25]
    old = [row["ReviewID"] for rows in twice for row in rows if row["ReviewID"].startswith("old")]
    assert len(old) == len(set(old)), "no review comes twice"
    at = datetime(2014, 7, 1, tzinfo=timezone.utc)
    days.write(tmp_path / "a.jsonl", usual[:2], at, renamed=True)
    (first, _) = map(json.loads, (tmp_path / "a.jsonl").read_text().splitlines())
    assert (first["Overall"], first["cost"], "price" in first) == (None, "x", False)
    assert (tmp_path / "a.jsonl").stat().st_mtime == at.timestamp()
    days.write(tmp_path / "b.jsonl.gz", usual, at + timedelta(1))
    whole = (tmp_path / "b.jsonl.gz").read_bytes()
    days.cut(tmp_path / "b.jsonl.gz")
    assert (tmp_path / "b.jsonl.gz").read_bytes() == whole[: len(whole) // 2]
