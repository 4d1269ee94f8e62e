"""How sure figures are, what moves a model, and signs of leakage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from lakehouse_nlp.model.bootstrap import draws, intervals, resampled
from lakehouse_nlp.model.explain import contributions, explain, strongest
from lakehouse_nlp.model.leaks import leaks
from lakehouse_nlp.model.metrics import evaluate
from lakehouse_nlp.model.stacked import Rows, Spec, StackedModel, fit

pytestmark = pytest.mark.unit

SPEC = Spec(buckets=0, numeric=("x", "y"), categorical=("kind",), rounds=20, booster={"max_depth": 3})
CLASSES = {2: ["a", "b"], 3: ["a", "b", "c"]}


def _said(classes: int, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(classes)
    proba = rng.dirichlet(np.ones(classes), n).round(2)
    labels = np.array([CLASSES[classes][rng.choice(classes, p=p / p.sum())] for p in proba])
    return labels, proba, np.array(CLASSES[classes])[proba.argmax(axis=1)]


@pytest.mark.parametrize("classes", [2, 3])
def test_a_draw_has_the_figures_of_its_rows(classes: int) -> None:
    labels, proba, said = _said(classes)
    drawn = draws(len(labels), seed=1, times=3)
    found = resampled(labels, proba, CLASSES[classes], said, drawn)
    for place, often in enumerate(drawn.astype(int)):
        rows = np.repeat(np.arange(len(labels)), often)
        wanted = evaluate(labels[rows], proba[rows], CLASSES[classes])
        for name in ("accuracy", "f1_macro", "roc_auc"):
            assert found[name][place] == pytest.approx(wanted[name])
        assert found["f1.b"][place] == pytest.approx(wanted["f1"]["b"])


def test_a_draw_of_numbers_has_their_errors() -> None:
    labels, said = np.array(["1", "2", "4"]), np.array([[1.0], [3.0], [1.0]])
    found = resampled(labels, said, [], labels, np.array([[1.0, 1.0, 1.0], [0.0, 3.0, 0.0]]))
    assert found["mae"].tolist() == pytest.approx([4 / 3, 1.0])
    assert found["rmse"].tolist() == pytest.approx([(10 / 3) ** 0.5, 1.0])


def test_intervals_hold_the_figure_and_shrink_with_more_rows() -> None:
    width = []
    for n in (200, 3200):
        labels, proba, said = _said(2, n)
        low, high = intervals(resampled(labels, proba, ["a", "b"], said, draws(n)))["accuracy"]
        assert low < (labels == said).mean() < high
        width.append(high - low)
    assert width[1] < width[0] / 3


def test_the_same_rows_are_drawn_alike() -> None:
    np.testing.assert_array_equal(draws(50, seed=3), draws(50, seed=3))
    assert (draws(50, seed=3) != draws(50, seed=4)).any()
    assert (draws(50, seed=3).sum(axis=1) == 50).all()


def test_what_a_draw_leaves_undefined_has_no_interval() -> None:
    labels = np.array(["a"] * 50)
    found = intervals(resampled(labels, np.full((50, 2), 0.5), ["a", "b"], labels, draws(50)))
    assert "roc_auc" not in found
    assert found["accuracy"] == [1.0, 1.0]


def _model(classes: int = 2, n: int = 900) -> tuple[StackedModel, Rows, np.ndarray]:
    """x decides, y is noise, kind = 'z' adds a little."""
    rng = np.random.default_rng(0)
    numbers, kind = rng.normal(size=(n, 2)), rng.choice(np.array(["z", "w", None], dtype=object), n)
    score = 3 * numbers[:, 0] + (kind == "z") + rng.normal(size=n)
    numbers[::9, 0] = np.nan
    labels = np.array(CLASSES[classes])[np.digitize(score, [[0.5], [-1.0, 1.5]][classes - 2])]
    rows = Rows(csr_matrix((n, 0)), numbers, kind[:, None])
    return fit(rows, labels, SPEC, threads=1), rows, labels


@pytest.mark.parametrize("classes", [2, 3])
def test_contributions_add_up_to_the_margin(classes: int) -> None:
    model, rows, _ = _model(classes)
    adds = contributions(model, rows)
    assert adds.shape == (900, 4, 1 if classes == 2 else 3)
    boosting = model.features.boosting(1)
    margin = model.booster.predict(boosting.matrix(model.features.of(rows)), output_margin=True)
    np.testing.assert_allclose(adds.sum(axis=1).squeeze(), margin, atol=1e-4)
    assert [name for name, _ in strongest(model, rows)][:2] == ["x", "kind"]


def test_a_row_is_explained_by_its_own_values() -> None:
    model, rows, _ = _model()
    high, low = Rows(rows.counts[:1], np.array([[3.0, 0.0]]), rows.categorical[:1]), rows.take(np.array([0]))
    (found,) = explain(model, high, most=2)
    assert (found[0].feature, found[0].value) == ("x", 3.0)
    assert found[0].adds > 1
    assert len(found) == 2
    assert next(part.value for part in explain(model, low)[0] if part.feature == "x") is None
    kinds = {part.value for row in explain(model, rows) for part in row if part.feature == "kind"}
    assert kinds == {"z", "w", None}


def test_honest_rows_show_no_signs() -> None:
    model, rows, labels = _model()
    test = rows.take(np.arange(600, 900))
    model = fit(rows.take(np.arange(600)), labels[:600], SPEC, threads=1)
    keys = [f"k{n}" for n in range(900)]
    train = rows.take(np.arange(600)), labels[:600]
    assert leaks(model.features, train, test, (keys[:600], keys[600:])) == []


@pytest.mark.parametrize("place", ["numeric", "categorical"])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_column_that_tells_the_label_is_grave(place: str, classes: int) -> None:
    _, rows, labels = _model(classes)
    told = np.array(["v" + label for label in labels], dtype=object)
    if place == "numeric":
        rows.numeric[:, 1] = -(labels == "a").astype(float)
    else:
        rows.categorical[:, 0] = told
    model = fit(rows, labels, SPEC, threads=1)
    found = leaks(model.features, (rows, labels), rows.take(np.array([], dtype=int)), (["1"], ["2"]))
    assert [leak.grave for leak in found] == [True]
    name = "y" if place == "numeric" else "kind"
    assert found[0].says.startswith(f"{name} alone tells the label (AUC 1.0000)")


def test_copies_and_shared_keys_are_told() -> None:
    model, rows, labels = _model()
    found = leaks(model.features, (rows, labels), rows.take(np.arange(100)), (["1", "2"], ["3", "2"]))
    assert [(leak.grave, leak.says) for leak in found] == [
        (True, "1 keys are in training and test rows, such as '2'"),
        (False, "100.0% of the test rows equal a training row in every feature"),
    ]


def test_ten_thousand_values_are_not_taken_for_a_leak() -> None:
    _, rows, labels = _model()
    rows.categorical[:, 0] = [f"id {n}" for n in range(900)]
    model = fit(rows, labels, replace(SPEC, rounds=2), threads=1)
    assert leaks(model.features, (rows, labels), rows.take(np.arange(0)), ([], [])) == []
