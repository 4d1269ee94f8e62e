"""Rows that belong together: in one fold, and drawn together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from lakehouse_nlp.model.bootstrap import draws, intervals, resampled
from lakehouse_nlp.model.rows import folds_of
from lakehouse_nlp.model.stacked import Rows, Spec, fit

pytestmark = pytest.mark.unit


def _groups(rows: int = 3000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Classes, one in ten the second, and groups of one to many rows."""
    rng = np.random.default_rng(seed)
    groups = np.array([f"g{n}" for n in rng.geometric(0.01, rows)], dtype=object)
    return (rng.random(rows) < 0.1).astype(np.int64), groups


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_a_group_is_in_one_fold_and_folds_are_alike(folds: int) -> None:
    codes, groups = _groups()
    fold = folds_of(codes, folds, 1, groups)
    assert all(len(set(fold[groups == name])) == 1 for name in set(groups))
    sizes = np.bincount(fold, minlength=folds)
    shares = np.array([codes[fold == k].mean() for k in range(folds)])
    assert np.ptp(sizes) < 0.1 * len(codes) / folds
    assert np.ptp(shares) < 0.03
    np.testing.assert_array_equal(folds_of(codes, folds, 1, groups), fold)
    assert (folds_of(codes, folds, 2, groups) != fold).any()


def test_rows_alone_are_dealt_as_groups_of_one() -> None:
    codes, _ = _groups()
    shuffled = np.random.default_rng(3).permutation(len(codes))
    wanted = np.empty(len(codes), dtype=np.int64)
    wanted[shuffled[np.argsort(codes[shuffled], kind="stable")]] = np.arange(len(codes)) % 3
    np.testing.assert_array_equal(folds_of(codes, 3, 3), wanted)
    alone = np.array([f"{n:05}" for n in range(len(codes))])
    np.testing.assert_array_equal(folds_of(codes, 3, 3, alone), wanted)


def test_fewer_groups_than_folds_are_refused() -> None:
    with pytest.raises(ValueError, match=r"train.folds is 3, and the training rows are of 2 groups \(gold.split.by\)"):
        folds_of(np.array([0, 1, 0, 1]), 3, 0, np.array(["a", "a", "b", "b"]))


def test_the_rows_of_a_group_are_drawn_together() -> None:
    _, groups = _groups()
    drawn = draws(len(groups), seed=1, times=20, groups=groups)
    for name in set(groups):
        assert (np.ptp(drawn[:, groups == name], axis=1) == 0).all()
    first = np.unique(groups, return_index=True)[1]
    assert (drawn[:, first].sum(axis=1) == len(first)).all()
    alone = np.array([f"{n:02}" for n in range(50)])
    np.testing.assert_array_equal(draws(50, seed=3, groups=alone), draws(50, seed=3))


def test_intervals_of_rows_that_repeat_each_other_are_those_of_the_groups() -> None:
    rng = np.random.default_rng(0)
    last = rng.random(300)
    labels = np.where(rng.random(300) < last, "b", "a")
    width = {}
    for name, times, grouped in (("once", 1, False), ("by row", 9, False), ("by group", 9, True)):
        often, proba = np.repeat(labels, times), np.repeat(last, times)
        said = np.where(proba > 0.5, "b", "a")
        groups = np.repeat(np.arange(300).astype(str), times) if grouped else None
        found = resampled(
            often, np.column_stack([1 - proba, proba]), ["a", "b"], said, draws(len(often), groups=groups)
        )
        low, high = intervals(found)["accuracy"]
        width[name] = high - low
    assert width["by group"] == pytest.approx(width["once"], rel=0.25)
    assert width["by row"] == pytest.approx(width["once"] / 3, rel=0.25)


def test_a_group_tells_nothing_of_its_own_rows_out_of_fold() -> None:
    """A category for each group, and labels by the group at random: by row, its mean tells them; by group, nothing."""
    rng = np.random.default_rng(0)
    of = np.repeat(np.arange(200), 5)
    labels = np.where(rng.random(200) < 0.5, "a", "b")[of]
    names = np.array([f"g{n:03}" for n in of], dtype=object)
    rows = Rows(csr_matrix((1000, 0)), np.zeros((1000, 0)), names[:, None])
    spec = Spec(buckets=0, categorical=("patient",), encode={"patient": "target"}, rounds=20)
    accuracy = {}
    for groups in (None, names):
        model = fit(rows, labels, spec, 1, groups=groups)
        accuracy[groups is not None] = float((model.predictions(model.outputs(rows)) == labels).mean())
    assert accuracy[False] > 0.95
    assert accuracy[True] < 0.65
