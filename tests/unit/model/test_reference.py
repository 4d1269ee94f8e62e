"""Histograms of a population over bins that training fixed, and the reference that is kept with a model."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_nlp.model.distances import chi_squared
from lakehouse_nlp.model.histograms import (
    BUCKETS,
    FIRST,
    bucket,
    category_bins,
    count,
    number_bins,
    of_categories,
    of_numbers,
)
from lakehouse_nlp.model.reference import NEW_TERMS, TERMS, Centroid, Reference, of_outputs
from lakehouse_nlp.model.rows import Rows
from lakehouse_nlp.model.vectoriser import Vectoriser
from lakehouse_nlp.train.reference import centroid_of, of_texts, once_a_row

pytestmark = pytest.mark.unit
TRAIN = pa.array(["the fox the hen", "the fox", "a hen", None])
HELD = pa.array(["the owl", "a hen owl", "the fox"])


def test_numbers_are_counted_by_deciles_and_missing_ones_apart() -> None:
    found = of_numbers("x", np.array([*range(100), np.nan, np.inf, 1e300]))
    assert found.counts == (*[10] * 10, 3)
    assert found.cuts == tuple(10 * k - 0.5 for k in range(1, 10))
    assert (found.rows, found.chance.freedom) == (103, 10)
    assert found.bins[0] == "to 9.5"
    assert found.bins[1] == "9.5 to 19.5"
    assert found.bins[-2:] == ["89.5 to", "(missing)"]
    assert number_bins(np.array([-5, 9.5, 9.6, 1e9, np.nan]), found.cuts).tolist() == [0, 1, 1, 9, 10]


def test_numbers_of_one_value_have_a_bin_and_none_at_all_too() -> None:
    assert of_numbers("x", np.array([4.0, 4.0])).counts == (2, 0)
    assert of_numbers("x", np.array([np.nan])).counts == (0, 1)


def test_categories_are_counted_by_the_commonest() -> None:
    often = {"b": 30, "a": 30, "rare": 1, None: 4, **{f"v{k}": 3 for k in range(60)}}
    found = of_categories("kind", often)
    assert found.values[:3] == ("a", "b", "v0")
    assert len(found.values) == 50
    assert found.counts[:2] == (30, 30)
    assert found.counts[-2:] == (12 * 3 + 1, 4)
    assert sum(found.counts) == found.rows == sum(often.values())
    bins = category_bins(np.array(["a", "nobody", None, "b"], dtype=object), found.values)
    assert count(bins, len(found.counts))[-2:] == (1, 1)
    assert found.bins[-2:] == ["(other)", "(missing)"]


def test_terms_are_counted_by_name_and_those_that_training_lacked_apart() -> None:
    histograms, known = of_texts(lambda: [TRAIN], lambda: [HELD], most=2)
    found = Reference(tuple(histograms), known)
    assert found[TERMS].values == ("fox", "hen"), "in as many rows as the, and alphabetically first"
    assert found[TERMS].counts == (2, 2, 3), "the counts once a row"
    assert found[TERMS].rows == 4
    assert found[NEW_TERMS].counts == (5, 2), "owl twice, and five others"
    window = found.of_terms([bucket("the"), bucket("zebra"), bucket("a")], [5, 7, 1])
    assert window == {TERMS: [0, 0, 13], NEW_TERMS: [6, 7]}
    batches = of_texts(lambda: [TRAIN[:1], TRAIN[1:]], lambda: [HELD[2:], HELD[:2]], most=2)
    assert Reference(tuple(batches[0]), batches[1]).to_json() == found.to_json(), "whatever the batches"


def test_the_spread_of_terms_is_that_of_rows() -> None:
    """Windows of whole rows: the limit by their spread is passed as often as it says."""
    rng = np.random.default_rng(0)
    topics = [["lens", "zoom", "photo"], ["call", "sim", "ring"], ["disk", "keys", "fan"]]
    texts = [" ".join(rng.permutation(topics[k % 3])) for k in range(3_000)]
    (terms, _), known = of_texts(lambda: [pa.array(texts)], lambda: [pa.array(texts[:10])])
    reference = Reference((terms,), known)
    above = 0
    for _ in range(200):
        words, often = np.unique(" ".join(rng.choice(texts, 200)).split(), return_counts=True)
        counts = [*dict(sorted(zip(map(terms.values.index, words), often, strict=True))).values(), 0]
        far = chi_squared(terms.counts, counts)
        above += far > terms.chance.limit(0.05, 200, 3_000)
    assert reference.has_terms
    assert terms.chance.freedom == pytest.approx(2, rel=0.01), "three topics, and not nine words"
    assert above <= 20


def test_of_a_long_text_the_first_words_are_looked_at() -> None:
    text = pa.array(["one two", " ".join(f"w{k}" for k in range(FIRST + 50))])
    rows, ids, terms = once_a_row(text)
    assert np.bincount(rows).tolist() == [2, FIRST]
    assert terms[int(ids[-1])].as_py() == f"w{FIRST - 1}"


def test_outputs_of_classes_and_of_numbers() -> None:
    said = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    score, prediction, confidence = of_outputs(said, np.array(["bad", "good", "good"], dtype=object), ["bad", "good"])
    assert [each.name for each in (score, prediction, confidence)] == ["score", "prediction", "confidence"]
    assert dict(zip(prediction.bins, prediction.counts, strict=True))["good"] == 2
    assert score.cuts == pytest.approx((0.35, 0.7))
    assert confidence.cuts == pytest.approx((0.7, 0.85))
    (number,) = of_outputs(np.array([[1.0], [2.0]]), np.array(["1", "2"]), [])
    assert (number.name, number.side) == ("score", "output")


def test_centroids_are_told_from_chance() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(4_000, 8)).astype(np.float32) * np.arange(1, 9, dtype=np.float32)
    empty = pa.array([""] * len(vectors))
    rows = Rows(Vectoriser(0, 1, True).counts(empty), np.zeros((4_000, 0)), np.zeros((4_000, 0), object), vectors)
    found = centroid_of(rows)
    rows.vectors = np.vstack([vectors[:-1], np.full((1, 8), np.nan, np.float32)])
    assert centroid_of(rows).rows == 3_999, "a text without words has no vector"
    assert found.trace == pytest.approx(float(vectors.var(axis=0).sum()), rel=1e-4)
    limit = found.chance.limit(0.02, 300, 4_000)
    same = [found.distance(vectors[rng.integers(0, 4_000, 300)].mean(axis=0)) for _ in range(300)]
    assert np.mean(np.array(same) > limit) < 0.05
    assert found.distance(vectors[:300].mean(axis=0) + 1) > limit


def test_a_reference_is_kept_as_small_json() -> None:
    texts = [f"w{k} w{k * 7} the" for k in range(20_000)]
    histograms, known = of_texts(lambda: [pa.array(texts)], lambda: [HELD])
    centroid = Centroid((0.5, 1.0), 10, 2.0, 3.0)
    found = Reference((of_numbers("price", np.arange(50.0)), *histograms), known, centroid)
    text = found.to_json()
    assert len(text) < 200_000
    assert len(known) * 8 == BUCKETS
    again = Reference.from_json(text)
    assert again == found
    assert again.to_json() == text
    assert json.loads(text)["format"] == 1
