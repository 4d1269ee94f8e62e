"""Pictures that are filed with a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

MOST = 30


def confusion(metrics: dict[str, Any]) -> Figure:
    """The confusion matrix of a split, counts and shares of each actual class."""
    table: dict[str, dict[str, int]] = metrics["confusion"]
    classes = list(table)
    size = 1.2 * len(classes) + 2.2
    figure = Figure(figsize=(size + 0.6, size), layout="constrained")
    axes = figure.subplots()
    shares = [[table[a][p] / max(sum(table[a].values()), 1) for p in classes] for a in classes]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, actual in enumerate(classes):
        for column, predicted in enumerate(classes):
            share = shares[row][column]
            text = f"{table[actual][predicted]:,}\n{share:.1%}"
            axes.text(column, row, text, ha="center", va="center", color="white" if share > 0.5 else "black")
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("actual")
    axes.set_title(f"test split, {metrics['rows']:,} rows, accuracy {metrics['accuracy']:.3f}")
    return figure


def importance(features: Sequence[tuple[str, float]]) -> Figure:
    """The features of most gain, by name; the linear score, which towers over the rest, is told in the title."""
    scores = [f"{gain:,.0f}" for name, gain in features if name.startswith("linear")]
    rest = [item for item in features if not item[0].startswith("linear")][:MOST][::-1]
    figure = Figure(figsize=(7, 0.24 * max(len(rest), 4) + 1.2), layout="constrained")
    axes = figure.subplots()
    axes.barh([name.removeprefix("text:") for name, _ in rest], [gain for _, gain in rest], color="#3b6ea5")
    axes.set_xlabel("mean gain a split")
    axes.set_title(f"features beside the linear score (its gain: {', '.join(scores) or 'none'})", fontsize=10)
    axes.margins(y=0.01)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
