"""A model with an encoder, from settings through the registry: trained, made again, and served without its folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

import tiny_encoder
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.registry import Registry
from lakehouse_nlp.explain import explain
from lakehouse_nlp.score import predicted
from lakehouse_nlp.train import stage
from lakehouse_nlp.train.reproduce import reproduce

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
MakeContext = Callable[..., Context]

TEXT = {"terms": "none", "vectors": {"kind": "onnx", "folder": "tiny", "max_tokens": 32}}
LEARNING = {"features": {"text": TEXT}, "train": {"booster": {"rounds": 30, "learning_rate": 0.3}}}
SCHEMA = "key string, purpose string, label string, split string, clean_text string, tokens array<string>, "
SCHEMA += "n_chars int, n_tokens int, nlp_hash string, row_hash bigint"


def _gold(spark: SparkSession) -> DataFrame:
    rng, rows = np.random.default_rng(0), []
    for n in range(240):
        label, split = ("bad", "good")[n % 2], ("train", "train", "train", "validation", "test")[n % 5]
        words = rng.choice([label, label, label, "fox", "so", "nobody"], rng.integers(3, 9)).tolist() if n % 20 else []
        text = " ".join(words)
        rows.append((f"{n:03}", "train", label, split, text, words, len(text), len(words), "h", n))
    return spark.createDataFrame(rows, SCHEMA)


def test_from_settings_to_predictions(spark: SparkSession, home: Path, make_context: MakeContext) -> None:
    import mlflow

    tiny_encoder.write(home / "tiny")
    ctx = make_context(home, **LEARNING)
    ctx.sign("gold")
    ctx.tables.ensure("gold", {})
    ctx.tables.replace_window("gold", _gold(spark))
    assert stage.due(ctx) == "no model yet"
    ctx.sign("train")
    stage.run(ctx)
    assert stage.due(ctx) is None

    (version,) = Registry(ctx).versions()
    assert reproduce(ctx, version.run_id).same
    figures = Registry(ctx).metrics(version)
    assert figures["test"]["accuracy"] > 0.75
    assert figures["baselines"]["linear"]["accuracy"] > 0.75  # on the same vectors
    wanted = Path(mlflow.artifacts.download_artifacts(f"{version.uri}/requirements.txt")).read_text()
    assert "onnxruntime==" in wanted
    assert "tokenizers==" in wanted

    shutil.rmtree(home / "tiny")
    said = predicted(ctx, ctx.tables.read("gold"), version).selectExpr("split", "label", "_p.prediction").toPandas()
    test = said[said["split"] == "test"]
    assert (test["label"] == test["prediction"]).mean() == pytest.approx(figures["test"]["accuracy"])
    told = explain(ctx, "001", version.number)["features"]
    assert {part["feature"] for part in told} <= {f"onnx_{place}" for place in range(tiny_encoder.SIZE)}
    with pytest.raises(UsageError, match=r"no model.onnx and no tokenizer.json in .*tiny"):
        stage.due(ctx)
