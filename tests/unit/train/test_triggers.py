"""When a model is due again: tables by delta-rs, a registry of its own, no Spark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import CHAMPION, Registry, Version
from lakehouse_nlp.model.profile import profile
from lakehouse_nlp.train.triggers import fired

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
MADE = datetime(2024, 5, 1, tzinfo=timezone.utc)
NEWEST = Version("tiny", 2, "run", {"gold_version": "0", "train_rows": "100"}, MADE)
LAST = np.linspace(0, 1, 200)
CLASSES = {
    "classes": ["bad", "good"],
    "profile": profile(np.column_stack([1 - LAST, LAST]), np.where(LAST > 0.5, "good", "bad"), ["bad", "good"]),
}
Row = tuple[str, str | None, int, str]


def _gold(ctx: Context, rows: Sequence[Row]) -> None:
    """A version of gold: key, label, hash, split."""
    path = ctx.tables.path("gold")
    path.mkdir(parents=True, exist_ok=True)
    names = ("key", "label", "row_hash", "split")
    kinds = (pa.string(), pa.string(), pa.int64(), pa.string())
    columns = {n: pa.array([r[k] for r in rows], kinds[k]) for k, n in enumerate(names)}
    write_deltalake(path, pa.table(columns), mode="overwrite")


def _predictions(ctx: Context, said: dict[str, float], version: int = 1) -> None:
    """Key -> the probability of good, by the champion."""
    path = ctx.tables.path("predictions")
    path.mkdir(parents=True, exist_ok=True)
    rows = [
        {"key": key, "version": version, "prediction": "good" if p > 0.5 else "bad", "probability": max(p, 1 - p),
         "probabilities": [("bad", 1 - p), ("good", p)], "value": None}
        for key, p in said.items()
    ]  # fmt: skip
    kinds = {"key": pa.string(), "version": pa.int32(), "prediction": pa.string(), "probability": pa.float64()}
    kinds |= {"probabilities": pa.map_(pa.string(), pa.float64()), "value": pa.float64()}
    write_deltalake(path, pa.Table.from_pylist(rows, pa.schema(kinds)), mode="append")


def _rows(n: int, start: int = 0, label: str | None = "good", split: str = "train") -> list[Row]:
    return [(f"k{k}", label, k, split) for k in range(start, start + n)]


def _context(make: MakeContext, home: Path, **retrain: Any) -> Context:
    ctx = make(home, train={"retrain": {"share": None, **retrain}}, monitor={"min_rows": 20})
    ctx.clock = lambda: MADE + timedelta(days=10)
    return ctx


@pytest.fixture(autouse=True)
def _champion(monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 1 is champion, and newer is a candidate that was refused."""
    one = Version("tiny", 1, "run", {"gold_version": "0", "train_rows": "90"}, MADE)
    monkeypatch.setattr(Registry, "alias", lambda _, alias: one if alias == CHAMPION else None)
    monkeypatch.setattr(Registry, "metrics", lambda *_: CLASSES)


@pytest.mark.parametrize(
    ("retrain", "more", "says"),
    [
        ({"rows": 10}, _rows(10, 100), "10 labelled rows came, changed or went since version 2, which learnt from 100"),
        ({"rows": 11}, _rows(10, 100), None),
        ({"share": 0.1}, _rows(10, 100), None),
        ({"share": 0.1}, _rows(11, 100), "11 labelled rows came"),
        ({"rows": 1}, _rows(5, 100, label=None), None),
        ({"rows": 1}, _rows(5, 100, split="test"), None),
        ({"every": "10d"}, _rows(1, 100), "version 2 is of 2024-05-01 00:00, and every 10d there is to be one"),
        ({"every": "241h"}, _rows(1, 100), None),
        ({"every": "1h"}, [], None),
    ],
)
def test_rows_and_time(
    home: Path, make_context: MakeContext, retrain: dict[str, Any], more: list[Row], says: str | None
) -> None:
    ctx = _context(make_context, home, **retrain)
    _gold(ctx, _rows(100))
    assert fired(ctx, NEWEST) is None
    _gold(ctx, [*_rows(100), *more])
    found = fired(ctx, NEWEST)
    assert found is None if says is None else str(found).startswith(says)
    assert not ctx.tables.touched


