"""How good the model is on rows whose labels came, window by window, against its test rows.

Shares are compared as two binomial ones, errors of numbers as two means; a drop is beyond its bound where chance alone
makes one in fewer windows than `monitor.false_alarms`, all figures together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import NormalDist
from typing import Any

from lakehouse_nlp.core.settings.monitoring import Monitor
from lakehouse_nlp.monitor.judge import Comparison, Finding

DROP, TEST = "drop", "training"
Part = tuple[int, int]  # right ones, of how many


def performance(
    figures: Mapping[str, Any], classes: Sequence[str], outcomes: Mapping[str, Any], settings: Monitor
) -> Iterator[Finding]:
    """`figures`: of the test rows, as `model.metrics.evaluate` gives them; `outcomes`: sums of a window."""
    later = f", {outcomes['late']:,} of the labels came {_span(outcomes)} later" if outcomes.get("late") else ""
    if not classes:
        yield _error(figures, outcomes, settings, later)
        return
    then, now = _parts(figures["confusion"]), _parts(outcomes["confusion"])
    z = NormalDist().inv_cdf(1 - settings.false_alarms / len(then))
    for name, (right, rows) in then.items():
        yield _share(name, (right, rows), now.get(name, (0, 0)), z, settings, later)


def _parts(confusion: Mapping[str, Mapping[str, int]]) -> dict[str, Part]:
    """Accuracy, and recall and precision of each class, by `label -> prediction -> rows`."""
    classes = sorted({*confusion, *(said for row in confusion.values() for said in row)})
    cells = {(a, b): confusion.get(a, {}).get(b, 0) for a in classes for b in classes}
    found = {"accuracy": (sum(cells[c, c] for c in classes), sum(cells.values()))}
    for name in classes:
        found[f"recall.{name}"] = (cells[name, name], sum(cells[name, other] for other in classes))
        found[f"precision.{name}"] = (cells[name, name], sum(cells[other, name] for other in classes))
    return found


def _share(name: str, then: Part, now: Part, z: float, settings: Monitor, later: str) -> Finding:
    (x, m), (y, n) = then, now
    if n < settings.min_rows or not m:
        says = f"{name}: {n:,} labelled rows, and {settings.min_rows:,} are needed to judge"
        return Finding("performance", name, DROP, TEST, n, None, says)
    pooled = (x + y) / (n + m)
    bound = max(settings.drop, z * math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m)))
    says = f"{name}: {y / n:.4f} on {n:,} rows, {x / m:.4f} on the test rows{later}"
    return Finding("performance", name, DROP, TEST, n, Comparison(DROP, x / m - y / n, bound), says)


def _error(figures: Mapping[str, Any], outcomes: Mapping[str, Any], settings: Monitor, later: str) -> Finding:
    """The mean absolute error, which must not grow."""
    n, m, then = int(outcomes["n"]), int(figures["rows"]), float(figures["mae"])
    if n < settings.min_rows:
        says = f"mae: {n:,} labelled rows, and {settings.min_rows:,} are needed to judge"
        return Finding("performance", "mae", DROP, TEST, n, None, says)
    now = outcomes["absolute"] / n
    spread = (outcomes["squared"] / n - now**2) / n + (float(figures["rmse"]) ** 2 - then**2) / m
    z = NormalDist().inv_cdf(1 - settings.false_alarms)
    bound = max(settings.drop * then, z * math.sqrt(max(spread, 0.0)))
    says = f"mae: {now:.4f} on {n:,} rows, {then:.4f} on the test rows{later}"
    return Finding("performance", "mae", DROP, TEST, n, Comparison(DROP, now - then, bound), says)


def _span(outcomes: Mapping[str, Any]) -> str:
    """The mean delay of late labels, for people."""
    hours = outcomes["delay"] / outcomes["late"] / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"
