"""How predictions are spread, kept with a model, and how far others have moved from there.

The population stability index: the sum over bins of (b - a) * ln(b / a), for shares a then and b now. By custom 0.1 is
a slight move and 0.25 a large one (Siddiqi 2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lakehouse_nlp.model.rows import Floats

BINS = 10
# A share below this counts as this, or an empty bin would be infinitely far away.
LEAST = 1e-4


def profile(outputs: Floats, predictions: NDArray[Any], classes: Sequence[str]) -> dict[str, Any]:
    """`classes`: the share of rows predicted to be of each; `cuts` between the deciles of the rows' scores, and the
    `shares` of rows between these. n x classes or n x 1 outputs, as the model gives them.
    """
    found = scores(outputs, classes)
    cuts = cuts_of(found)
    shares = np.bincount(np.searchsorted(cuts, found, side="right"), minlength=len(cuts) + 1) / max(len(found), 1)
    named = {name: float(np.mean(predictions == name)) for name in classes} if len(found) else {}
    return {"classes": named, "cuts": cuts, "shares": shares.tolist()}


def scores(outputs: Floats, classes: Sequence[str]) -> Floats:
    """One number a row, n: the probability of the last of two classes, of several the largest, or the number."""
    return np.asarray(outputs[:, -1] if len(classes) <= 2 else outputs.max(axis=1))


def psi(then: Sequence[float], now: Sequence[float]) -> float:
    """The population stability index of shares over the same bins."""
    a, b = (np.maximum(np.asarray(shares, dtype=np.float64), LEAST) for shares in (then, now))
    return float(np.sum((b - a) * np.log(b / a)))


def cuts_of(found: Floats) -> list[float]:
    """The deciles, each halfway between two distinct numbers, so that no rounding moves a row across; fewer where
    numbers are few.
    """
    values = np.unique(found)
    if len(values) < 2:
        return []
    deciles = np.quantile(found, np.arange(1, BINS) / BINS, method="lower")
    above = np.unique(np.minimum(np.searchsorted(values, deciles, side="right"), len(values) - 1))
    return [float(cut) for cut in (values[above - 1] + values[above]) / 2]
