from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from lakehouse_nlp.model.columns import SMOOTHING, fit_columns, names, places, types
from lakehouse_nlp.model.rows import Floats, Rows, Spec, folds_of
from lakehouse_nlp.model.task import Task

pytestmark = pytest.mark.unit

BINARY = Task("binary", ("no", "yes"), (1.0, 1.0))


def _rows(values: list[str | None]) -> Rows:
    column = np.array(values, dtype=object)[:, None]
    return Rows(csr_matrix((len(values), 0)), np.zeros((len(values), 0)), column)


def _spec(kind: str) -> Spec:
    return Spec(buckets=0, categorical=("kind",), encode={"kind": kind}, folds=2)


def _fitted(kind: str, values: list[str | None], target: list[float], task: Task = BINARY) -> tuple[Floats, Floats]:
    """The training rows encoded, and [a, b, unseen, missing] as serving encodes them."""
    codes, spec = np.array(target), _spec(kind)
    columns, seen = fit_columns(_rows(values), task, codes, folds_of(task.codes(codes), 2, 0), spec)
    return seen, columns.encode(_rows(["a", "b", "never seen", None]))


def test_native_categories_are_positions_and_unseen_ones_are_missing() -> None:
    seen, served = _fitted("native", ["b", "a", None, "b"], [1, 0, 1, 0])
    np.testing.assert_array_equal(seen[:, 0], [1, 0, np.nan, 1])
    np.testing.assert_array_equal(served[:, 0], [0, 1, np.nan, np.nan])


def test_frequencies_are_shares_of_the_training_rows() -> None:
    seen, served = _fitted("frequency", ["b", "a", None, "b"], [1, 0, 1, 0])
    np.testing.assert_array_equal(seen[:, 0], [0.5, 0.25, np.nan, 0.5])
    np.testing.assert_array_equal(served[:, 0], [0.25, 0.5, 0.0, np.nan])


def test_target_means_are_smoothed_and_unseen_values_get_the_mean_of_all() -> None:
    _, served = _fitted("target", ["a"] * 30 + ["b"] * 10, [1.0] * 15 + [0.0] * 25)
    overall = 15 / 40
    wanted = [(15 + SMOOTHING * overall) / (30 + SMOOTHING), SMOOTHING * overall / (10 + SMOOTHING), overall, np.nan]
    np.testing.assert_allclose(served[:, 0], wanted)


def test_target_means_of_training_rows_know_nothing_of_their_own_label() -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 2000).astype(float)
    alone = [f"id {n}" for n in range(2000)]
    seen, _ = _fitted("target", alone, target.tolist())
    assert len(np.unique(seen)) == 2  # the overall mean of each of two folds
    assert abs(np.corrcoef(seen[:, 0], target)[0, 1]) < 0.1


def test_target_means_are_one_column_for_each_of_several_classes() -> None:
    task = Task("multiclass", ("x", "y", "z"), (1.0, 1.0, 1.0))
    _, served = _fitted("target", ["a", "b"] * 30, [0.0, 1.0] * 20 + [2.0, 2.0] * 10, task)
    assert served.shape == (4, 3)
    np.testing.assert_allclose(served[:3].sum(axis=1), 1.0)
    assert names(_spec("target"), task) == ["kind:x", "kind:y", "kind:z"]
    assert types(_spec("target"), task) == ["q", "q", "q"]


@pytest.mark.parametrize(("kind", "wanted"), [("native", "c"), ("frequency", "q"), ("target", "q")])
def test_only_native_columns_are_categories_to_xgboost(kind: str, wanted: str) -> None:
    assert types(_spec(kind), BINARY) == [wanted]
    assert names(_spec(kind), BINARY) == ["kind"]


def test_places_tell_unseen_from_missing() -> None:
    values = np.array(["b", "never", None, "a", ""], dtype=object)
    assert places(values, ["a", "b"]).tolist() == [1, -2, -1, 0, -2]
    assert places(values, []).tolist() == [-2, -2, -1, -2, -2]
