from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from model_samples import reviews, rows_of
from scipy.sparse import csr_matrix

from lakehouse_nlp.model.columns import Columns
from lakehouse_nlp.model.features import Features
from lakehouse_nlp.model.linear import Linear, best_terms, fit_linear, inverse_document_frequency, tfidf
from lakehouse_nlp.model.rows import folds_of
from lakehouse_nlp.model.stacked import Rows, Spec, StackedModel, fit
from lakehouse_nlp.model.stored import load, save
from lakehouse_nlp.model.task import Task

pytestmark = pytest.mark.unit

# A categorical column of two known values; an unseen and a missing one are missing.
TABLE = np.array([[0.0], [1.0], [np.nan], [np.nan]])


@pytest.fixture(scope="module", params=[2, 3])
def trained(request: pytest.FixtureRequest, spec: Spec) -> tuple[StackedModel, Rows, np.ndarray]:
    texts, labels = reviews(600, request.param)
    rows = rows_of(spec, texts, labels)
    return fit(rows, labels, spec, threads=2), rows, labels


def test_predicts_the_classes(trained: tuple[StackedModel, Rows, np.ndarray]) -> None:
    model, rows, labels = trained
    for proba in (model.outputs(rows), model.linear_outputs(rows)):
        assert proba.shape == (600, len(model.classes))
        assert proba.dtype == np.float64
        np.testing.assert_allclose(proba.sum(axis=1), 1.0, atol=1e-6)
        assert (np.array(model.classes)[proba.argmax(axis=1)] == labels).mean() > 0.8
    assert model.classes == sorted(set(labels))


