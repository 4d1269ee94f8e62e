from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse_nlp.model.pyfunc import frame_to_rows
from lakehouse_nlp.model.rows import Spec
from lakehouse_nlp.train import blocks

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

GOLD = "key string, label string, split string, clean_text string, price float, stars int, kind string, "
GOLD += "tokens array<string>"
SPEC = Spec(buckets=2**12, ngrams=2, numeric=("price", "stars"), categorical=("kind",))
SPLITS = ("train", "train", "validation", "test")


def _rows(count: int) -> list[tuple[object, ...]]:
    return [
        (
            f"k{n * 7919 % count}", "good" if n % 3 else "bad", SPLITS[n % 4],
            f"word{n % 10} fox fox{n % 5} ü 😀" if n % 11 else "",
            None if n % 13 == 0 else n / 4, None if n % 5 == 0 else n, None if n % 6 == 0 else f"kind {n % 3}", [],
        )
        for n in range(count)
    ]  # fmt: skip


def _gold(spark: SparkSession, count: int = 101) -> DataFrame:
    return spark.createDataFrame(_rows(count), GOLD)


@pytest.mark.parametrize("partitions", [1, 3, 7])
def test_rows_come_sorted_by_key_and_equal_those_vectorised_here(spark: SparkSession, partitions: int) -> None:
    found = blocks.collect(_gold(spark).repartition(partitions), SPEC)
    frame = pd.DataFrame(_rows(101), columns=[part.split()[0] for part in GOLD.split(", ")]).sort_values("key")
    wanted = frame_to_rows(frame, SPEC)
    assert found.keys.tolist() == frame["key"].tolist() == sorted(frame["key"])
    assert found.labels.tolist() == frame["label"].tolist()
    assert found.splits.tolist() == frame["split"].tolist()
    assert found.rows.counts.shape == (101, 2**12)
    assert (found.rows.counts != wanted.counts).nnz == 0
    np.testing.assert_array_equal(found.rows.numeric, wanted.numeric)
    assert found.rows.categorical.tolist() == wanted.categorical.tolist()


def test_small_batches_change_nothing(spark: SparkSession) -> None:
    key = "spark.sql.execution.arrow.maxRecordsPerBatch"
    before = spark.conf.get(key)
    whole = blocks.collect(_gold(spark), SPEC)
    try:
        spark.conf.set(key, "10")
        split = blocks.collect(_gold(spark), SPEC)
    finally:
        spark.conf.set(key, str(before))
    assert split.keys.tolist() == whole.keys.tolist()
    assert (split.rows.counts != whole.rows.counts).nnz == 0


def test_a_part_is_the_rows_of_one_split(spark: SparkSession) -> None:
    found = blocks.collect(_gold(spark), SPEC)
    parts = {split: found.part(split) for split in dict.fromkeys(SPLITS)}
    assert {split: len(part) for split, part in parts.items()} == {"train": 51, "validation": 25, "test": 25}
    assert parts["test"].keys.tolist() == [key for key, s in zip(found.keys, found.splits, strict=True) if s == "test"]
    assert all(len(part.rows) == len(part) == len(part.labels) for part in parts.values())
    assert 0 < found.read_ms == parts["test"].read_ms < 100


def test_without_text_and_features_rows_have_width_nought(spark: SparkSession) -> None:
    found = blocks.collect(_gold(spark, 5), Spec(buckets=2**8))
    assert (found.rows.numeric.shape, found.rows.categorical.shape) == ((5, 0), (5, 0))


def test_no_rows_are_no_rows(spark: SparkSession) -> None:
    found = blocks.collect(_gold(spark, 5).where("key = 'none'"), SPEC)
    assert len(found) == 0
    assert found.rows.counts.shape == (0, 2**12)
    assert (found.rows.numeric.shape, found.rows.categorical.shape) == ((0, 2), (0, 1))


def test_a_bucket_is_named_by_its_most_frequent_term(spark: SparkSession) -> None:
    texts = ["red fox", "red fox", "red hen", "", None, "blue fox"]
    gold = spark.createDataFrame([(text,) for text in texts], "clean_text string")
    vectoriser = SPEC.vectoriser
    import pyarrow as pa

    terms = ["red", "fox", "hen", "blue", "red fox", "red hen", "blue fox"]
    unigrams = Spec(buckets=2**12, ngrams=1).vectoriser
    bucket = {term: int(unigrams.counts(pa.array([term])).indices[0]) for term in terms[:4]}
    whole = vectoriser.counts(pa.array(["red fox"]))
    pair = next(int(b) for b in whole.indices if int(b) not in bucket.values())
    assert len({*bucket.values(), pair}) == 5
    wanted = {**{b: term for term, b in bucket.items()}, pair: "red fox"}
    unused = next(b for b in range(2**12) if b not in wanted)
    for partitions in (1, 3):
        assert blocks.names(gold.repartition(partitions), SPEC, [*wanted, unused]) == dict(sorted(wanted.items()))
    assert blocks.names(gold, SPEC, []) == {}


def test_of_two_terms_in_one_bucket_the_more_frequent_names_it_then_the_first(spark: SparkSession) -> None:
    spec = Spec(buckets=1, ngrams=1)
    cases = {("b a a", "a b"): "a", ("b b a",): "b", ("a b",): "a", ("b", "a"): "a"}
    for texts, wanted in cases.items():
        gold = spark.createDataFrame([(text,) for text in texts], "clean_text string").coalesce(1)
        assert blocks.names(gold, spec, [0]) == {0: wanted}


def test_a_vocabulary_holds_the_terms_of_most_rows(spark: SparkSession) -> None:
    texts = ["red fox fox", "red fox", "red hen", "", None, "blue fox"]
    gold = spark.createDataFrame([(text,) for text in texts], "clean_text string")
    for partitions in (1, 3):
        parts = gold.repartition(partitions)
        assert blocks.vocabulary(parts, SPEC, 10, 2) == ("fox", "red", "red fox")
        assert blocks.vocabulary(parts, SPEC, 2, 1) == ("fox", "red")
    assert blocks.vocabulary(gold, SPEC, 10, 4) == ()
