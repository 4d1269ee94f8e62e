"""Rows in blocks on disk: kept, taken and summed as rows in memory, and the model that is fitted on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_samples import reviews, rows_of
from scipy.sparse import csr_matrix

from lakehouse_nlp.model.blocks import Spool, sample
from lakehouse_nlp.model.linear import fit_linear, inverse_document_frequency, regression, tfidf
from lakehouse_nlp.model.metrics import evaluate
from lakehouse_nlp.model.rows import folds_of, joined
from lakehouse_nlp.model.stacked import Rows, Spec, fit
from lakehouse_nlp.model.stored import booster_hash
from lakehouse_nlp.model.task import Task
from lakehouse_nlp.model.together import Lesson, minimised, regressions

pytestmark = pytest.mark.unit


def _spool(rows: Rows, size: int = 300) -> Spool[Rows]:
    return Spool(rows.take(np.arange(start, min(start + size, len(rows)))) for start in range(0, len(rows), size))


def _rows(spec: Spec, n: int = 1000, classes: int = 2, seed: int = 0) -> tuple[Rows, np.ndarray]:
    texts, labels = reviews(n, classes, seed)
    return rows_of(spec, texts, labels, seed), labels


def test_a_spool_gives_back_what_it_was_given_in_order(spec: Spec) -> None:
    rows, _ = _rows(spec)
    spool = _spool(rows)
    assert (len(spool), spool.blocks) == (1000, 4)
    assert list(spool.each(lambda start, block: (start, len(block)))) == [(0, 300), (300, 300), (600, 300), (900, 100)]
    whole = joined(list(spool.each(lambda _, block: block)))
    assert (whole.counts != rows.counts).nnz == 0
    assert whole.categorical.tolist() == rows.categorical.tolist()
    (total,) = spool.total(lambda _, block: (np.nansum(block.numeric, axis=0),))
    np.testing.assert_allclose(total, np.nansum(rows.numeric, axis=0))


def test_a_mask_takes_rows_and_leaves_no_empty_block(spec: Spec) -> None:
    rows, _ = _rows(spec)
    mask = np.arange(1000) % 3 == 0
    mask[300:600] = False
    kept = _spool(rows).where(mask)
    assert (len(kept), kept.blocks) == (int(mask.sum()), 3)
    whole = joined(list(kept.each(lambda _, block: block)))
    np.testing.assert_array_equal(whole.numeric, rows.take(mask).numeric)


def test_a_spools_files_go_with_it(spec: Spec) -> None:
    spool = _spool(_rows(spec, 10)[0])
    folder = Path(spool.folder)
    assert folder.exists()
    del spool
    assert not folder.exists()


@pytest.mark.parametrize("most", [7, 1000, 5000])
def test_a_sample_is_spaced_evenly_and_the_same_however_rows_are_held(spec: Spec, most: int) -> None:
    rows, _ = _rows(spec)
    (here, places), (there, others) = sample(rows, most), sample(_spool(rows), most)
    assert places.tolist() == others.tolist()
    assert (places[0], places[-1], len(places)) == (0, 999, min(most, 1000))
    np.testing.assert_array_equal(here.numeric, rows.take(places).numeric)
    np.testing.assert_array_equal(here.numeric, there.numeric)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression", "weighted"])
def test_regressions_over_blocks_are_those_over_rows(spec: Spec, kind: str) -> None:
    rows, labels = _rows(spec, classes=3 if kind == "multiclass" else 2)
    if kind == "regression":
        labels = (100 + 10 * (labels == "positive") + np.random.default_rng(0).normal(size=1000)).astype(str)
    task = Task.of(labels, "auto", "balanced" if kind == "weighted" else "none")
    values = task.values(labels)
    fold = folds_of(task.codes(values), spec.folds, 0)
    terms = tfidf(rows.counts, inverse_document_frequency(rows.counts), spec)
    columns, weights = task.columns(values), task.row_weights(values)
    lessons = Spool(
        Lesson(terms[a : a + 300], columns[a : a + 300], weights[a : a + 300], fold[a : a + 300])
        for a in range(0, 1000, 300)
    )
    found = regressions(lessons, spec.buckets, task, spec.linear_c, [-1, 0, 1, 2])
    linear, held_out = fit_linear(terms, task, values, fold, spec, 1)
    scale = np.ptp(linear.scores(terms))
    apart = (terms @ found[0, :, :-1].T + found[0, :, -1]) - linear.scores(terms)
    assert np.abs(apart).max() < 1e-3 * scale
    for k in range(3):
        said = terms[fold == k] @ found[k + 1, :, :-1].T + found[k + 1, :, -1]
        there = np.diff(terms[fold == k].indptr) > 0
        assert np.abs(said - held_out[fold == k])[there].max() < 1e-3 * scale


def test_a_column_of_one_kind_has_no_regression(spec: Spec) -> None:
    task, weights = Task("multiclass", ("a", "b", "c"), (1.0, 1.0, 1.0)), np.ones(4)
    columns = np.array([[1.0, 0, 0], [0, 1.0, 0], [1.0, 0, 0], [0, 1.0, 0]])
    features = csr_matrix(np.eye(4))
    (found,) = regressions(Spool([Lesson(features, columns, weights, np.zeros(4, int))]), 4, task, 1.0, [-1])
    assert np.isnan(found[2]).all()
    np.testing.assert_allclose(found[0], regression(features, columns[:, 0], weights, task, 1.0), atol=1e-3)


def test_steps_that_wait_for_each_other_find_each_minimum_and_tell_of_faults() -> None:
    wanted = np.array([[1.0, 2.0], [-3.0, 0.5], [0.0, 0.0]])

    def evaluate(on: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return ((at - wanted[on]) ** 2).sum(axis=1), 2 * (at - wanted[on])

    np.testing.assert_allclose(minimised(np.zeros((3, 2)), evaluate, 1e-8), wanted, atol=1e-6)

    def broken(on: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        minimised(np.zeros((3, 2)), broken, 1e-8)


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "no text": {"buckets": 0},
    "target": {"encode": {"kind": "target"}},
    "frequency, monotone": {"encode": {"kind": "frequency"}, "monotone": {"price": 1}},
    "everything": {
        "class_weights": "balanced",
        "early_stopping": 3,
        "calibration": "isotonic",
        "threshold": "accuracy",
        "rounds": 40,
    },
}


@pytest.mark.parametrize("case", CASES)
def test_a_model_of_batches_has_the_figures_of_one_in_memory(spec: Spec, case: str) -> None:
    mine = replace(spec, **CASES[case])
    (rows, labels), (fresh, truth) = _rows(mine, 2000), _rows(mine, 2000, seed=5)
    memory = fit(rows, labels, mine, 2, validation=(fresh, truth))
    batches = fit(_spool(rows), labels, mine, 2, validation=(_spool(fresh), truth))
    again = fit(_spool(rows), labels, mine, 2, validation=(_spool(fresh), truth))
    assert booster_hash(again) == booster_hash(batches)
    assert batches.booster.num_boosted_rounds() == memory.booster.num_boosted_rounds()
    np.testing.assert_array_equal(batches.outputs(_spool(fresh, 123)), batches.outputs(fresh))
    np.testing.assert_allclose(batches.linear_outputs(fresh), memory.linear_outputs(fresh), atol=1e-3)
    one, other = (
        evaluate(truth, m.outputs(fresh), m.classes, m.predictions(m.outputs(fresh))) for m in (memory, batches)
    )
    for name in ("accuracy", "roc_auc", "f1_macro", "log_loss"):
        assert other[name] == pytest.approx(one[name], abs=0.002)


def test_a_regression_of_batches_has_the_figures_of_one_in_memory(spec: Spec) -> None:
    (rows, labels), (fresh, truth) = _rows(spec, 2000), _rows(spec, 2000, seed=5)
    numbers = [
        (5 * (found == "positive") + (part.categorical[:, 0] == "phone")).astype(str)
        for part, found in ((rows, labels), (fresh, truth))
    ]
    mine = replace(spec, objective="regression", encode={"kind": "target"})
    memory, batches = fit(rows, numbers[0], mine, 2), fit(_spool(rows), numbers[0], mine, 2)
    one, other = (evaluate(numbers[1], model.outputs(fresh), []) for model in (memory, batches))
    assert one["r2"] > 0.5
    for name in ("rmse", "mae", "r2"):
        assert other[name] == pytest.approx(one[name], abs=0.002)
