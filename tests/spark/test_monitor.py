"""Windows of predictions counted by Spark over the bins of training, kept, judged, and asked about."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golds import write_gold
from pyspark.sql import SparkSession

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import CHAMPION, REFERENCE, Registry
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.verdicts import asked
from lakehouse_nlp.model.reference import NEW_TERMS, TERMS, Reference
from lakehouse_nlp.model.vectors import WordVectors
from lakehouse_nlp.monitor import stage
from lakehouse_nlp.monitor.centroids import vector_sums
from lakehouse_nlp.train import stage as train_stage

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
MakeContext = Callable[..., Context]
NOW = datetime(2024, 5, 1, tzinfo=timezone.utc)
SETTINGS: dict[str, Any] = {
    "features": {"numeric": ["price"], "text": {"buckets": 256, "select": 5}},
    "train": {"booster": {"rounds": 5}},
    "monitor": {"min_rows": 20, "times": 1, "of": 1, "actions": {"inputs": "block_scoring"}},
}
TINY = {"project": "tiny", "columns": {"id": "string", "body": "string", "price": "double"}, "key": "id"}
TINY |= {"text": ["body"], "label": "nullif(id, '')"}
SCHEMA = "key string, purpose string, split string, label string, prediction string, probability double, "
SCHEMA += "probabilities map<string,double>, model string, version int, model_run_id string, nlp_hash string, "
SCHEMA += "row_hash bigint, run_id string, scored_at timestamp, value double"


def _context(make: MakeContext, home: Path, run_id: str, **monitor: Any) -> Context:
    return make(home, run_id, **{**SETTINGS, "monitor": {**SETTINGS["monitor"], **monitor}})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, session: SparkSession) -> Path:
    """A home with gold, and a champion of it; copy it."""
    home = tmp_path_factory.mktemp("trained")
    ctx = Context(home=home, settings=Settings.model_validate({**TINY, **SETTINGS}), run_id="run-0")
    write_gold(ctx, session)
    for table in ("quarantine", "ops.steps"):
        ctx.tables.ensure(table)
    ctx.sign("train")
    train_stage.run(ctx)
    registry = Registry(ctx)
    registry.client.set_registered_model_alias(registry.name, CHAMPION, "1")
    shutil.copytree(home, home / "kept")
    for schema in ("tiny", "ops"):
        session.sql(f"DROP SCHEMA {schema} CASCADE")  # which empties the tables
    return home / "kept"


def _reference(ctx: Context) -> Reference:
    registry = Registry(ctx)
    return Reference.from_json(registry.text(registry.get(1), REFERENCE))


@pytest.fixture
def home(tmp_path: Path, trained: Path) -> Path:
    """A copy of it."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return tmp_path


def _bring(ctx: Context, spark: SparkSession, keys: range, text: str = "", price: float = 0.0) -> None:
    """Rows of gold that came for inference: those of `write_gold` again, or of this text and price."""
    rows = [
        (f"n{n:03}", "inference", None, "train", price or float(n % 2 + n % 7),
         text or ("fox good" if n % 2 and n % 9 else "hen so"), ["fox"], 8, 2, "h", n)
        for n in keys
    ]  # fmt: skip
    schema = "key string, purpose string, label string, split string, price double, clean_text string, "
    schema += "tokens array<string>, n_chars int, n_tokens int, nlp_hash string, row_hash bigint"
    ctx.sign("gold")
    ctx.tables.merge_once("gold", spark.createDataFrame(rows, schema), on=["key"])


