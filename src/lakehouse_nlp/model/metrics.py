"""How good probabilities are, as plain numbers that JSON takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from lakehouse_nlp.model.rows import Floats, Ints

SMALLEST = float(np.finfo(np.float64).eps)


def evaluate(labels: NDArray[Any], proba: Floats, classes: Sequence[str]) -> dict[str, Any]:
    """Judges n x classes probabilities against n class names; the likeliest class is the prediction.

    Gives `rows`, `accuracy`, `log_loss`, `roc_auc`, `f1_macro`; by class `f1`, `precision`, `recall`, `support`; and
    `confusion`, actual -> predicted -> rows. `roc_auc` is that of the last class for two classes, else the mean over
    the classes, each against the rest. `f1_macro` is over classes that are in the labels or the predictions. A label
    that is not among `classes` is a class of probability 0. What the rows leave undefined is None, but precision,
    recall and F1 of a class without rows are 0.
    """
    names = [*classes, *sorted(set(labels.tolist()) - set(classes))]
    padded = np.hstack([proba, np.zeros((len(labels), len(names) - len(classes)))])
    position = {name: k for k, name in enumerate(names)}
    actual = np.fromiter((position[name] for name in labels.tolist()), np.int64, len(labels))
    confusion = _confusion(actual, padded.argmax(axis=1), len(names))
    support, predicted, right = confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal()
    f1 = _ratio(2 * right, support + predicted)
    return {
        "rows": len(labels),
        "accuracy": _mean(padded.argmax(axis=1) == actual),
        "log_loss": _mean(-np.log(np.clip(padded[np.arange(len(labels)), actual], SMALLEST, 1.0))),
        "roc_auc": _roc_auc(actual, padded),
        "f1_macro": _mean(f1[support + predicted > 0]),
        "f1": _by(names, f1),
        "precision": _by(names, _ratio(right, predicted)),
        "recall": _by(names, _ratio(right, support)),
        "support": _by(names, support),
        "confusion": {name: _by(names, row) for name, row in zip(names, confusion, strict=True)},
    }


def majority(train_labels: NDArray[Any], n: int, classes: Sequence[str]) -> Floats:
    """The baseline that always says the commonest class: the classes' shares in the training labels, n times."""
    shares = np.array([np.mean(train_labels == name) for name in classes])
    return np.tile(shares, (n, 1))


def _confusion(actual: Ints, predicted: Ints, classes: int) -> Ints:
    """Rows by actual (down) and predicted (across) class."""
    return np.bincount(actual * classes + predicted, minlength=classes**2).reshape(classes, classes)


def _roc_auc(actual: Ints, proba: Floats) -> float | None:
    if proba.shape[1] == 2:
        return _mean(_auc(actual == 1, proba[:, 1]))
    return _mean([auc for k in range(proba.shape[1]) for auc in _auc(actual == k, proba[:, k])])


def _auc(member: NDArray[np.bool_], score: Floats) -> list[float]:
    """The chance that a member outranks another row, ties counting half; empty unless there are both."""
    members, others = int(member.sum()), int((~member).sum())
    if not members or not others:
        return []
    above = rankdata(score)[member].sum() - members * (members + 1) / 2
    return [float(above / (members * others))]


def _ratio(part: Ints, whole: Ints) -> Floats:
    """The part's share of the whole, 0 where the whole is."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _mean(values: Any) -> float | None:
    return float(np.mean(values)) if np.size(values) else None


def _by(names: Sequence[str], values: NDArray[Any]) -> dict[str, Any]:
    """The values by class, as Python's own numbers."""
    return dict(zip(names, values.tolist(), strict=True))