def test_a_label_that_changed_or_went_counts_as_one_that_came(home: Path, make_context: MakeContext) -> None:
    ctx = _context(make_context, home, rows=3)
    _gold(ctx, _rows(100))
    changed = [("k0", "bad", -1, "train"), ("k1", None, -2, "train"), *_rows(98, 2)]
    _gold(ctx, changed)
    assert fired(ctx, NEWEST) is None
    _gold(ctx, [*changed, *_rows(1, 100)])
    assert str(fired(ctx, NEWEST)).startswith("3 labelled rows")


def test_where_the_gold_of_the_newest_model_is_gone_every_row_is_news(home: Path, make_context: MakeContext) -> None:
    ctx = _context(make_context, home, rows=101)
    _gold(ctx, _rows(100))
    _gold(ctx, _rows(101))
    assert fired(ctx, NEWEST) is None
    DeltaTable(ctx.tables.path("gold")).vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
    assert str(fired(ctx, NEWEST)).startswith("101 labelled rows")


@pytest.mark.parametrize(
    ("floor", "right", "says"),
    [
        ({"accuracy": 0.9}, 17, "tiny/1 has accuracy 0.8500 on 20 rows labelled since, at least 0.9 wanted"),
        ({"accuracy": 0.9}, 18, None),
        ({"log_loss": 0.1}, 20, "tiny/1 has log_loss 0.2231 on 20 rows labelled since, at most 0.1 wanted"),
        ({"f1.good": 0.95, "accuracy": 0.1}, 18, "tiny/1 has f1.good 0.9474 on 20 rows"),
    ],
)
def test_quality_on_labels_that_came_since(
    home: Path, make_context: MakeContext, floor: dict[str, float], right: int, says: str | None
) -> None:
    ctx = _context(make_context, home, floor=floor)
    known, asked = _rows(100), _rows(20, 100, label=None)
    _gold(ctx, [*known, *asked])
    _predictions(ctx, {**{row[0]: 0.2 for row in known}, **{row[0]: 0.8 for row in asked}})
    _predictions(ctx, {row[0]: 0.1 for row in asked}, version=2)
    labelled = [(key, "good" if n < right else "bad", -n - 1, "train") for n, (key, *_) in enumerate(asked)]
    _gold(ctx, [*known, *labelled[:19], *asked[19:]])
    assert fired(ctx, NEWEST) is None  # 19 rows are too few to judge by
    _gold(ctx, [*known, *labelled])
    found = fired(ctx, NEWEST)
    assert found is None if says is None else str(found).startswith(says)


@pytest.mark.parametrize(
    ("at", "moved"),
    [(LAST[::4], ()), (LAST[::4] ** 2, ("scores", "classes")), (np.where(LAST[::4] > 0.5, 0.98, 0.02), ("scores",))],
)
def test_drift_of_predictions_that_came_since(
    home: Path, make_context: MakeContext, at: Any, moved: tuple[str, ...]
) -> None:
    ctx = _context(make_context, home, drift=0.1)
    _gold(ctx, _rows(100))
    _gold(ctx, [*_rows(101), *_rows(50, 101, label=None)])
    _predictions(ctx, {f"k{n}": 0.0 for n in range(100)})  # what it said of rows that it knew is no drift
    _predictions(ctx, dict(zip([f"k{n}" for n in range(101, 151)], at.tolist(), strict=True)))
    found = str(fired(ctx, NEWEST) or "")
    assert [what for what in ("scores", "classes") if f"the {what} that tiny/1 predicts moved by" in found] == [*moved]
    assert ("on 50 rows that came since, at most 0.1 wanted" in found) == bool(moved)


