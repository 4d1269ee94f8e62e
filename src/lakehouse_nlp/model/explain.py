"""Why a model says what it says: SHAP values by XGBoost itself (Lundberg and Lee 2017; `pred_contribs`).

A row's contributions and the bias add up to the booster's margin: log-odds of the last of two classes, a score for
each of several, or the number. Calibration comes after, and changes no order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lakehouse_nlp.model.rows import Floats, Rows
from lakehouse_nlp.model.stacked import StackedModel


@dataclass(frozen=True)
class Contribution:
    """What one feature adds to a row's margin. `value`: as the booster saw it, a category by name; None if missing."""

    feature: str
    value: float | str | None
    adds: float


def contributions(model: StackedModel, rows: Rows) -> Floats:
    """What each feature adds to each row's margin, n x (features and, last, the bias) x (1 or classes)."""
    features = model.features.of(rows)
    found = model.booster.predict(model.features.boosting(model.threads).matrix(features), pred_contribs=True)
    by_class = found[:, None, :] if found.ndim == 2 else found
    return np.asarray(by_class.transpose(0, 2, 1), dtype=np.float64)


def explain(model: StackedModel, rows: Rows, most: int = 15) -> list[list[Contribution]]:
    """For each row the features that add or take most, largest first; of several classes for the predicted one."""
    adds, seen = contributions(model, rows), model.features.of(rows).toarray()
    outputs, names = model.outputs(rows), model.features.names()
    words = model.features.categories()
    of = outputs.argmax(axis=1) if adds.shape[2] > 1 else np.zeros(len(rows), np.int64)
    found = []
    for row in range(len(rows)):
        mine = adds[row, :-1, of[row]]
        best = [k for k in np.argsort(-np.abs(mine), kind="stable")[:most] if mine[k] != 0]
        found.append([Contribution(names[k], _value(seen[row, k], words.get(names[k])), float(mine[k])) for k in best])
    return found


def strongest(model: StackedModel, rows: Rows) -> list[tuple[str, float]]:
    """Each feature and how much it moves the margin in the mean of the rows (mean |SHAP|, of the class most moved)."""
    moved = np.abs(contributions(model, rows)[:, :-1]).mean(axis=0).max(axis=1)
    found: list[tuple[str, Any]] = list(zip(model.features.names(), moved.tolist(), strict=True))
    return sorted((item for item in found if item[1] > 0), key=lambda item: (-item[1], item[0]))


def _value(seen: float, words: list[str] | None) -> float | str | None:
    if np.isnan(seen):
        return None
    return words[int(seen)] if words else float(seen)
