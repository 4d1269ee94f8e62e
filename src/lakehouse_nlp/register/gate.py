"""The gate: every test that a candidate must pass, as a sentence and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lakehouse_nlp.core.settings.learning import Register

LOWER_IS_BETTER = frozenset({"log_loss"})


@dataclass(frozen=True)
class Reason:
    """One test of the gate."""

    passed: bool
    says: str


def judge(gate: Register, candidate: dict[str, Any], champion: dict[str, Any] | None, basis: str = "") -> list[Reason]:
    """The tests of a candidate: floors, baselines, champion.

    `candidate`: figures as the train stage logged them; `champion`: the champion's figures of the test split, or None;
    `basis`: where the champion's figures come from, for people.
    """
    test, baselines = candidate["test"], candidate["baselines"]
    reasons = [_floor(test, name, floor) for name, floor in gate.min.items()]
    reasons += [_better(gate.metric, test, baselines[name], f"the {name} baseline", 0.0) for name in gate.baselines]
    if champion is not None:
        reasons.append(_better(gate.metric, test, champion, f"the champion{basis}", gate.min_gain))
    return reasons


def figure(metrics: dict[str, Any], name: str) -> float | None:
    """A figure by its name in the settings: `accuracy`, `f1.negative` …; None where there is none."""
    section, _, key = name.partition(".")
    found = metrics.get(section)
    value = found.get(key) if isinstance(found, dict) else found if not key else None
    return None if value is None else float(value)


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
