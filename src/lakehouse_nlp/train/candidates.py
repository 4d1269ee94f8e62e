"""Candidates of a search, judged by what their models say of the validation rows.

What the parameters leave as it is, is fitted once: linear scores while `linear_c` and the like stay, the selected terms
while their number does too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from lakehouse_nlp.model import blocked
from lakehouse_nlp.model.booster import Learners, here
from lakehouse_nlp.model.callbacks import OnRound
from lakehouse_nlp.model.features import Scored
from lakehouse_nlp.model.metrics import evaluate
from lakehouse_nlp.model.rows import Floats, Ints, Spec
from lakehouse_nlp.model.stacked import Prepared, score
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.study import Params, Report

# How many of each kind are kept: each holds the training rows once more.
KEPT = 3
T = TypeVar("T")


@dataclass
class Candidates:
    """The rows that candidates learn from and are judged by, the last of classes that training knows; `spec_of`: what a
    candidate's model is made of; `metric`: of `evaluate`; `learner`: who makes the boosters.
    """

    train: Labelled
    validation: Labelled
    spec_of: Callable[[Params], Spec]
    metric: str
    threads: int
    learner: Learners = here
    on_round: OnRound | None = None
    _scores: dict[str, tuple[Scored | blocked.Scored, Ints]] = field(default_factory=dict)
    _ready: dict[str, Prepared] = field(default_factory=dict)

    def judge(self, params: Params, report: Report) -> float:
        """The figure of a candidate on the validation rows; tells `report` how it does after every tenth round,
        where the learner tells.

        Raises ValueError where the metric is undefined there, or labels and settings do not fit.
        """
        spec = self.spec_of(params)

        def on_outputs(done: int, outputs: Floats) -> None:
            figure = self._figure(evaluate(self.validation.labels, outputs, classes))
            report(done, figure)

        ready = self._prepared(spec)
        classes = list(ready.features.task.classes)
        model = ready.boosted(spec, self.threads, self.on_round, on_outputs)
        said = model.outputs(self.validation.rows)
        predictions = model.predictions(said) if classes else None
        return self._figure(evaluate(self.validation.labels, said, classes, predictions))

    def _figure(self, metrics: dict[str, Any]) -> float:
        value = metrics.get(self.metric)
        if value is None:
            rows = f"the {len(self.validation)} validation rows that it could be judged by"
            raise ValueError(f"train.search: {self.metric} is undefined on {rows}; raise gold.split.validation")
        return float(value)

    def _prepared(self, spec: Spec) -> Prepared:
        plain = replace(spec, rounds=0, booster={}, select=0)
        ready = f"{spec.select} {plain!r}"

        def made() -> Prepared:
            scored, fold = _kept(self._scores, repr(plain), lambda: self._scored(spec))
            checked = (self.validation.rows, self.validation.labels)
            features, seen = scored.select(spec.select)
            return Prepared(features, seen, scored.values, fold, checked, self.learner)

        return _kept(self._ready, ready, made)

    def _scored(self, spec: Spec) -> tuple[Scored | blocked.Scored, Ints]:
        return score(self.train.rows, self.train.labels, spec, self.threads, self.train.groups)


def _kept(there: dict[str, T], key: str, make: Callable[[], T]) -> T:
    """What is there by the key, or is made now; the oldest goes where there are too many."""
    if key not in there:
        while len(there) >= KEPT:
            del there[next(iter(there))]
        there[key] = make()
    return there[key]