def _score(ctx: Context, spark: SparkSession, said: dict[str, float], labels: dict[str, str], hours: int = 0) -> None:
    """Predictions of version 1: key -> the probability of good."""
    at = NOW + timedelta(hours=hours)
    rows = [
        (key, "inference", "train", labels.get(key), "good" if p > 0.5 else "bad", max(p, 1 - p),
         {"bad": 1 - p, "good": p}, "tiny", 1, "m", "h", hash(labels.get(key)) % 1000, ctx.run_id, at, None)
        for key, p in said.items()
    ]  # fmt: skip
    ctx.sign("score", "tiny/1")
    ctx.tables.ensure("predictions", {"value": "double"})
    changed = "new.row_hash <> old.row_hash"
    ctx.tables.merge_once(
        "predictions", spark.createDataFrame(rows, SCHEMA), on=["key", "model", "version"], changed=changed
    )


def _asked(ctx: Context, query: str) -> list[dict[str, Any]]:
    return duck.rows(ctx.root, query, only=["ops.windows", "ops.drift", "ops.metrics"])


def _verdicts(ctx: Context, window: str) -> dict[tuple[str, str], str]:
    rows = _asked(
        ctx, f"SELECT subject, against, state FROM ops.drift WHERE window_id = '{window}' AND model IS NOT NULL"
    )
    return {(row["subject"], row["against"]): row["state"] for row in rows}


def _usual(keys: range) -> dict[str, float]:
    return {f"n{n:03}": 0.9 if n % 2 and n % 9 else 0.1 for n in keys}


def test_spark_counts_the_bins_that_training_counted(
    home: Path, make_context: MakeContext, spark: SparkSession
) -> None:
    """The training rows as a window give the histograms that are kept with the model."""
    ctx = _context(make_context, home, "run-1")
    reference = _reference(ctx)
    rows = ctx.tables.read("gold").where("split = 'train'").collect()
    ctx.sign("gold")
    copies = ctx.tables.read("gold").where("split = 'train'").selectExpr(
        "concat('c', key) AS key", "'inference' AS purpose", "cast(null AS string) AS label",
        *(name for name in ctx.tables.read("gold").columns if name not in ("key", "purpose", "label")),
    )  # fmt: skip
    ctx.tables.merge_once("gold", copies.select(*ctx.tables.read("gold").columns), on=["key"])
    _score(ctx, spark, {f"c{row['key']}": 0.7 for row in rows}, {})
    stage.run(ctx)
    found = {
        row["subject"]: json.loads(row["counts"]) for row in _asked(ctx, "SELECT subject, counts FROM ops.windows")
    }
    for name in ("price", "n_tokens", "n_chars", TERMS):
        assert found[name] == list(reference[name].counts), name
    assert found[NEW_TERMS] == [sum(reference[TERMS].counts), 0]
    assert sum(found["prediction"]) == sum(found["confidence"]) == len(rows) == reference["price"].rows
    assert dict(zip(reference["prediction"].bins, found["prediction"], strict=True))["good"] == len(rows)


def test_windows_are_judged_against_training_and_those_before(
    home: Path, make_context: MakeContext, spark: SparkSession
) -> None:
    first = _context(make_context, home, "run-1")
    _bring(first, spark, range(200, 400))
    _score(first, spark, _usual(range(200, 400)), {})
    stage.run(first)
    assert {state for (name, _), state in _verdicts(first, "run-1").items() if name in (TERMS, "price")} == {"stable"}
    second = _context(make_context, home, "run-2")
    _bring(second, spark, range(400, 500), "owl newt", 99.0)
    _score(second, spark, dict.fromkeys((f"n{n}" for n in range(400, 500)), 0.97), {}, hours=24)
    assert "drifted" in stage.run(second).note
    said = _verdicts(second, "run-2")
    for name in (TERMS, NEW_TERMS, "price", "prediction"):
        assert said[name, "training"] == said[name, "last windows"] == "drifted", name
    assert said["n_tokens", "training"] == "stable"
    assert said["label", "training"] == "not judged"
    why = asked(second, "block_scoring", "tiny/1")
    assert [each.partition(":")[0] for each in why] == [NEW_TERMS] * 2 + ["price"] * 2 + [TERMS] * 2
    assert asked(second, "retrain", "tiny/1") == asked(second, "block_scoring", "tiny/2") == []
    (owl,) = _asked(
        second, "SELECT found FROM ops.drift WHERE subject = 'price' AND window_id = 'run-2' AND against = 'training'"
    )
    assert "went from" in owl["found"]
    third = _context(make_context, home, "run-3")
    _bring(third, spark, range(500, 505))
    _score(third, spark, _usual(range(500, 505)), {}, hours=48)
    stage.run(third)
    assert set(_verdicts(third, "run-3").values()) == {"not judged"}
    assert asked(third, "block_scoring", "tiny/1"), "too few rows take nothing back"


