"""Probabilities that mean what they say, and the cut between two classes.

Platt's sigmoid (Platt 1999) or isotonic regression (Zadrozny and Elkan 2002), one curve a class, fitted by scikit-learn
on out-of-fold predictions; kept as numbers, so that serving needs no scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from lakehouse_nlp.model.rows import Floats, Ints

SMALLEST = 1e-7


@dataclass(frozen=True)
class Calibration:
    """`platt`: slope and intercept on the log-odds a curve; `isotonic`: its points, x then y.

    One curve, of the last class, for two classes; else one for each.
    """

    kind: str
    curves: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]

    def apply(self, proba: Floats) -> Floats:
        """Calibrated probabilities, n x classes; each row still adds up to 1."""
        if len(self.curves) == 1:
            last = self._curve(0, proba[:, 1])
            return np.column_stack([1.0 - last, last])
        each = np.column_stack([self._curve(k, proba[:, k]) for k in range(proba.shape[1])])
        total = each.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(each, total, out=np.full_like(each, 1.0 / each.shape[1]), where=total > 0))

    def _curve(self, k: int, proba: Floats) -> Floats:
        first, second = self.curves[k]
        if self.kind == "platt":
            return np.asarray(expit(first[0] * _log_odds(proba) + second[0]))
        return np.asarray(np.interp(proba, first, second))


def fit_calibration(kind: str, proba: Floats, codes: Ints) -> Calibration:
    """The curves of out-of-fold probabilities, n x classes, against the classes that the rows are of."""
    wanted = [1] if proba.shape[1] == 2 else range(proba.shape[1])
    fit = _platt if kind == "platt" else _isotonic
    return Calibration(kind, tuple(fit(proba[:, k], codes == k) for k in wanted))


def best_cut(last: Floats, codes: Ints, classes: Sequence[str], metric: str) -> float:
    """The probability of the last of two classes from which on it is the prediction, best by the metric.

    `metric`: accuracy, balanced_accuracy, f1_macro or f1.<class>. Ties go to the cut nearest to a half.
    """
    order = np.argsort(-last, kind="stable")
    scores, member = last[order], codes[order] == 1
    ends = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)  # a cut lies between two distinct scores
    above, right = ends + 1, np.cumsum(member)[ends]
    found = _figures(right, above, int(member.sum()), len(scores), classes)[metric]
    cuts = np.append((scores[ends[:-1]] + scores[ends[:-1] + 1]) / 2, 0.0)
    best = np.flatnonzero(found == found.max())
    return float(cuts[best[np.argmin(np.abs(cuts[best] - 0.5))]])


def cut_metrics(classes: Sequence[str]) -> tuple[str, ...]:
    """The metrics that a cut may be chosen for."""
    return ("accuracy", "balanced_accuracy", "f1_macro", *(f"f1.{name}" for name in classes))


def _figures(right: Ints, above: Ints, members: int, rows: int, classes: Sequence[str]) -> dict[str, Floats]:
    """Each metric at each cut: `above` rows are said to be of the last class, `right` of them with reason."""
    others, left = rows - members, (rows - above) - (members - right)
    last, first = _ratio(2 * right, above + members), _ratio(2 * left, (rows - above) + others)
    balanced = (right / max(members, 1) + left / max(others, 1)) / 2
    values = ((right + left) / rows, balanced, (first + last) / 2, first, last)
    return dict(zip(cut_metrics(classes), values, strict=True))


def _ratio(part: Ints, whole: Ints) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0))


def _log_odds(proba: Floats) -> Floats:
    return np.asarray(logit(np.clip(proba, SMALLEST, 1.0 - SMALLEST)))


def _platt(proba: Floats, member: Ints) -> tuple[tuple[float, ...], tuple[float, ...]]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1e6).fit(_log_odds(proba)[:, None], member)
    return (float(model.coef_[0, 0]),), (float(model.intercept_[0]),)


def _isotonic(proba: Floats, member: Ints) -> tuple[tuple[float, ...], tuple[float, ...]]:
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(proba, member)
    return tuple(model.X_thresholds_.tolist()), tuple(model.y_thresholds_.tolist())
