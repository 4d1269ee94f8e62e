"""Word vectors by Spark NLP: what comes out of training is its own, and the same for the same rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.settings.learning import Word2Vec
from lakehouse_nlp.model.stacked import fit
from lakehouse_nlp.model.stored import booster_hash
from lakehouse_nlp.train import blocks, material
from lakehouse_nlp.train.vectors import word_vectors

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
MakeContext = Callable[..., Context]

WANTED = Word2Vec(kind="word2vec", size=8, min_count=3)
GOLD = "key string, label string, split string, clean_text string"


def _rows(count: int = 300) -> list[tuple[str, str, str, str | None]]:
    rng = np.random.default_rng(0)
    words = {"good": ["great", "love", "works", "well"], "bad": ["broken", "awful", "returned", "it's"]}
    found: list[tuple[str, str, str, str | None]] = []
    for n in range(count):
        label = "good" if n % 3 else "bad"
        text = " ".join(rng.choice([*words[label], "the", "naïve", "😀"], rng.integers(1, 12))) + f" rare{n}" * (n % 3)
        split = ("train", "train", "train", "test")[n % 4]
        found.append((f"k{n:04}", label, split, {0: None, 1: "", 2: f"rare{n}"}.get(n % 50, text)))
    return found


def _gold(spark: SparkSession, rows: list[tuple[Any, ...]]) -> DataFrame:
    return spark.createDataFrame(rows, GOLD)


def test_the_same_rows_in_any_order_have_the_same_vectors(spark: SparkSession) -> None:
    first = word_vectors(_gold(spark, _rows()), WANTED)
    again = word_vectors(_gold(spark, _rows()[::-1]).repartition(5), WANTED)
    assert first.words == again.words == tuple(sorted(first.words))
    assert {"great", "it's", "naïve", "😀"} <= set(first.words)
    assert not any(word.startswith("rare") for word in first.words)
    assert first.table.shape == (len(first.words), 8)
    np.testing.assert_array_equal(first.table, again.table)
    other = word_vectors(_gold(spark, _rows()), WANTED.model_copy(update={"seed": 2}))
    assert other.words == first.words
    assert np.abs(other.table - first.table).max() > 0.01


def test_a_texts_mean_is_the_one_that_spark_nlp_makes(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyspark.ml import Pipeline
    from sparknlp.annotator import SentenceEmbeddings

    fitted: list[Any] = []
    fit_pipeline = Pipeline.fit
    monkeypatch.setattr(Pipeline, "fit", lambda *given: fitted.append(fit_pipeline(*given)) or fitted[-1])
    gold = _gold(spark, _rows())
    found = word_vectors(gold, WANTED)
    known = " ".join(found.words)
    texts = [*(text for *_, text in _rows(60) if text), known, "only unknown", "great " * 200, "love"]
    frame = spark.createDataFrame(list(enumerate(texts)), "n int, clean_text string")
    averages = SentenceEmbeddings().setInputCols(["_document", "_vectors"]).setOutputCol("mean")
    said = averages.setPoolingStrategy("AVERAGE").transform(fitted[0].transform(frame))
    wanted = said.selectExpr("n", "mean[0].embeddings as mean").orderBy("n").toPandas()["mean"]
    np.testing.assert_allclose(found.of(pa.array(texts)), np.stack(wanted.to_list()), rtol=0, atol=1e-5)


def test_too_few_words_are_refused(spark: SparkSession) -> None:
    gold = _gold(spark, [("k", "good", "train", "once only"), ("l", "bad", "train", None)])
    with pytest.raises(DataError, match=r"vectors: no word occurs 3 times in the training rows") as refused:
        word_vectors(gold, WANTED)
    assert refused.value.hint == "lower features.text.vectors.min_count, or bring more rows"


def test_a_model_is_the_same_whatever_the_order_of_rows(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    text = {"select": 0, "buckets": 256, "vectors": WANTED.model_dump()}
    ctx = make_context(home, features={"text": text}, train={"booster": {"rounds": 5}})
    hashes, rows = set(), _rows()
    for gold in (_gold(spark, rows).coalesce(1), _gold(spark, rows[::-1]).repartition(3)):
        learnt_from = gold.where("split = 'train'")
        spec = material.with_text(ctx, ctx.settings, lambda found=learnt_from: found)  # type: ignore[misc]
        data = blocks.collect(gold, spec)
        assert data.rows.vectors.shape == (300, 8)
        assert data.rows.vectors.dtype == np.float32
        assert np.isnan(data.rows.vectors).all(axis=1).sum() == 12  # those without text
        train = data.part("train")
        model = fit(train.rows, train.labels, spec, threads=1)
        assert model.features.names() == ["linear", *(f"w2v_{place}" for place in range(8))]
        hashes.add(booster_hash(model))
    assert len(hashes) == 1
