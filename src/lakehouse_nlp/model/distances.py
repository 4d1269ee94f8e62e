"""How far two histograms over the same bins are apart, and how far chance alone takes them.

Counts go in, never rows: of `n` rows now and `m` rows then. For equal populations the population stability index times
nm / (n + m) is about chi-squared (Yurdakul 2018), so its expected value is (bins - 1)(1/n + 1/m); chi-squared is so by
definition, and the Jensen-Shannon divergence is an eighth of it to the second order. Where a row adds several counts
that hang together, as its words do, the distribution is scaled to what the rows' own spread says (Rao & Scott 1981).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lakehouse_nlp.model.profile import psi as psi_of_shares
from lakehouse_nlp.model.rows import Floats


@dataclass(frozen=True)
class Chance:
    """The null distribution of chi-squared over some bins: `scale` times chi-squared of `freedom` degrees.

    Of histograms with one count a row that is 1 and bins - 1.
    """

    scale: float
    freedom: float

    @classmethod
    def of_bins(cls, bins: int) -> Chance:
        """Of histograms to which each row adds one count."""
        return cls(1.0, float(max(bins - 1, 1)))

    @classmethod
    def of_spread(cls, covariance: Floats, shares: Floats) -> Chance:
        """Of rows that add several counts; `covariance`, bins x bins, of a row's counts less what the shares expect,
        over the mean count of a row. By Satterthwaite's two moments.
        """
        root = 1 / np.sqrt(np.maximum(shares, 1e-12))
        matrix = covariance * np.outer(root, root)
        first, second = float(np.trace(matrix)), float(np.sum(matrix * matrix))
        return cls(second / first, first * first / second) if first > 0 else cls.of_bins(len(shares))

    def limit(self, alpha: float, n: float, m: float) -> float:
        """What the sum over bins of (a - b)² / share is above in a share `alpha` of draws, for n and m rows."""
        from scipy.special import chdtri  # the inverse of the upper tail

        return self.scale * float(chdtri(self.freedom, alpha)) * (1 / n + 1 / m)


def psi(then: ArrayLike, now: ArrayLike) -> float:
    """The population stability index of counts. Half a count is added to each bin that one of them has anything in, or
    an empty one would be infinitely far away.
    """
    a, b = np.asarray(then, dtype=np.float64), np.asarray(now, dtype=np.float64)
    there = a + b > 0
    return psi_of_shares(_shares(a[there] + 0.5).tolist(), _shares(b[there] + 0.5).tolist())


def jensen_shannon(then: ArrayLike, now: ArrayLike) -> float:
    """The Jensen-Shannon distance of counts, 0 to 1: the root of the divergence in bits (Endres & Schindelin 2003)."""
    a, b = _shares(then), _shares(now)
    middle = (a + b) / 2
    return math.sqrt(max(0.0, (_bits(a, middle) + _bits(b, middle)) / 2))


def kolmogorov_smirnov(then: ArrayLike, now: ArrayLike) -> float:
    """The largest distance of the two distribution functions at the ends of the bins, which are in order, 0 to 1."""
    return float(np.max(np.abs(np.cumsum(_shares(then)) - np.cumsum(_shares(now)))))


def chi_squared(then: ArrayLike, now: ArrayLike) -> float:
    """Pearson's statistic of the 2 x bins table times (1/n + 1/m): the sum of (a - b)² / pooled share."""
    a, b = np.asarray(then, dtype=np.float64), np.asarray(now, dtype=np.float64)
    pooled, there = (a + b) / (a.sum() + b.sum()), a + b > 0
    return float(np.sum((_shares(a) - _shares(b))[there] ** 2 / pooled[there]))


Distance = Callable[[ArrayLike, ArrayLike], float]
DISTANCES: dict[str, Distance] = {
    "psi": psi,
    "jensen_shannon": jensen_shannon,
    "kolmogorov_smirnov": kolmogorov_smirnov,
    "chi_squared": chi_squared,
}


def limit(method: str, chance: Chance, alpha: float, n: float, m: float) -> float:
    """What the distance is above by chance in a share `alpha` of windows of n rows, against m rows.

    Of Kolmogorov-Smirnov by its asymptotic bound, which bins only make stricter. Raises KeyError for no such method.
    """
    DISTANCES[method]
    if method == "kolmogorov_smirnov":
        return math.sqrt(-math.log(alpha / 2) / 2 * (1 / n + 1 / m))
    squared = chance.limit(alpha, n, m)
    return math.sqrt(squared / (8 * math.log(2))) if method == "jensen_shannon" else squared


def pooled(histograms: Sequence[Sequence[int]]) -> list[int]:
    """The counts of several histograms over the same bins together."""
    return [int(count) for count in np.sum(np.asarray(histograms, dtype=np.int64), axis=0)]


def _shares(counts: ArrayLike) -> Floats:
    numbers = np.asarray(counts, dtype=np.float64)
    return np.asarray(numbers / numbers.sum())


def _bits(a: Floats, b: Floats) -> float:
    there = a > 0
    return float(np.sum(a[there] * np.log2(a[there] / b[there])))
