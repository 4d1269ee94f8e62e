"""How good probabilities and numbers are, as plain numbers that JSON takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from lakehouse_nlp.model.rows import Floats, Ints

LOWER_IS_BETTER = frozenset({"log_loss", "brier", "rmse", "mae"})
# Parts that rows are put in to see how far probabilities can be trusted, and how many classes are looked at.
PARTS, MOST_CLASSES = 10, 6
SMALLEST = float(np.finfo(np.float64).eps)


def evaluate(
    labels: NDArray[Any], outputs: Floats, classes: Sequence[str], predictions: NDArray[Any] | None = None
) -> dict[str, Any]:
    """Judges what a model says of n labelled rows: n x classes probabilities, or n x 1 numbers where it has no classes.

    Of numbers, see `numbers`. Of classes: `rows`, `accuracy`, `balanced_accuracy` (the mean recall), `log_loss`,
    `brier`, `roc_auc`, `pr_auc`, `f1_macro`; by class `f1`, `precision`, `recall`, `support`; and `confusion`,
    actual -> predicted -> rows. `predictions`: class names, the likeliest where they are left out. `roc_auc` and
    `pr_auc` (average precision) are those of the last class for two classes, else the mean over the classes, each
    against the rest. `f1_macro` is over classes that are in the labels or the predictions. A label that is not among
    `classes` is a class of probability 0. What the rows leave undefined is None, but precision, recall and F1 of a
    class without rows are 0.
    """
    if not classes:
        return numbers(labels.astype(np.float64), outputs[:, 0])
    proba = outputs
    names = [*classes, *sorted(set(labels.tolist()) - set(classes))]
    padded = np.hstack([proba, np.zeros((len(labels), len(names) - len(classes)))])
    position = {name: k for k, name in enumerate(names)}
    actual = np.fromiter((position[name] for name in labels.tolist()), np.int64, len(labels))
    said = (
        padded.argmax(axis=1) if predictions is None else np.array([position[name] for name in predictions], np.int64)
    )
    confusion = _confusion(actual, said, len(names))
    support, predicted, right = confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal()
    f1 = _ratio(2 * right, support + predicted)
    return {
        "rows": len(labels),
        "accuracy": _mean(said == actual),
        "balanced_accuracy": _mean(_ratio(right, support)[support > 0]),
        "log_loss": _mean(-np.log(np.clip(padded[np.arange(len(labels)), actual], SMALLEST, 1.0))),
        "brier": _mean(((padded - np.eye(len(names))[actual]) ** 2).sum(axis=1)),
        "roc_auc": _each(_auc, actual, padded),
        "pr_auc": _each(_average_precision, actual, padded),
        "f1_macro": _mean(f1[support + predicted > 0]),
        "f1": _by(names, f1),
        "precision": _by(names, _ratio(right, predicted)),
        "recall": _by(names, _ratio(right, support)),
        "support": _by(names, support),
        "confusion": {name: _by(names, row) for name, row in zip(names, confusion, strict=True)},
    }


def numbers(actual: Floats, said: Floats) -> dict[str, Any]:
    """Judges n numbers: `rows`, `rmse` and `mae` in the label's unit, `bias` (the mean of said less actual), `r2`."""
    error = said - actual
    spread = float(np.sum((actual - actual.mean()) ** 2)) if len(actual) else 0.0
    return {
        "rows": len(actual),
        "rmse": float(np.sqrt(np.mean(error**2))) if len(actual) else None,
        "mae": _mean(np.abs(error)),
        "bias": _mean(error),
        "r2": 1.0 - float(np.sum(error**2)) / spread if spread > 0 else None,
    }


def figure(metrics: dict[str, Any], name: str) -> float | None:
    """A figure by its name in the settings: `accuracy`, `f1.negative` …; None where there is none."""
    section, _, key = name.partition(".")
    found = metrics.get(section)
    value = found.get(key) if isinstance(found, dict) else found if not key else None
    return None if value is None else float(value)


def majority(train_labels: NDArray[Any], n: int, classes: Sequence[str]) -> Floats:
    """The baseline that knows no features: the classes' shares in the training labels, or their mean, n times."""
    if not classes:
        return np.full((n, 1), train_labels.astype(np.float64).mean())
    shares = np.array([np.mean(train_labels == name) for name in classes])
    return np.tile(shares, (n, 1))


def calibrations(labels: NDArray[Any], outputs: Floats, classes: Sequence[str]) -> dict[str, list[list[float]]]:
    """`reliability` of each class that is `drawn` and that some of n labels are of, but not all; none of numbers."""
    members = {classes[k]: (labels == classes[k], outputs[:, k]) for k in drawn(classes)}
    return {name: reliability(m, score) for name, (m, score) in members.items() if 0 < m.sum() < len(labels)}


def reliability(member: NDArray[np.bool_], score: Floats) -> list[list[float]]:
    """How far probabilities can be taken at their word: n rows in `PARTS` parts of equal size, lowest score first, each
    by its mean probability, the share of its rows that is of the class, and its rows.
    """
    parts = np.array_split(np.argsort(score, kind="stable"), PARTS)
    return [[float(score[part].mean()), float(member[part].mean()), float(len(part))] for part in parts if len(part)]


def drawn(classes: Sequence[str]) -> Sequence[int]:
    """The places of the classes that curves are drawn of: of two the last, of several the first `MOST_CLASSES`."""
    return [1] if len(classes) == 2 else range(min(len(classes), MOST_CLASSES))


def _confusion(actual: Ints, predicted: Ints, classes: int) -> Ints:
    """Rows by actual (down) and predicted (across) class."""
    return np.bincount(actual * classes + predicted, minlength=classes**2).reshape(classes, classes)


def _each(figure: Callable[[NDArray[np.bool_], Floats], list[float]], actual: Ints, proba: Floats) -> float | None:
    """The figure of the last of two classes, else the mean over all of them, each against the rest."""
    if proba.shape[1] == 2:
        return _mean(figure(actual == 1, proba[:, 1]))
    return _mean([value for k in range(proba.shape[1]) for value in figure(actual == k, proba[:, k])])


def _auc(member: NDArray[np.bool_], score: Floats) -> list[float]:
    """The chance that a member outranks another row, ties counting half; empty unless there are both."""
    members, others = int(member.sum()), int((~member).sum())
    if not members or not others:
        return []
    above = rankdata(score)[member].sum() - members * (members + 1) / 2
    return [float(above / (members * others))]


def rank_auc(member: NDArray[np.bool_], score: Floats) -> float:
    """The chance that a member outranks another row, ties counting half; a half unless there are both."""
    return next(iter(_auc(member, score)), 0.5)


def _average_precision(member: NDArray[np.bool_], score: Floats) -> list[float]:
    """The mean precision over the members, rows of one score taken together; empty unless there are members."""
    if not member.any():
        return []
    order = np.argsort(-score, kind="stable")
    right, ends = np.cumsum(member[order]), np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    return [float(np.sum(np.diff(right[ends], prepend=0) * right[ends] / (ends + 1)) / member.sum())]


def _ratio(part: Ints, whole: Ints) -> Floats:
    """The part's share of the whole, 0 where the whole is."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _mean(values: Any) -> float | None:
    return float(np.mean(values)) if np.size(values) else None


def _by(names: Sequence[str], values: NDArray[Any]) -> dict[str, Any]:
    """The values by class, as Python's own numbers."""
    return dict(zip(names, values.tolist(), strict=True))
