from __future__ import annotations

import numpy as np
import pytest

from lakehouse_nlp.model.profile import profile, psi, scores

pytestmark = pytest.mark.unit


def test_psi_is_that_of_the_textbook() -> None:
    assert psi([0.5, 0.5], [0.5, 0.5]) == 0
    assert psi([0.5, 0.5], [0.4, 0.6]) == pytest.approx(0.1 * np.log(0.5 / 0.4) + 0.1 * np.log(0.6 / 0.5))
    assert psi([0.2, 0.8], [0.8, 0.2]) == psi([0.8, 0.2], [0.2, 0.8])
    assert 5 < psi([1.0, 0.0], [0.0, 1.0]) < 20  # an empty bin is far away, not infinitely


def test_a_profile_has_deciles_and_class_shares() -> None:
    last = np.random.default_rng(0).permutation(1000) / 1000
    found = profile(np.column_stack([1 - last, last]), np.where(last >= 0.7, "b", "a"), ["a", "b"])
    assert found["classes"] == pytest.approx({"a": 0.7, "b": 0.3})
    assert found["shares"] == pytest.approx([0.1] * 10, abs=0.0011)
    assert found["cuts"] == pytest.approx(np.arange(1, 10) / 10, abs=0.0011)


@pytest.mark.parametrize("values", [[0.5] * 20, [0.2] * 15 + [0.9] * 5, []])
def test_few_scores_have_few_bins_and_none_falls_between(values: list[float]) -> None:
    last = np.array(values)
    found = profile(np.column_stack([1 - last, last]), np.full(len(last), "a"), ["a", "b"])
    assert len(found["shares"]) == len(found["cuts"]) + 1 == max(len(set(values)), 1)
    assert not set(found["cuts"]) & set(values)
    assert sum(found["shares"]) == pytest.approx(1.0 if values else 0.0)


def test_scores_are_of_the_last_class_the_largest_or_the_number() -> None:
    assert scores(np.array([[0.3, 0.7]]), ["a", "b"]).tolist() == [0.7]
    assert scores(np.array([[0.5, 0.3, 0.2]]), ["a", "b", "c"]).tolist() == [0.5]
    assert scores(np.array([[4.5]]), []).tolist() == [4.5]
