from __future__ import annotations

import time
from collections import Counter

import mmh3
import numpy as np
import pyarrow as pa
import pytest

from lakehouse_nlp.model.vectoriser import Vectoriser

pytestmark = pytest.mark.unit

AWKWARD = ["", None, "a", "a b a b a", " a  b ", "😀 👩‍👩‍👧 naïve 😀", "don't", "a b", None, "x " * 300]


def slowly(text: str | None, buckets: int, ngrams: int) -> Counter[int]:
    tokens = [token for token in (text or "").split(" ") if token]
    terms = [" ".join(tokens[i : i + n]) for n in range(1, ngrams + 1) for i in range(len(tokens) - n + 1)]
    return Counter(mmh3.hash(term, 42, signed=True) % buckets for term in terms)


def check(texts: pa.Array | pa.ChunkedArray, buckets: int, ngrams: int) -> None:
    counts = Vectoriser(buckets, ngrams, True).counts(texts)
    assert counts.shape == (len(texts), buckets)
    assert counts.dtype == np.float32
    for row, text in zip(counts, texts.to_pylist(), strict=True):
        assert dict(zip(row.indices.tolist(), row.data.tolist(), strict=True)) == slowly(text, buckets, ngrams)
        assert (np.diff(row.indices) > 0).all()


@pytest.mark.parametrize("ngrams", [1, 2, 3])
@pytest.mark.parametrize("buckets", [7, 2**18])
def test_equals_the_slow_way(buckets: int, ngrams: int) -> None:
    rng = np.random.default_rng(0)
    random = [" ".join(rng.choice(list("abcdefg"), rng.integers(0, 9))) for _ in range(200)]
    check(pa.array(AWKWARD + random), buckets, ngrams)


def test_takes_slices_chunks_and_large_strings() -> None:
    whole = pa.array(AWKWARD)
    check(whole[2:6], 64, 2)
    check(pa.chunked_array([whole[:3], whole[3:]]), 64, 2)
    check(whole.cast(pa.large_string()), 64, 2)


@pytest.mark.parametrize(
    "nothing", [pa.array([], pa.string()), pa.chunked_array([], pa.string()), pa.array([None, "", " "], pa.string())]
)
def test_no_text_gives_no_counts(nothing: pa.Array) -> None:
    counts = Vectoriser(64, 3, True).counts(nothing)
    assert counts.shape == (len(nothing), 64)
    assert counts.nnz == 0


def test_a_row_does_not_depend_on_the_rows_beside_it() -> None:
    texts = pa.array(AWKWARD)
    vectoriser = Vectoriser(2**10, 2, True)
    alone = np.vstack([vectoriser.counts(texts[i : i + 1]).toarray() for i in range(len(texts))])
    np.testing.assert_array_equal(vectoriser.counts(texts).toarray(), alone)


def test_a_text_of_50_mb_takes_seconds() -> None:
    started = time.process_time()
    counts = Vectoriser(2**18, 2, True).counts(pa.array(["spam and eggs " * 3_600_000]))
    assert sorted(counts.data.tolist()) == [3_599_999, *[3_600_000] * 5]
    assert time.process_time() - started < 60


def test_hash_is_that_of_sparks_hashing_tf() -> None:
    # pyspark.ml.feature.HashingTF's doctest: numFeatures=10, ["a", "b", "c"] -> indices 5, 7, 8
    assert Vectoriser(10, 1, False).counts(pa.array(["a b c"])).indices.tolist() == [5, 7, 8]


def test_tf_is_sublinear_or_the_count() -> None:
    texts = pa.array(["a a a b"])
    for sublinear, expected in [(True, [1.0, 1.0 + np.log(3.0)]), (False, [1.0, 3.0])]:
        vectoriser = Vectoriser(2**10, 1, sublinear)
        tf = vectoriser.tf(vectoriser.counts(texts))
        assert tf.dtype == np.float64
        assert sorted(tf.data.tolist()) == expected


def test_terms_names_a_bucket_by_its_most_frequent_term() -> None:
    one = Vectoriser(1, 1, True)
    assert one.terms(pa.array(["b a b", None, "c c"]), {0}) == {0: "b"}
    assert one.terms(pa.array([], pa.string()), {0}) == {}


def test_terms_knows_ngrams_and_leaves_out_what_no_text_has() -> None:
    vectoriser = Vectoriser(2**18, 2, True)
    bucket = {term: mmh3.hash(term, 42, signed=True) % 2**18 for term in ("not good", "good bad", "bad")}
    assert vectoriser.terms(pa.array(["not good", "bad"]), bucket.values()) == {
        bucket["not good"]: "not good",
        bucket["bad"]: "bad",
    }


def test_a_vocabulary_counts_its_own_terms_and_no_others() -> None:
    vocabulary = ("a", "a b", "naïve 😀")
    counts = Vectoriser(3, 2, True, vocabulary).counts(pa.array(AWKWARD))
    wanted = [[text.split().count("a") if text else 0 for text in AWKWARD], [0] * len(AWKWARD), [0] * len(AWKWARD)]
    wanted[1] = [{3: 2, 4: 1, 7: 1}.get(place, 0) for place in range(len(AWKWARD))]
    wanted[2][5] = 1
    np.testing.assert_array_equal(counts.toarray().T, wanted)
    assert Vectoriser(3, 2, True, vocabulary).terms(pa.array(["a b"]), [0, 1, 2]) == {0: "a", 1: "a b"}


def test_rows_with_a_term_are_counted_once_a_row() -> None:
    terms, rows = Vectoriser(7, 2, True).rows_with(pa.array(["a a b", "a b", None, "c"]))
    found = dict(zip(terms.to_pylist(), rows.tolist(), strict=True))
    assert found == {"a": 2, "b": 2, "c": 1, "a a": 1, "a b": 2}


def test_without_buckets_there_are_no_columns() -> None:
    assert Vectoriser(0, 2, True).counts(pa.array(AWKWARD)).shape == (len(AWKWARD), 0)