def test_a_trigger_says_all_its_reasons_and_none_where_nothing_came(home: Path, make_context: MakeContext) -> None:
    ctx = _context(make_context, home, rows=1, every="1d", drift=0.01)
    _gold(ctx, _rows(100))
    _predictions(ctx, {f"n{k}": 0.0 for k in range(50)})
    _gold(ctx, _rows(100))  # gold was written anew, and holds the same
    assert fired(ctx, NEWEST) is None
    _gold(ctx, _rows(101))
    found = str(fired(ctx, NEWEST)).split("; ")
    assert [part.split()[0] for part in found] == ["1", "version", "the", "the"]


def test_quality_and_drift_of_numbers(home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch) -> None:
    test = {"classes": [], "profile": profile(LAST[:, None], LAST.astype(str), [])}
    monkeypatch.setattr(Registry, "metrics", lambda *_: test)
    ctx = _context(make_context, home, floor={"mae": 0.25}, drift=0.1)
    _gold(ctx, _rows(100))
    _gold(ctx, [*_rows(100), *[(f"n{n}", "2.0", n, "train") for n in range(20)]])
    path = ctx.tables.path("predictions")
    path.mkdir(parents=True)
    rows = [
        {"key": f"n{n}", "version": 1, "prediction": "1.5", "probability": None, "probabilities": [], "value": 1.5}
        for n in range(20)
    ]
    kinds = {"key": pa.string(), "version": pa.int32(), "prediction": pa.string(), "probability": pa.float64()}
    kinds |= {"probabilities": pa.map_(pa.string(), pa.float64()), "value": pa.float64()}
    write_deltalake(path, pa.Table.from_pylist(rows, pa.schema(kinds)))
    quality, drift = str(fired(ctx, NEWEST)).split("; ")
    assert quality == "tiny/1 has mae 0.5000 on 20 rows labelled since, at most 0.25 wanted"
    assert drift.startswith("the scores that tiny/1 predicts moved by ")


def _verdict(ctx: Context, days: int, action: str = "retrain", model: str = "tiny/1", state: str = "drifted") -> None:
    """A verdict on the vocabulary, so many days after the newest model."""
    path = ctx.tables.path("ops.drift")
    path.mkdir(parents=True, exist_ok=True)
    row = {
        "project": "tiny", "run_id": "r", "model": model, "window_id": f"w{days}", "kind": "inputs", "subject": "terms",
        "method": "psi", "against": "training", "state": state, "action": action, "found": f"terms moved, {days}",
        "recorded_at": MADE + timedelta(days=days),
    }  # fmt: skip
    write_deltalake(path, pa.Table.from_pylist([row]), mode="append")


@pytest.mark.parametrize(
    ("verdicts", "asks"),
    [
        ([{"days": 1}], True),
        ([{"days": -1}], False),
        ([{"days": 1, "action": "note"}], False),
        ([{"days": 1, "model": "tiny/7"}], False),
        ([{"days": 1}, {"days": 2, "state": "stable", "action": "none"}], False),
        ([{"days": 1}, {"days": 2, "state": "not judged", "action": "none"}], True),
    ],
)
def test_monitoring_asks_for_a_model(
    home: Path, make_context: MakeContext, verdicts: list[dict[str, Any]], asks: bool
) -> None:
    ctx = make_context(home, train={"retrain": {"share": None}}, monitor={"actions": {"inputs": "retrain"}})
    ctx.clock = lambda: MADE + timedelta(days=10)
    _gold(ctx, _rows(100))
    _gold(ctx, _rows(110))
    for verdict in verdicts:
        _verdict(ctx, **verdict)
    assert fired(ctx, NEWEST) == ("terms moved, 1" if asks else None)
    assert fired(make_context(home, train={"retrain": {"share": None}}), NEWEST) is None, "unless the settings ask"
