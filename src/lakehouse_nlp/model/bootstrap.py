"""How sure a figure is: the figures of rows drawn again and again with replacement (Efron 1979), all draws at once.

The draws depend on the number of rows, their groups and the seed alone, so two models on the same rows are resampled
alike: the difference of their draws is a paired bootstrap. Rows that belong together are drawn together (a cluster
bootstrap, Field and Welsh 2007): drawn one by one, they would seem to know more than they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lakehouse_nlp.model.rows import Floats, Ints, places_of

DRAWS = 200
SURE = (0.025, 0.975)


def draws(rows: int, seed: int = 0, times: int = DRAWS, groups: NDArray[Any] | None = None) -> Floats:
    """How often each row is drawn, times x rows; of the groups, n, as many are drawn as there are."""
    rng, of = np.random.default_rng(seed), places_of(groups, rows)
    many = int(of.max()) + 1 if rows else 0
    drawn = np.stack([np.bincount(rng.integers(0, many, many), minlength=many)[of] for _ in range(times)])
    return drawn.astype(np.float64)


def resampled(
    labels: NDArray[Any], outputs: Floats, classes: Sequence[str], predictions: NDArray[Any], drawn: Floats
) -> dict[str, Floats]:
    """Figures of each draw, by the names that the gate knows: `accuracy`, `f1_macro`, `f1.<class>`, `roc_auc`; of a
    regression, whose labels are numbers, `rmse` and `mae`. `drawn`: as `draws` gives it.
    """
    if not classes:
        error = outputs[:, 0] - labels.astype(np.float64)
        total = drawn.sum(axis=1)
        return {"rmse": np.sqrt(drawn @ error**2 / total), "mae": drawn @ np.abs(error) / total}
    position = {name: k for k, name in enumerate(classes)}
    actual, said = (np.array([position.get(name, -1) for name in names]) for names in (labels, predictions))
    f1 = np.column_stack([_f1(actual == k, said == k, drawn) for k in range(len(classes))])
    each = [_auc(actual == k, outputs[:, k], drawn) for k in ([1] if len(classes) == 2 else range(len(classes)))]
    return {
        "accuracy": drawn @ (actual == said) / drawn.sum(axis=1),
        "f1_macro": f1.mean(axis=1),
        "roc_auc": np.mean(each, axis=0),
        **{f"f1.{name}": f1[:, k] for k, name in enumerate(classes)},
    }


def intervals(found: dict[str, Floats]) -> dict[str, list[float]]:
    """The 95 % interval of each figure, [low, high]; those that some draw leaves undefined are left out."""
    return {name: np.quantile(each, SURE).tolist() for name, each in found.items() if np.isfinite(each).all()}


def _f1(member: NDArray[np.bool_], said: NDArray[np.bool_], drawn: Floats) -> Floats:
    right, whole = drawn @ (member & said), drawn @ member + drawn @ said
    return np.asarray(np.divide(2 * right, whole, out=np.zeros(len(drawn)), where=whole > 0))


def _auc(member: NDArray[np.bool_], score: Floats, drawn: Floats) -> Floats:
    """The chance that a member outranks another row, ties counting half, by draw; NaN where a draw has but one kind."""
    order = np.argsort(score, kind="stable")
    starts: Ints = np.append(0, np.flatnonzero(np.diff(score[order])) + 1)
    inside = np.add.reduceat(drawn[:, order] * member[order], starts, axis=1)
    others = np.add.reduceat(drawn[:, order] * ~member[order], starts, axis=1)
    below = np.cumsum(others, axis=1) - others / 2
    pairs = inside.sum(axis=1) * others.sum(axis=1)
    return np.asarray(np.divide((inside * below).sum(axis=1), pairs, out=np.full(len(drawn), np.nan), where=pairs > 0))
