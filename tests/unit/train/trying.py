"""A search without models: spaces, and a judge that knows what is best."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lakehouse_nlp.core.settings.learning import Search
from lakehouse_nlp.train.study import Params, Report

LISTS = {"booster.max_depth": [2, 3, 4, 6, 8], "booster.learning_rate": [0.03, 0.1, 0.3], "linear_c": [1.0, 8.0]}
RANGES = {"booster.max_depth": {"low": 2, "high": 9}, "booster.learning_rate": {"low": 0.01, "high": 0.5, "log": True}}
# As the settings have them: the first in the space, the second not.
WITHIN = {"booster.max_depth": 8, "booster.learning_rate": 0.3, "linear_c": 8.0}
WITHOUT = {**WITHIN, "linear_c": 4.0}
ROUNDS = range(10, 101, 10)


def asked(method: str, trials: int = 14, **more: Any) -> Search:
    space = LISTS if method == "grid" else {**LISTS, **RANGES}
    return Search.model_validate({"method": method, "trials": trials, "space": space, **more})


def judge(params: Params, report: Report) -> float:
    """Best at depth 5 and a rate of 0.1; from round to round it comes nearer to that."""
    depth, rate, c = (float(params.get(name, WITHIN[name])) for name in WITHIN)
    value = 1.0 - abs(depth - 5) / 10 - abs(rate - 0.1) - c / 1000
    for done in ROUNDS:
        report(done, value * done / ROUNDS[-1])
    return value


def counted(judged: list[Params], when: Callable[[int], None] = lambda _: None) -> Callable[[Params, Report], float]:
    """The judge, noting what it was asked; `when` is told how often that was."""

    def asked_of(params: Params, report: Report) -> float:
        judged.append(dict(params))
        when(len(judged))
        return judge(params, report)

    return asked_of
