"""What the specification asks of training beside the defaults: objectives, weights, stopping, constraints, cuts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from model_samples import reviews, rows_of
from scipy.sparse import csr_matrix

from lakehouse_nlp.model.metrics import evaluate
from lakehouse_nlp.model.pyfunc import Scorer, frame_to_rows
from lakehouse_nlp.model.stacked import Rows, Spec, StackedModel, fit
from lakehouse_nlp.model.stored import load, save

pytestmark = pytest.mark.unit

BOOSTER = {"max_depth": 3, "learning_rate": 0.3}
TABLE = Spec(buckets=0, numeric=("x", "y"), categorical=("kind",), rounds=30, booster=BOOSTER)


def _table(n: int = 600, seed: int = 0) -> tuple[Rows, np.ndarray]:
    """Numbers, a category, and the odds that they give; every seventh number is missing."""
    rng = np.random.default_rng(seed)
    numbers, kinds = rng.normal(size=(n, 2)), rng.choice(np.array(["a", "b", "c", None], dtype=object), n)
    odds = 1.5 * numbers[:, 0] - numbers[:, 1] + 2 * (kinds == "a")
    numbers[::7, 1] = np.nan
    return Rows(csr_matrix((n, 0), dtype=np.float32), numbers, kinds[:, None]), odds


def _binary(n: int = 600, seed: int = 0, shift: float = 0.0) -> tuple[Rows, np.ndarray]:
    rows, odds = _table(n, seed)
    noise = np.random.default_rng(seed + 1).logistic(size=n)
    return rows, np.where(odds + noise + shift > 0, "yes", "no")


def _same(model: StackedModel, rows: Rows, folder: Path) -> StackedModel:
    """The model after saving and loading, which must say the same."""
    save(model, folder)
    loaded = load(folder)
    np.testing.assert_array_equal(loaded.outputs(rows), model.outputs(rows))
    np.testing.assert_array_equal(loaded.linear_outputs(rows), model.linear_outputs(rows))
    assert loaded.predictions(loaded.outputs(rows)).tolist() == model.predictions(model.outputs(rows)).tolist()
    return loaded


def test_a_regression_predicts_numbers_by_columns(tmp_path: Path) -> None:
    rows, odds = _table()
    fresh, truth = _table(300, seed=5)
    model = _same(fit(rows, odds.astype(str).astype(object), TABLE, threads=2), rows, tmp_path)
    assert model.classes == []
    assert model.features.task.objective == "regression"
    found = evaluate(truth.astype(str), model.outputs(fresh), [])
    plain = evaluate(truth.astype(str), model.linear_outputs(fresh), [])
    assert found["r2"] > 0.85
    assert plain["r2"] > 0.7
    assert evaluate(truth.astype(str), np.full((300, 1), odds.mean()), [])["r2"] < 0.05


def test_a_regression_reads_text(spec: Spec) -> None:
    texts, labels = reviews(600)
    stars = np.where(labels == "positive", 5.0, 1.0) + np.random.default_rng(0).normal(0, 0.2, 600)
    rows = rows_of(spec, texts, np.full(600, "negative"))
    model = fit(rows, stars.astype(str), spec, threads=2)
    assert model.features.names()[0] == "linear"
    assert len(model.features.selected) > 5
    assert evaluate(stars.astype(str), model.outputs(rows), [])["r2"] > 0.5


def test_the_pyfunc_of_a_regression_gives_values() -> None:
    rows, odds = _table()
    model = fit(rows, odds.astype(str), TABLE, threads=1)
    frame = pd.DataFrame({"x": [0.0, None], "y": [1.0, 2.0], "kind": ["a", "never seen"]})
    said = Scorer(model).predict(frame)
    assert said["value"].tolist() == model.outputs(frame_to_rows(frame, TABLE))[:, 0].tolist()
    assert [float(text) for text in said["prediction"]] == said["value"].tolist()
    assert said["probability"].isna().all()
    assert said["probabilities"].tolist() == [[], []]


def test_the_baseline_reads_columns() -> None:
    rows, labels = _binary(3000)
    fresh, truth = _binary(1000, seed=9)
    model = fit(rows, labels, TABLE, threads=2)
    assert evaluate(truth, model.linear_outputs(fresh), ["no", "yes"])["roc_auc"] > 0.8
    unseen = Rows(fresh.counts, np.full_like(fresh.numeric, np.nan), np.full_like(fresh.categorical, "never seen"))
    assert np.isfinite(model.linear_outputs(unseen)).all()
    assert "linear" not in model.features.names()


@pytest.mark.parametrize("kind", ["native", "frequency", "target"])
def test_every_encoding_serves_what_it_never_saw(kind: str, tmp_path: Path) -> None:
    rows, labels = _binary()
    model = _same(fit(rows, labels, replace(TABLE, encode={"kind": kind}), threads=1), rows, tmp_path)
    for value in ("never seen", None, "", "😀", "x" * 100_000):
        strange = Rows(rows.counts, rows.numeric, np.full_like(rows.categorical, value))
        assert np.isfinite(model.outputs(strange)).all()


def test_balanced_weights_find_more_of_the_rare_class() -> None:
    rows, labels = _binary(2000, shift=-3.0)
    fresh, truth = _binary(2000, seed=7, shift=-3.0)
    recall = {}
    for weights in ("none", "balanced"):
        model = fit(rows, labels, replace(TABLE, class_weights=weights), threads=2)
        recall[weights] = evaluate(truth, model.outputs(fresh), ["no", "yes"])["recall"]["yes"]
    assert recall["balanced"] > recall["none"] + 0.1


def test_early_stopping_keeps_the_best_round() -> None:
    rows, labels = _binary(400)
    fresh, truth = _binary(400, seed=3)
    spec = replace(TABLE, rounds=300, early_stopping=10)
    stopped = fit(rows, labels, spec, threads=1, validation=(fresh, truth))
    whole = fit(rows, labels, replace(spec, early_stopping=0), threads=1, validation=(fresh, truth))
    assert whole.booster.num_boosted_rounds() == 300
    kept = stopped.booster.num_boosted_rounds()
    assert 0 < kept < 100
    loss = [evaluate(truth, model.outputs(fresh), ["no", "yes"])["log_loss"] for model in (stopped, whole)]
    assert loss[0] < loss[1]
    exact = fit(rows, labels, replace(spec, early_stopping=0, rounds=kept), threads=1)
    np.testing.assert_array_equal(exact.outputs(fresh), stopped.outputs(fresh))


def test_a_monotone_column_never_lowers_the_output() -> None:
    rows, labels = _binary(500)
    grid = np.column_stack([np.linspace(-4, 4, 200), np.zeros(200)])
    line = Rows(csr_matrix((200, 0)), grid, np.full((200, 1), "b", dtype=object))
    free = fit(rows, labels, TABLE, threads=1).outputs(line)[:, 1]
    bound = fit(rows, labels, replace(TABLE, monotone={"x": 1}), threads=1).outputs(line)[:, 1]
    falling = fit(rows, labels, replace(TABLE, monotone={"x": -1}), threads=1).outputs(line)[:, 1]
    assert (np.diff(free) < 0).any()
    assert (np.diff(bound) >= 0).all()
    assert (np.diff(falling) <= 0).all()
    assert np.ptp(bound) > 0.5


@pytest.mark.parametrize("kind", ["platt", "isotonic"])
def test_calibration_is_out_of_fold_and_mends_an_overfitted_booster(kind: str, tmp_path: Path) -> None:
    rows, labels = _binary(1500)
    fresh, truth = _binary(1500, seed=8)
    spec = replace(TABLE, rounds=200)
    raw = fit(rows, labels, spec, threads=2)
    model = _same(fit(rows, labels, replace(spec, calibration=kind), threads=2), fresh, tmp_path)
    before, after = (evaluate(truth, m.outputs(fresh), ["no", "yes"]) for m in (raw, model))
    assert after["log_loss"] < before["log_loss"] - 0.01
    assert after["brier"] < before["brier"]
    assert after["roc_auc"] == pytest.approx(before["roc_auc"], abs=0.01)


def test_the_threshold_moves_the_prediction_and_not_the_probability(tmp_path: Path) -> None:
    rows, labels = _binary(2000, shift=-3.0)
    fresh, truth = _binary(2000, seed=7, shift=-3.0)
    plain = fit(rows, labels, TABLE, threads=2)
    model = fit(rows, labels, replace(TABLE, threshold="f1.yes"), threads=2, validation=(fresh, truth))
    model = _same(model, fresh, tmp_path)
    assert model.cut is not None
    assert 0.05 < model.cut < 0.5
    said = model.outputs(fresh)
    np.testing.assert_array_equal(said, plain.outputs(fresh))
    f1 = [evaluate(truth, said, ["no", "yes"], m.predictions(said))["f1"]["yes"] for m in (plain, model)]
    assert f1[1] > f1[0] + 0.02
    frame = pd.DataFrame({"x": fresh.numeric[:, 0], "y": fresh.numeric[:, 1], "kind": fresh.categorical[:, 0]})
    served = Scorer(model).predict(frame)
    assert (served["prediction"] == model.predictions(said)).all()
    yes = served["prediction"] == "yes"
    np.testing.assert_array_equal(served["probability"], np.where(yes, said[:, 1], said[:, 0]))


@pytest.mark.parametrize(
    ("spec", "checked", "says"),
    [
        ({"threshold": "f1.maybe"}, True, "for two classes there are accuracy, balanced_accuracy, f1_macro, f1.no, f1"),
        (
            {"threshold": "accuracy"},
            False,
            "chosen on validation rows, and there are none; raise gold.split.validation",
        ),
    ],
)
def test_a_threshold_that_cannot_be_chosen_is_an_error(spec: dict[str, Any], checked: bool, says: str) -> None:
    rows, labels = _binary(200)
    with pytest.raises(ValueError, match=says):
        fit(rows, labels, replace(TABLE, **spec), threads=1, validation=(rows, labels) if checked else None)


def test_ten_thousand_categories_a_constant_and_an_empty_column_train_and_serve() -> None:
    rng = np.random.default_rng(0)
    n = 10_000
    labels = rng.choice(["no", "yes"], n)
    numeric = np.column_stack([np.full(n, np.nan), np.full(n, 7.0)])
    rows = Rows(csr_matrix((n, 0)), numeric, np.array([f"value {k}" for k in range(n)], dtype=object)[:, None])
    for kind in ("native", "frequency", "target"):
        model = fit(rows, labels, replace(TABLE, rounds=3, encode={"kind": kind}), threads=2)
        assert np.isfinite(model.outputs(rows.take(np.arange(50)))).all()
        assert np.isfinite(model.linear_outputs(rows.take(np.arange(50)))).all()


@pytest.mark.parametrize("vocabulary", [(), ("broken", "great", "phone")], ids=["hashed", "vocabulary"])
def test_a_test_split_in_a_language_of_its_own_gets_what_a_row_without_text_gets(vocabulary: tuple[str, ...]) -> None:
    texts, labels = reviews(600)
    plain = Spec(buckets=len(vocabulary) or 2**12, vocabulary=vocabulary, select=20, rounds=10, booster=BOOSTER)
    none = np.zeros((600, 0))
    model = fit(Rows(plain.vectoriser.counts(pa.array(texts)), none, none.astype(object)), labels, plain, threads=2)
    strange = Scorer(model).predict(pd.DataFrame({"clean_text": ["отличная камера очень нравится", "", "カメラ 最高"]}))
    assert strange["prediction"].nunique() == 1
    assert strange["probability"].nunique() == 1
    known = Scorer(model).predict(pd.DataFrame({"clean_text": ["great great", "broken broken"]}))
    assert known["prediction"].tolist() == ["positive", "negative"]
    truth = np.array(["positive", "negative"] * 50)
    said = model.outputs(frame_to_rows(pd.DataFrame({"clean_text": ["плохая камера"] * 100}), plain))
    found = evaluate(truth, said, model.classes)
    assert found["accuracy"] == 0.5
    assert found["roc_auc"] == 0.5
