"""Distances of histograms against SciPy, and their limits against draws of one population."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import distance
from scipy.stats import chi2, chi2_contingency, ks_2samp

from lakehouse_nlp.model.distances import (
    DISTANCES,
    Chance,
    chi_squared,
    jensen_shannon,
    kolmogorov_smirnov,
    limit,
    pooled,
    psi,
)

pytestmark = pytest.mark.unit
COUNTS = st.lists(st.integers(0, 500), min_size=2, max_size=12).filter(any)
PAIRS = COUNTS.flatmap(
    lambda a: st.tuples(st.just(a), st.lists(st.integers(0, 500), min_size=len(a), max_size=len(a)).filter(any))
)


@given(PAIRS)
def test_jensen_shannon_is_scipys(pair: tuple[list[int], list[int]]) -> None:
    assert jensen_shannon(*pair) == pytest.approx(distance.jensenshannon(*pair, base=2), abs=1e-7)


@given(PAIRS)
def test_chi_squared_is_scipys_for_the_sizes(pair: tuple[list[int], list[int]]) -> None:
    a, b = np.array(pair)
    there = a + b > 0
    n, m = a.sum(), b.sum()
    if there.sum() > 1:
        expected = chi2_contingency(np.array([a[there], b[there]]), correction=False).statistic
        assert chi_squared(a, b) * n * m / (n + m) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(PAIRS)
def test_kolmogorov_smirnov_is_scipys_on_the_bins(pair: tuple[list[int], list[int]]) -> None:
    rows = [np.repeat(np.arange(len(counts)), counts) for counts in pair]
    assert kolmogorov_smirnov(*pair) == pytest.approx(ks_2samp(*rows).statistic)


@given(PAIRS)
def test_distances_are_none_from_itself_and_the_same_from_either_side(pair: tuple[list[int], list[int]]) -> None:
    for name, far in DISTANCES.items():
        assert far(pair[0], pair[0]) == pytest.approx(0, abs=1e-7), name
        assert far(*pair) == pytest.approx(far(*reversed(pair))), name


def test_psi_is_its_formula_where_half_a_count_does_not_matter() -> None:
    a, b = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.4, 0.2])
    assert psi(a * 1e9, b * 1e9) == pytest.approx(float(np.sum((b - a) * np.log(b / a))), rel=1e-6)
    assert psi([100, 0], [100, 0]) == 0
    assert 0 < psi([1000, 0], [1000, 1]) < 0.005, "one row in a bin that was empty is no drift"


def test_bins_that_nobody_filled_change_nothing() -> None:
    for name, far in DISTANCES.items():
        assert far([50, 30, 0], [40, 44, 0]) == pytest.approx(far([50, 30], [40, 44])), name


@pytest.mark.parametrize("method", DISTANCES)
@pytest.mark.parametrize(("n", "m"), [(150, 20_000), (2_000, 20_000), (3_000, 3_000)])
def test_limits_are_passed_as_often_as_they_say(method: str, n: int, m: int) -> None:
    """Draws of one population, 10 bins: no distance is above its limit for 2 % in more than 3.5 % of 2,000 draws."""
    rng = np.random.default_rng(0)
    shares, chance = np.full(10, 0.1), Chance.of_bins(10)
    most = limit(method, chance, 0.02, n, m)
    then, now = rng.multinomial(m, shares, 2000), rng.multinomial(n, shares, 2000)
    above = np.mean([DISTANCES[method](a, b) > most for a, b in zip(then, now, strict=True)])
    assert above <= 0.035
    if method != "kolmogorov_smirnov":  # which bins make stricter
        assert above >= 0.01


def test_psi_expects_what_the_sizes_say() -> None:
    """(bins - 1)(1/n + 1/m) in the mean: a threshold of 0.1 is passed by chance alone where windows are small."""
    rng = np.random.default_rng(1)
    then, now = rng.multinomial(5_000, np.full(20, 0.05), 500), rng.multinomial(400, np.full(20, 0.05), 500)
    mean = np.mean([psi(a, b) for a, b in zip(then, now, strict=True)])
    assert mean == pytest.approx(19 * (1 / 400 + 1 / 5_000), rel=0.05)


def test_words_of_a_row_hang_together_and_the_limit_knows() -> None:
    """Rows of 20 like words each: counted as single draws, nearly every window would have drifted."""
    rng = np.random.default_rng(2)
    rows = rng.multinomial(1, np.full(8, 1 / 8), 4_000) * 20
    shares = rows.sum(axis=0) / rows.sum()
    apart = rows - np.outer(rows.sum(axis=1), shares)
    chance = Chance.of_spread(apart.T @ apart / len(rows) / 20**2, shares)
    assert chance.scale == pytest.approx(1, rel=0.02)
    assert chance.freedom == pytest.approx(7, rel=0.02)
    most = limit("psi", chance, 0.02, 300, 4_000)
    windows = [rows[rng.integers(0, 4_000, 300)].sum(axis=0) for _ in range(400)]
    assert np.mean([psi(rows.sum(axis=0), window) > most for window in windows]) < 0.05


def test_limits_grow_with_fewer_rows_and_rarer_alarms() -> None:
    chance = Chance.of_bins(5)
    assert limit("psi", chance, 0.01, 100, 900) == pytest.approx(chi2.isf(0.01, 4) * (1 / 100 + 1 / 900))
    assert limit("jensen_shannon", chance, 0.01, 100, 900) == pytest.approx(
        math.sqrt(limit("psi", chance, 0.01, 100, 900) / 8 / math.log(2))
    )
    for method in DISTANCES:
        assert limit(method, chance, 0.01, 100, 900) > limit(method, chance, 0.01, 1000, 900)
        assert limit(method, chance, 0.001, 100, 900) > limit(method, chance, 0.01, 100, 900)
    with pytest.raises(KeyError):
        limit("manhattan", chance, 0.01, 100, 900)


def test_histograms_of_several_windows_add_up() -> None:
    assert pooled([[1, 2], [10, 20]]) == [11, 22]