def test_same_rows_and_seed_give_the_same_bytes(spec: Spec, tmp_path: Path) -> None:
    texts, labels = reviews(400)
    for folder in ("a", "b"):
        save(fit(rows_of(spec, texts, labels), labels, spec, threads=2), tmp_path / folder)
    for name in ("booster.ubj", "arrays.npz", "model.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_loads_what_it_saved(trained: tuple[StackedModel, Rows, np.ndarray], tmp_path: Path) -> None:
    model, rows, _ = trained
    model.features.terms = {int(model.features.selected[0]): "naïve 😀"}
    save(model, tmp_path)
    loaded = load(tmp_path)
    np.testing.assert_array_equal(loaded.outputs(rows), model.outputs(rows))
    np.testing.assert_array_equal(loaded.linear_outputs(rows), model.linear_outputs(rows))
    assert loaded.importance() == model.importance()
    assert loaded.spec == model.spec
    save(loaded, tmp_path / "again")
    assert (tmp_path / "again" / "booster.ubj").read_bytes() == (tmp_path / "booster.ubj").read_bytes()


def test_a_rows_prediction_does_not_depend_on_its_batch(trained: tuple[StackedModel, Rows, np.ndarray]) -> None:
    model, rows, _ = trained
    alone = np.vstack([model.outputs(rows.take(np.array([i]))) for i in range(20)])
    np.testing.assert_array_equal(model.outputs(rows)[:20], alone)
    assert model.outputs(rows.take(np.array([], dtype=int))).shape == (0, len(model.classes))


def test_unknown_categories_are_missing_ones(trained: tuple[StackedModel, Rows, np.ndarray]) -> None:
    model, rows, _ = trained
    unknown = Rows(rows.counts, rows.numeric, np.full_like(rows.categorical, "never seen"))
    missing = Rows(rows.counts, rows.numeric, np.full_like(rows.categorical, None))
    np.testing.assert_array_equal(model.outputs(unknown), model.outputs(missing))


def test_zeros_stay_zeros_and_missing_stays_missing(spec: Spec) -> None:
    terms = csr_matrix(np.array([[0.0, 0.6, 0.8], [0.0, 0.0, 0.0]]))
    rows = Rows(terms, np.array([[0.0, np.inf], [np.nan, 1e300]]), np.array([["b"], [None]], dtype=object))
    linear, columns = Linear(np.array([[0.0, 0.0, 1.0]]), np.array([0.0])), Columns([["a", "b"]], [TABLE])
    task = Task("binary", ("no", "yes"), (1.0, 1.0))
    raw = replace(spec, sublinear=False)
    features = Features(raw, task, np.ones(3), linear, np.array([0, 2]), columns).of(rows)
    assert features.dtype == np.float32
    stored = {(int(i), int(j)): v for i, j, v in zip(*features.tocoo().coords, features.tocoo().data, strict=True)}
    known = {place: value for place, value in stored.items() if not np.isnan(value)}
    assert known == {(0, 0): pytest.approx(0.8), (1, 0): 0.0, (0, 1): 0.0, (0, 3): 1.0, (0, 5): pytest.approx(0.8)}


def test_a_number_that_is_zero_is_not_missing(spec: Spec) -> None:
    labels = np.where(np.arange(200) % 2, "a", "b")
    nothing = Rows(csr_matrix((200, spec.buckets)), np.zeros((200, 1)), np.full((200, 1), None, dtype=object))
    nothing.numeric[labels == "a"] = np.nan
    model = fit(nothing, labels, spec, threads=1)
    assert (model.outputs(nothing).argmax(axis=1) == (labels == "b")).all()
    assert [name for name, _ in model.importance()] == ["price"]


def test_importance_names_terms_where_they_are_known(spec: Spec) -> None:
    texts, labels = reviews(300)
    rows = rows_of(replace(spec, folds=2), texts, labels)
    model = fit(rows, labels, spec, threads=1)
    assert all(name.startswith(("linear", "price", "kind", "text:#")) for name, _ in model.importance())
    model.features.terms = spec.vectoriser.terms(pa.array(texts), model.features.selected.tolist())
    assert "text:great" in model.features.names()
    assert not any("#" in name for name in model.features.names())
    gains = [gain for _, gain in model.importance()]
    assert gains == sorted(gains, reverse=True)


def test_rounds_are_reported(spec: Spec) -> None:
    texts, labels = reviews(100)
    seen: list[tuple[int, int]] = []
    fit(rows_of(spec, texts, labels), labels, spec, 1, lambda done, rounds: seen.append((done, rounds)))
    assert seen == [(k + 1, spec.rounds) for k in range(spec.rounds)]


def test_one_class_is_an_error(spec: Spec) -> None:
    texts, labels = reviews(10)
    with pytest.raises(ValueError, match=r"1 class\(es\) \(same\)"):
        fit(rows_of(spec, texts, labels), np.full(10, "same"), spec, threads=1)


@pytest.mark.parametrize("lone", [["rare"], ["rare", "rarer"]])
def test_classes_of_a_single_row_do_not_stop_training(spec: Spec, lone: list[str]) -> None:
    texts, labels = reviews(60)
    labels = np.array([*labels[: -len(lone)], *lone])
    rows = rows_of(spec, texts, labels)
    model = fit(rows, labels, spec, threads=2)
    assert np.isfinite(model.outputs(rows)).all()
    two = np.where(labels == "rare", "rare", "other")
    assert np.isfinite(fit(rows, two, spec, threads=2).outputs(rows)).all()


def test_training_scores_are_out_of_fold(spec: Spec) -> None:
    texts = [f"word{i} only here" for i in range(90)]
    codes = np.arange(90) % 2
    counts = spec.vectoriser.counts(pa.array(texts))
    terms = tfidf(counts, inverse_document_frequency(counts), spec)
    task, fold = Task("binary", ("a", "b"), (1.0, 1.0)), folds_of(codes, spec.folds, spec.seed)
    full, held_out = fit_linear(terms, task, codes.astype(float), fold, spec, threads=2)
    assert ((full.scores(terms)[:, 0] > 0) == codes).mean() > 0.9
    assert ((held_out[:, 0] > 0) == codes).mean() < 0.7
    again = fit_linear(terms, task, codes.astype(float), fold, spec, threads=1)
    np.testing.assert_array_equal(held_out, again[1])


def test_a_text_without_terms_scores_the_same_in_training_and_serving(spec: Spec) -> None:
    texts, labels = reviews(300)
    texts[::10] = [""] * 30
    codes = (labels == "positive").astype(int)
    counts = spec.vectoriser.counts(pa.array(texts))
    terms = tfidf(counts, inverse_document_frequency(counts), spec)
    task, fold = Task("binary", ("a", "b"), (1.0, 1.0)), folds_of(codes, spec.folds, spec.seed)
    full, held_out = fit_linear(terms, task, codes.astype(float), fold, spec, threads=1)
    np.testing.assert_array_equal(held_out[::10], full.scores(terms[::10]))


def test_tfidf_and_chi2_are_scikit_learns(spec: Spec) -> None:
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.feature_selection import chi2

    texts, labels = reviews(200)
    counts = spec.vectoriser.counts(pa.array(texts))
    terms = tfidf(counts, inverse_document_frequency(counts), spec)
    expected = TfidfTransformer(sublinear_tf=True).fit_transform(counts.astype(float))
    np.testing.assert_allclose(terms.toarray(), expected.toarray(), rtol=1e-12)
    codes = (labels == "positive").astype(int)
    scores = np.nan_to_num(chi2(terms, codes)[0])
    np.testing.assert_array_equal(best_terms(terms, codes, 10), np.sort(np.argsort(-scores, kind="stable")[:10]))
