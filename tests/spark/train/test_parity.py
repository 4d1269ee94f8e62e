"""A model says the same as a Spark UDF as it says in this process, for every kind of feature and of answer."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import tiny_encoder
from lakehouse_nlp.model.pyfunc import FLAT, RESULT_TYPE, Scorer, flat_type, frame_to_rows, signature
from lakehouse_nlp.model.rows import Spec
from lakehouse_nlp.model.stacked import StackedModel, fit
from lakehouse_nlp.model.stored import save
from lakehouse_nlp.model.vectors import WordVectors

pytestmark = pytest.mark.spark

TEXTS = ("good fox", "bad hen", "good good", "so so", "", None, "😀 love 💯", "x" * 100_000, "bad " * 20_000)
KINDS = ("a", "b", None, "", "😀")
BOOSTER = {"max_depth": 3, "learning_rate": 0.3}
SPEC = Spec(
    buckets=2**10, select=20, numeric=("x",), categorical=("native", "often", "mean"), rounds=8, booster=BOOSTER,
    encode={"often": "frequency", "mean": "target"},
)  # fmt: skip
WORDS = ("bad", "bad hen", "fox", "good", "hen", "so")
UNSEEN = "words nobody knew"
TABLE = np.random.default_rng(0).normal(size=(len(WORDS), 5)).astype(np.float32)
CASES: dict[str, dict[str, Any]] = {
    "two classes": {},
    "vocabulary": {"vocabulary": WORDS, "buckets": len(WORDS)},
    "no text": {"buckets": 0},
    "platt": {"calibration": "platt", "threshold": "f1.yes"},
    "isotonic": {"calibration": "isotonic"},
    "balanced": {"class_weights": "balanced", "monotone": {"x": 1}},
    "three classes": {"objective": "multiclass"},
    "numbers": {"objective": "regression"},
    "word vectors": {"vectors": WordVectors(WORDS, TABLE)},
    "word vectors alone": {"vectors": WordVectors(WORDS, TABLE), "buckets": 0},
    "encoder": {"vectors": "mean"},
    "encoder alone": {"vectors": "cls", "buckets": 0},
}


def _frame(n: int, seed: int, unseen: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    kinds = np.array([*KINDS, "never seen"] if unseen else KINDS, dtype=object)
    numbers = rng.choice(np.array([np.nan, 0.0, -1.5, 3.25, 1e300], dtype=float), n)
    texts = rng.choice(np.array(TEXTS, dtype=object), n, p=[0.16] * 6 + [0.02, 0.01, 0.01])
    texts[:5] = UNSEEN if unseen else texts[:5]
    table = {"clean_text": texts, "x": numbers, **{name: rng.choice(kinds, n) for name in SPEC.categorical}}
    return pd.DataFrame(table)


def _model(case: str) -> StackedModel:
    frame = _frame(400, 0)
    good = frame["clean_text"].fillna("").str.contains("good").to_numpy() | (frame["mean"] == "a").to_numpy()
    labels = {"three classes": np.where(good, "yes", np.where(frame["native"] == "b", "so", "no"))}.get(
        case, np.where(good, "yes", "no")
    )
    if case == "numbers":
        labels = (good * 2.0 + np.arange(400) / 400).astype(str)
    spec = replace(SPEC, **CASES[case])
    if isinstance(spec.vectors, str):
        spec = replace(spec, vectors=tiny_encoder.encoder(pooling=spec.vectors))
    rows = frame_to_rows(frame, spec)
    return fit(rows, labels, spec, threads=1, validation=(rows, labels))


@pytest.mark.parametrize("case", CASES)
def test_the_udf_says_what_the_model_says(spark: SparkSession, case: str, tmp_path: Path) -> None:
    import mlflow

    model = _model(case)
    save(model, tmp_path / "data")
    mlflow.pyfunc.save_model(
        tmp_path / "model",
        loader_module="lakehouse_nlp.model.pyfunc",
        data_path=str(tmp_path / "data"),
        signature=signature(model.spec),
        pip_requirements=["xgboost-cpu"],
    )
    frame = _frame(300, 1, unseen=True).reset_index(names="n")
    schema = "n bigint, clean_text string, x double, native string, often string, mean string"
    rows = [tuple(None if pd.isna(v) else v for v in row) for row in frame.itertuples(index=False)]
    udf = partial(mlflow.pyfunc.spark_udf, spark, str(tmp_path / "model"), env_manager="local")
    score, flat = udf(result_type=RESULT_TYPE), udf(result_type=flat_type(len(model.classes)), params=FLAT)
    inputs = F.struct(*(name for name in frame.columns if name != "n"))
    both = [score(inputs).alias("p"), flat(inputs).alias("flat")]
    found = spark.createDataFrame(rows, schema).repartition(3).select("n", *both).select("n", "p.*", "flat")
    got, wanted = found.toPandas().sort_values("n", ignore_index=True), Scorer(model).predict(frame)
    outputs = np.array(got["probabilities"].tolist()) if model.classes else got[["value"]].to_numpy()
    expected = np.array(wanted["probabilities"].tolist()) if model.classes else wanted[["value"]].to_numpy()
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-6)
    assert np.ptp(expected[:, 0]) > 0.2  # rows that are told apart, or equality would say nothing
    assert got["prediction"].tolist() == wanted["prediction"].tolist()
    flattened = Scorer(model).predict(frame, FLAT)
    said = pd.DataFrame(got["flat"].tolist())
    told = flattened[list(said.columns)]
    assert set(flattened) - set(said) == {"value"} if model.classes else {"probability"}
    pd.testing.assert_frame_equal(said.astype(told.dtypes.to_dict()), told, rtol=0, atol=1e-6)
    np.testing.assert_allclose(got["probability"].astype(float), wanted["probability"], rtol=0, atol=1e-6)
