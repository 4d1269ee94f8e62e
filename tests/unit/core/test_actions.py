"""What verdicts ask for, and who acts on them: tables by delta-rs, a clock that nobody waits for, no Spark."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import CommitProperties, write_deltalake

from lakehouse_nlp.core import actions, duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.pending import pending
from lakehouse_nlp.core.tables import Stamp
from lakehouse_nlp.core.verdicts import again, asked
from lakehouse_nlp.monitor import tell
from lakehouse_nlp.monitor.judge import Comparison, Finding
from lakehouse_nlp.monitor.verdicts import Verdict

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
TIME = pa.timestamp("us", tz="UTC")
TEXT = ("project", "run_id", "action", "event", "model")
WORDS = [(name, pa.string()) for name in ("reasons", "who", "why")]
ACTIONS = pa.schema([*((name, pa.string()) for name in TEXT), ("upto", pa.int64()), *WORDS, ("recorded_at", TIME)])
ALERTS = pa.schema(
    [(name, pa.string()) for name in ("project", "run_id", "severity", "reason", "next", "contact", "key", "outcome")]
    + [("error", pa.string()), ("raised_at", TIME), ("recorded_at", TIME)]
)


def _write(ctx: Context, table: str, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    path = ctx.tables.path(table)
    path.mkdir(parents=True, exist_ok=True)
    write_deltalake(path, pa.Table.from_pylist(rows, schema=schema), mode="append")


def _verdict(ctx: Context, run: str, state: str, action: str, **more: Any) -> None:
    """A verdict, at an hour by the number of its run."""
    row = {
        "project": "tiny", "run_id": run, "model": "tiny/1", "window_id": run, "kind": "inputs", "subject": "price",
        "method": "psi", "against": "training", "state": state, "action": action if state == "drifted" else "none",
        "found": f"price: psi of {run}", "recorded_at": NOON + timedelta(hours=int(run[-1])),
    }  # fmt: skip
    schema = pa.schema([*((name, pa.string()) for name in row if name != "recorded_at"), ("recorded_at", TIME)])
    _write(ctx, "ops.drift", [row | more], schema)


def test_scoring_is_blocked_until_the_next_good_verdict(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home)
    assert actions.blocked(ctx, "tiny/1") == []
    _verdict(ctx, "run-1", "drifted", "block_scoring")
    assert actions.blocked(ctx, "tiny/1") == ["price: psi of run-1"]
    assert actions.blocked(ctx, "tiny/2") == [], "another model has its own verdicts"
    _verdict(ctx, "run-2", "not judged", "block_scoring")
    assert actions.blocked(ctx, "tiny/1"), "too few rows take nothing back"
    _verdict(ctx, "run-3", "drifted", "block_scoring", model=None, kind="data", subject="files: share rejected")
    assert len(actions.blocked(ctx, "tiny/1")) == 2
    assert actions.blocked(ctx, "tiny/2") == ["price: psi of run-3"], "data are every model's"
    _verdict(ctx, "run-4", "stable", "block_scoring")
    assert actions.blocked(ctx, "tiny/1") == ["price: psi of run-3"]
    assert asked(ctx, "retrain", "tiny/1") == asked(ctx, "alert", "tiny/1") == []


def test_a_clearance_counts_for_the_verdicts_until_then(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home)
    _verdict(ctx, "run-1", "drifted", "block_scoring")
    row = {"project": "tiny", "run_id": "x", "event": "cleared", "recorded_at": NOON + timedelta(hours=1, minutes=1)}
    _write(ctx, "ops.actions", [row], ACTIONS)
    assert actions.blocked(ctx, "tiny/1") == []
    _verdict(ctx, "run-2", "drifted", "block_scoring")
    assert actions.blocked(ctx, "tiny/1") == ["price: psi of run-2"]


def test_what_was_refused_is_known_by_its_rows_and_reasons(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home)
    _verdict(ctx, "run-1", "drifted", "block_scoring")
    assert not actions.refused(ctx, "tiny/1", 4)
    _write(ctx, "ops.actions", [], ACTIONS)
    ctx.sign("score")
    actions.refuse(ctx, "tiny/1", 4, actions.blocked(ctx, "tiny/1"))
    known = [("tiny/1", 4), ("tiny/1", 5), ("tiny/2", 4)]
    assert [actions.refused(ctx, *each) for each in known] == [True, False, False]
    assert not actions.refused(make_context(home, project="other"), "tiny/1", 4)
    _verdict(ctx, "run-2", "drifted", "block_scoring")
    assert not actions.refused(ctx, "tiny/1", 4), "for something else"


def test_rows_are_recorded_by_the_clock_of_the_run_each_at_a_time_of_its_own(
    home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home)
    _write(ctx, "ops.actions", [], ACTIONS)
    ctx.clock = lambda: NOON
    for upto in (1, 2):
        actions.refuse(ctx, "tiny/1", upto, [])
    rows = duck.rows(ctx.root, "SELECT upto, recorded_at FROM ops.actions ORDER BY upto", only=["ops.actions"])
    assert [row["recorded_at"] for row in rows] == [NOON, NOON + timedelta(microseconds=1)]


def _commit(ctx: Context, table: str, run: str, **upto: int) -> None:
    path = ctx.tables.path(table)
    path.mkdir(parents=True, exist_ok=True)
    stamp = CommitProperties(custom_metadata={"userMetadata": Stamp(run, table, "", "recipe", upto).to_json()})
    write_deltalake(path, pa.table({"key": [run]}), mode="append", commit_properties=stamp)


@pytest.mark.parametrize("run", ["run-2", "run-3"], ids=["whole", "killed between silver and gold"])
def test_a_re_run_is_made_once_a_verdict(home: Path, make_context: MakeContext, run: str) -> None:
    ctx = make_context(home, monitor={"actions": {"data": "rerun"}})

    def waits() -> list[tuple[str, int | None]]:
        found = (pending(ctx, of, source, of, "recipe") for source, of in (("bronze", "silver"), ("silver", "gold")))
        return [(each.source, each.since) for each in found if each]

    _commit(ctx, "bronze", "run-1")
    _commit(ctx, "silver", "run-1", bronze=0)
    _commit(ctx, "gold", "run-1", silver=0)
    assert waits() == []
    _verdict(ctx, "run-1", "drifted", "rerun", model=None, kind="data")
    assert waits() == [("bronze", None), ("silver", None)], "from the first row"
    why = pending(ctx, "silver", "bronze", "silver", "recipe")
    assert str(why) == "monitoring asks for it again: price: psi of run-1"
    _commit(ctx, "silver", "run-2", bronze=0)
    assert waits() == [("silver", None)]
    _commit(ctx, "gold", run, silver=1)
    assert waits() == []
    _verdict(ctx, "run-4", "drifted", "rerun", model=None, kind="data")
    assert waits() == [("bronze", None), ("silver", None)], "another verdict"
    _verdict(ctx, "run-5", "stable", "rerun", model=None, kind="data")
    assert waits() == []
    assert again(make_context(home), "") is None, "nobody asks for it"


def _judged(subject: str, action: str, value: float, state: Any = "drifted", model: str | None = "tiny/1") -> Any:
    finding = Finding("inputs", subject, "psi", "training", 500, Comparison("psi", value, 0.1), f"{subject} is {value}")
    return model, "w", Verdict(finding, 1, state, "critical" if value > 0.2 else "warning", action)


def test_verdicts_are_told_once_a_model_and_kind(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, "run-7")
    _write(ctx, "ops.alerts", [], ALERTS)
    ctx.sign("monitor")
    said = [_judged(f"c{k}", "alert", 0.15) for k in range(6)]
    said += [_judged("d", "note", 0.9), _judged("e", "alert", 0.9, "moved"), _judged("p", "alert", 0.3, model=None)]
    tell.drifted(ctx, said)
    rows = duck.rows(ctx.root, "SELECT * FROM ops.alerts ORDER BY severity", only=["ops.alerts"])
    assert [(row["severity"], row["contact"], row["key"]) for row in rows] == [
        ("critical", "operators", "tiny inputs: p"),
        ("warning", "operators", "tiny/1 inputs: c0, c1, c2, c3, c4, c5"),
    ]
    sentences = [f"  c{k} is 0.15" for k in range(5)]
    assert rows[1]["reason"].splitlines() == ["tiny/1: inputs drifted", *sentences, "  and 1 more"]
    assert "run_id = 'run-7' and kind = 'inputs'" in rows[1]["next"]
