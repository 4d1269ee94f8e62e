from __future__ import annotations

import numpy as np
import pytest

from lakehouse_nlp.model.task import Task

pytestmark = pytest.mark.unit


def _task(labels: list[str], wanted: str = "auto", weights: object = "none") -> Task:
    return Task.of(np.array(labels, dtype=object), wanted, weights)  # type: ignore[arg-type]


NUMBERS = [f"{n}.5" for n in range(21)]


@pytest.mark.parametrize(
    ("labels", "wanted", "objective", "classes"),
    [
        (["b", "a", "b"], "auto", "binary", ("a", "b")),
        (["b", "a", "c"], "auto", "multiclass", ("a", "b", "c")),
        (["1.0", "2.0", "5.0"], "auto", "multiclass", ("1.0", "2.0", "5.0")),
        (NUMBERS, "auto", "regression", ()),
        ([*NUMBERS, "many"], "auto", "multiclass", tuple(sorted([*NUMBERS, "many"]))),
        (["1", "2"], "regression", "regression", ()),
        (NUMBERS, "multiclass", "multiclass", tuple(sorted(NUMBERS))),
    ],
)
def test_the_labels_say_what_is_learnt(labels: list[str], wanted: str, objective: str, classes: tuple[str]) -> None:
    task = _task(labels, wanted)
    assert (task.objective, task.classes) == (objective, classes)


@pytest.mark.parametrize(
    ("labels", "wanted", "weights", "says"),
    [
        (["a", "a"], "auto", "none", r"labels hold 1 class\(es\) \(a\); need 2 or more"),
        ([], "auto", "none", r"labels hold 0 class\(es\) \(no rows\)"),
        (["a", "b", "c"], "binary", "none", "train.objective is binary, and the labels hold 3 classes: a, b, c"),
        (["a", "b"], "multiclass", "none", "train.objective is multiclass, and the labels hold 2 classes"),
        (["1", "two"], "regression", "none", "train.objective is regression, and the label 'two' is no number"),
        (["1", "inf"], "regression", "none", "the label 'inf' is no number"),
        (["a", "b"], "auto", {"z": 2.0}, "train.class_weights names 'z', and the labels are a, b"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: list[str], wanted: str, weights: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        _task(labels, wanted, weights)


def test_balanced_weights_are_scikit_learns() -> None:
    from sklearn.utils.class_weight import compute_sample_weight

    labels = ["a"] * 6 + ["b"] * 3 + ["c"]
    task = _task(labels, weights="balanced")
    found = task.row_weights(task.values(np.array(labels)))
    np.testing.assert_allclose(found, compute_sample_weight("balanced", labels))


def test_a_class_without_a_weight_counts_once() -> None:
    task = _task(["a", "b", "c"], weights={"b": 3.0})
    assert task.weights == (1.0, 3.0, 1.0)
    assert task.weighted
    assert not _task(["a", "b"]).weighted


def test_values_are_positions_or_numbers() -> None:
    assert _task(["x", "y", "z"]).values(np.array(["z", "x"])).tolist() == [2.0, 0.0]
    assert Task("regression").values(np.array(["1.5", "-2"], dtype=object)).tolist() == [1.5, -2.0]
    with pytest.raises(ValueError, match=r"no class 'zz' in the training labels \(x, y\)"):
        _task(["x", "y"]).values(np.array(["x", "zz"]))


def test_codes_of_numbers_are_quarters_of_the_rows() -> None:
    codes = Task("regression").codes(np.arange(8.0))
    assert np.bincount(codes).tolist() == [2, 2, 2, 2]


def test_columns_are_one_for_each_of_several_classes() -> None:
    assert _task(["a", "b"]).columns(np.array([1.0, 0.0])).tolist() == [[1.0], [0.0]]
    assert _task(["a", "b", "c"]).columns(np.array([2.0, 0.0])).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert _task(["a", "b", "c"]).named("linear") == ["linear:a", "linear:b", "linear:c"]
    assert Task("regression").named("linear") == ["linear"]
