"""The gate: every test that a candidate must pass, as a sentence and whether it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lakehouse_nlp.core.settings.learning import Register
from lakehouse_nlp.model.metrics import LOWER_IS_BETTER, figure

# Figures of classes, which no floor asks of a regression.
OF_CLASSES = ("accuracy", "balanced_accuracy", "roc_auc", "pr_auc", "f1", "log_loss", "brier")

Slices = dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class Reason:
    """One test of the gate."""

    passed: bool
    says: str


def judge(
    gate: Register,
    candidate: dict[str, Any],
    champion: dict[str, Any] | None,
    basis: str = "",
    slices: Slices | None = None,
    ahead: float | None = None,
) -> list[Reason]:
    """The tests of a candidate: leaks, floors, baselines, champion, slices, cost.

    `candidate`: figures as the train stage logged them; `champion`: the champion's figures of the test split, or None;
    `basis`: where the champion's figures come from, for people; `slices`: the champion's figures by column and value;
    `ahead`: the share of paired draws in which the candidate is ahead of the champion.
    """
    test, baselines = candidate["test"], candidate["baselines"]
    reasons = [Reason(False, leak["says"]) for leak in candidate.get("leaks", ()) if leak["grave"]]
    numbers = candidate.get("objective") == "regression"
    asked = {n: floor for n, floor in gate.min.items() if not (numbers and n.startswith(OF_CLASSES))}
    reasons += [_floor(test, name, floor) for name, floor in asked.items()]
    reasons += [_better(gate.metric, test, baselines[name], f"the {name} baseline", 0.0) for name in gate.baselines]
    if champion is not None:
        reasons.append(_better(gate.metric, test, champion, f"the champion{basis}", gate.min_gain))
    if gate.confidence is not None and ahead is not None:
        says = f"ahead of the champion in {ahead:.1%} of the draws, at least {gate.confidence:.1%} wanted"
        reasons.append(Reason(ahead >= gate.confidence, says))
    reasons += _slices(gate, candidate.get("slices", {}), slices or {})
    return [*reasons, *_cost(gate, candidate.get("cost", {}))]


def _slices(gate: Register, mine: Slices, theirs: Slices) -> Iterator[Reason]:
    """No slice much worse than the champion's, and none much worse than the best slice of its column."""
    lower = gate.metric in LOWER_IS_BETTER
    for column, by in mine.items():
        found = {value: f for value, each in by.items() if (f := figure(each, gate.metric)) is not None}
        for value, now in found.items() if gate.max_slice_drop is not None else ():
            before = figure(theirs.get(column, {}).get(value, {}), gate.metric)
            drop = 0.0 if before is None else (now - before if lower else before - now)
            if drop > (gate.max_slice_drop or 0.0):
                says = f"{gate.metric} {now:.4f} where {column} is {value}, the champion has {before:.4f} there"
                yield Reason(False, f"{says}; at most {gate.max_slice_drop:g} worse wanted")
        if gate.max_slice_gap is not None and found:
            low, high = min(found, key=lambda v: found[v]), max(found, key=lambda v: found[v])
            gap = found[high] - found[low]
            says = f"{gate.metric} {found[low]:.4f} where {column} is {low}, {found[high]:.4f} where it is {high}"
            yield Reason(gap <= gate.max_slice_gap, f"{says}; at most {gate.max_slice_gap:g} apart wanted")


def _cost(gate: Register, cost: dict[str, float]) -> Iterator[Reason]:
    for name, limit, unit in (("row_ms", gate.max_row_ms, "ms a row"), ("size_mb", gate.max_size_mb, "MB")):
        if limit is not None and name in cost:
            yield Reason(cost[name] <= limit, f"{cost[name]:.3g} {unit}, at most {limit:g} wanted")


def _floor(test: dict[str, Any], name: str, floor: float) -> Reason:
    value = figure(test, name)
    if value is None:
        return Reason(False, f"{name} is not among the figures of the test split")
    low = name in LOWER_IS_BETTER
    return Reason(
        value <= floor if low else value >= floor,
        f"{name} {value:.4f}, {'at most' if low else 'at least'} {floor} wanted",
    )


def _better(metric: str, test: dict[str, Any], other: dict[str, Any], who: str, gain: float) -> Reason:
    mine, theirs = figure(test, metric), figure(other, metric)
    if mine is None or theirs is None:
        return Reason(True, f"{metric} cannot be compared with {who}: it is undefined for one of them")
    ahead = theirs - mine if metric in LOWER_IS_BETTER else mine - theirs
    return Reason(ahead > gain, f"{metric} {mine:.4f}, {who} has {theirs:.4f}; more than {gain:g} ahead wanted")