def test_labels_that_come_later_count_for_the_run_that_scored(
    home: Path, make_context: MakeContext, spark: SparkSession
) -> None:
    first = _context(make_context, home, "run-1")
    _bring(first, spark, range(200, 260))
    said = _usual(range(200, 260))
    _score(first, spark, said, {})
    stage.run(first)
    before = _asked(first, "SELECT * FROM ops.windows")
    second = _context(make_context, home, "run-2")
    _score(second, spark, said, dict.fromkeys(said, "bad"), hours=36)
    stage.run(second)
    (outcome,) = _asked(second, "SELECT * FROM ops.windows WHERE subject = 'outcomes'")
    goods = sum(p > 0.5 for p in said.values())
    assert outcome["window_id"] == "run-1"
    assert json.loads(outcome["counts"]) == {
        "confusion": {"bad": {"bad": 60 - goods, "good": goods}}, "late": 60, "delay": 60 * 36 * 3600.0
    }  # fmt: skip
    inputs = "SELECT * FROM ops.windows WHERE subject NOT IN ('outcomes', 'label')"
    assert len(_asked(second, inputs)) == len([row for row in before if row["subject"] != "label"]), "no inputs again"
    drop = "SELECT value, bound, state, action, found FROM ops.drift WHERE subject = 'accuracy'"
    (accuracy,) = _asked(second, drop)
    assert accuracy["state"] == "drifted"
    assert accuracy["action"] == "alert"
    assert "60 of the labels came 36.0 hours later" in accuracy["found"]
    assert accuracy["value"] > 0.3


def test_vectors_are_added_up_where_the_rows_are(spark: SparkSession) -> None:
    vectors = WordVectors(("fox", "hen"), np.array([[1, 0], [0, 2]], np.float32))
    said = ["fox", "fox hen", "", "hen", None] * 2
    rows = [(f"k{n}", "a" if n < 8 else "b", NOW, text) for n, text in enumerate(said)]
    texts = spark.createDataFrame(rows, "key string, window string, window_at timestamp, clean_text string")
    found = {name: sums for (name, _), sums in vector_sums(texts.repartition(3), vectors).items()}
    assert found == {"a": {"rows": 5, "sums": [3.0, 4.0]}, "b": {"rows": 1, "sums": [0.0, 2.0]}}


def test_a_run_killed_before_its_figures_judges_once(
    home: Path, make_context: MakeContext, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = _context(make_context, home, "run-1", window="day")
    _bring(ctx, spark, range(200, 260))
    _score(ctx, spark, _usual(range(200, 260)), {})
    with monkeypatch.context() as killed:
        killed.setattr(stage, "_tables", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            stage.run(ctx)
    rows = "SELECT project, model, window_id, since, subject, rows, counts FROM ops.windows ORDER BY ALL"
    said = "SELECT window_id, subject, against, value, state FROM ops.drift WHERE model = 'tiny/1' ORDER BY ALL"
    windows, verdicts = _asked(ctx, rows), _asked(ctx, said)
    again = _context(make_context, home, "run-1b", window="day")
    assert stage.due(again)
    stage.run(again)
    assert (_asked(again, rows), _asked(again, said)) == (windows, verdicts)
    assert {row["window_id"] for row in verdicts} == {"2024-05-01"}
    assert stage.due(again) is None
