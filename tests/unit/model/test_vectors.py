"""Word vectors and their mean, and what the booster makes of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from model_samples import reviews

from lakehouse_nlp.model.explain import explain
from lakehouse_nlp.model.pyfunc import Scorer, frame_to_rows
from lakehouse_nlp.model.stacked import Spec, StackedModel, fit
from lakehouse_nlp.model.stored import booster_hash, load, save, size_mb
from lakehouse_nlp.model.vectors import WordVectors, load_vectors

pytestmark = pytest.mark.unit

NAN = float("nan")
SMALL = WordVectors(("a", "b", "ü"), np.array([[1, 0], [0, 2], [-4, 8]], np.float32))
TEXTS = ["a", "a b", "a b a b zz a", None, "", "zz yy", "ü", "a" * 100_000, " b  b "]
MEANS = [[1, 0], [0.5, 1], [0.5, 4 / 6], [NAN, NAN], [NAN, NAN], [0, 0], [-4, 8], [0, 0], [0, 2]]


def words_of(*texts: str) -> tuple[str, ...]:
    return tuple(sorted({word for text in texts for word in text.split()}))


def vectors_of(texts: list[str], size: int = 4) -> WordVectors:
    words = words_of(*texts)
    return WordVectors(words, np.random.default_rng(1).normal(size=(len(words), size)).astype(np.float32))


def test_a_text_is_the_mean_over_its_tokens_of_which_unknown_ones_are_nought() -> None:
    found = SMALL.of(pa.array(TEXTS))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, MEANS, rtol=1e-6)


@pytest.mark.parametrize("text", [pa.array([], pa.string()), pa.chunked_array([], pa.string())])
def test_no_texts_have_no_vectors(text: pa.Array) -> None:
    assert SMALL.of(text).shape == (0, 2)


def test_chunks_and_neighbours_change_nothing() -> None:
    texts, _ = reviews(200)
    vectors = vectors_of(texts, 50)
    whole = vectors.of(pa.array(texts))
    chunks = pa.chunked_array([texts[:3], texts[3:120], texts[120:]])
    np.testing.assert_array_equal(vectors.of(chunks), whole)
    alone = np.vstack([vectors.of(pa.array([text])) for text in texts[:20]])
    np.testing.assert_array_equal(alone, whole[:20])


def test_saved_and_loaded_they_are_the_same(tmp_path: Path) -> None:
    SMALL.save(tmp_path / "vectors")
    found = load_vectors(tmp_path / "vectors")
    assert isinstance(found, WordVectors)
    assert found.words == SMALL.words
    np.testing.assert_array_equal(found.table, SMALL.table)
    assert load_vectors(tmp_path / "none") is None


def _model(spec: Spec, size: int = 4) -> tuple[StackedModel, pd.DataFrame, np.ndarray]:
    texts, labels = reviews(400)
    spec = replace(spec, numeric=(), categorical=(), vectors=vectors_of(texts, size))
    frame = pd.DataFrame({"clean_text": texts})
    return fit(frame_to_rows(frame, spec), labels, spec, threads=1), frame, labels


def test_the_booster_sees_them_beside_terms(spec: Spec) -> None:
    model, frame, _ = _model(replace(spec, select=3))
    names = model.features.names()
    assert names[:5] == ["linear", "w2v_0", "w2v_1", "w2v_2", "w2v_3"]
    assert len(names) == 5 + len(model.features.selected)
    seen = model.features.of(frame_to_rows(frame, model.spec))
    wanted = model.spec.vectors.of(pa.array(frame["clean_text"]))  # type: ignore[union-attr]
    np.testing.assert_array_equal(seen[:, 1:5].toarray(), wanted)


def test_in_place_of_terms_they_tell_the_classes_alone(spec: Spec) -> None:
    model, frame, labels = _model(replace(spec, buckets=0), 12)
    assert model.features.names() == [f"w2v_{place}" for place in range(12)]
    assert (Scorer(model).predict(frame)["prediction"] == labels).mean() > 0.85
    assert {name for name, _ in model.importance()} == set(model.features.names())
    told = explain(model, frame_to_rows(frame[:1], model.spec))[0]
    assert {part.feature for part in told} == set(model.features.names())
    linear = model.linear_outputs(frame_to_rows(frame, model.spec))
    assert (np.array(model.classes)[linear.argmax(axis=1)] == labels).mean() > 0.7


def test_a_text_without_tokens_is_missing_to_the_booster(spec: Spec) -> None:
    model, _, _ = _model(replace(spec, buckets=0))
    rows = frame_to_rows(pd.DataFrame({"clean_text": ["  ", None, ""]}), model.spec)
    assert np.isnan(model.features.of(rows).toarray()).all()
    assert len(np.unique(model.outputs(rows), axis=0)) == 1


def test_a_model_is_saved_with_them(spec: Spec, tmp_path: Path) -> None:
    model, frame, _ = _model(spec)
    save(model, tmp_path)
    again = load(tmp_path)
    assert again.features.names() == model.features.names()
    pd.testing.assert_frame_equal(Scorer(again).predict(frame), Scorer(model).predict(frame))
    assert size_mb(model) > sum(file.stat().st_size for file in (tmp_path / "vectors").iterdir()) / 1e6 > 0


def test_the_same_rows_and_vectors_are_the_same_booster(spec: Spec) -> None:
    (first, *_), (second, *_) = _model(spec), _model(spec)
    assert booster_hash(first) == booster_hash(second)
    texts, labels = reviews(400)
    other = replace(first.spec, vectors=WordVectors(words_of(*texts), -vectors_of(texts).table[::-1]))
    third = fit(frame_to_rows(pd.DataFrame({"clean_text": texts}), other), labels, other, threads=1)
    assert booster_hash(third) != booster_hash(first)
