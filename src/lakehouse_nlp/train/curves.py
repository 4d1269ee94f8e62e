"""Curves of a classifier on the test rows, four in one picture: ROC, precision and recall, calibration, lift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lakehouse_nlp.model.metrics import PARTS, drawn, reliability
from lakehouse_nlp.model.rows import Floats

Lines = list[tuple[str, NDArray[np.bool_], Floats]]


def curves(labels: NDArray[Any], proba: Floats, classes: Sequence[str]) -> Figure:
    """The four curves of n labelled rows; a line a class, of two classes the last alone."""
    lines = [(classes[k], labels == classes[k], proba[:, k]) for k in drawn(classes)]
    figure = Figure(figsize=(10, 9), layout="constrained")
    axes = figure.subplots(2, 2)
    for draw, place in zip((_roc, _precision, _calibration, _lift), axes.ravel(), strict=True):
        draw(place, [line for line in lines if 0 < line[1].sum() < len(labels)])
        place.spines[["top", "right"]].set_visible(False)
        if place.get_legend_handles_labels()[1]:
            place.legend(frameon=False, fontsize=9)
    return figure


def _roc(axes: Axes, lines: Lines) -> None:
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle=":")
    for name, member, score in lines:
        hit = member[np.argsort(-score, kind="stable")]
        axes.plot(_share(~hit), _share(hit), label=name)
    _named(axes, "ROC", "share of the others above the cut", "share of the class above the cut")


def _precision(axes: Axes, lines: Lines) -> None:
    for name, member, score in lines:
        hit = member[np.argsort(-score, kind="stable")]
        precision = np.cumsum(hit) / np.arange(1, len(hit) + 1)
        few = max(int(0.01 * hit.sum()), 1)  # of the first rows the precision jumps
        (line,) = axes.plot(_share(hit)[few:], precision[few:], label=f"{name}, share {member.mean():.1%}")
        axes.axhline(member.mean(), color=line.get_color(), linewidth=1, linestyle=":")
    axes.set_ylim(0, 1.02)
    _named(axes, "Precision and recall", "recall", "precision")


def _calibration(axes: Axes, lines: Lines) -> None:
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle=":")
    for name, member, score in lines:
        means, shares, _ = zip(*reliability(member, score), strict=True)
        axes.plot(means, shares, marker="o", markersize=4, label=name)
    _named(axes, f"Calibration, {PARTS} parts of equal size", "mean probability", "share that is of the class")


def _lift(axes: Axes, lines: Lines) -> None:
    axes.axhline(1.0, color="#999999", linewidth=1, linestyle=":")
    for name, member, score in lines:
        hit = member[np.argsort(-score, kind="stable")]
        at = np.unique(np.linspace(len(hit) * 0.01, len(hit), 100).astype(int).clip(1))
        axes.plot(at / len(hit), np.cumsum(hit)[at - 1] / at / member.mean(), label=name)
    _named(axes, "Lift", "share of rows, highest probability first", "times as many of the class as at random")


def _share(hit: NDArray[np.bool_]) -> Floats:
    return np.asarray(np.cumsum(hit) / max(int(hit.sum()), 1))


def _named(axes: Axes, title: str, across: str, up: str) -> None:
    axes.set_title(title)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
