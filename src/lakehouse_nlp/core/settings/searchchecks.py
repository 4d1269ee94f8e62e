"""What only several parts of the settings can tell about a search: parameters that exist, and values that fit them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from lakehouse_nlp.core.settings import report
from lakehouse_nlp.core.settings.crosschecks import Problem, Values
from lakehouse_nlp.core.settings.learning import OF_NUMBERS, Booster, TextFeatures, Train
from lakehouse_nlp.core.settings.section import Section
from lakehouse_nlp.core.settings.words import did_you_mean, listed, shown

# The parameters by the names that a space has them by, and where their settings are. What decides how rows are read
# from gold is not among them: the rows are read once.
PARAMETERS: dict[str, tuple[str, ...]] = {
    "linear_c": ("train", "linear_c"),
    "class_weights": ("train", "class_weights"),
    "text.select": ("features", "text", "select"),
    "text.sublinear": ("features", "text", "sublinear"),
    **{f"booster.{name}": ("train", "booster", name) for name in Booster.model_fields},
}
OF_TEXT = ("linear_c", "text.select", "text.sublinear")

_OWNERS: dict[str, type[Section]] = {"train": Train, "text": TextFeatures, "booster": Booster}
_SPACE = ("train", "search", "space")


def is_whole(name: str) -> bool:
    """Whether the parameter is a whole number."""
    return _kind(name) is int


def problems(tree: Mapping[str, Any]) -> list[Problem]:
    """Every fault of the search in the merged settings."""
    values = Values(tree)
    search = values.get("train", "search")
    if not isinstance(search, dict) or search.get("method") == "none":
        return []
    found = [*_judged(values)]
    space = values.get(*_SPACE)
    for name, domain in space.items() if isinstance(space, dict) else ():
        found += [((*_SPACE, name), fault) for fault in _faults(values, str(name), domain)]
    return found


def _judged(values: Values) -> Iterator[Problem]:
    metric, objective = values.get("train", "search", "metric"), values.get("train", "objective")
    if metric and objective in ("binary", "multiclass", "regression"):
        numbers = objective == "regression"
        if (metric in OF_NUMBERS) != numbers:
            kind = "numbers, and takes rmse, mae or r2" if numbers else f"classes, not numbers as {metric} does"
            yield ("train", "search", "metric"), f"train.objective {objective} is judged on {kind}"
    if values.get("train", "warm_start") is True:
        yield ("train", "search"), "a warm start goes on with the champion's parameters; take one of them away"
    if values.get("train", "search", "pruning") is True and values.get("train", "engine") == "cluster":
        says = "xgboost.spark says nothing of a trial before its end; take pruning: false, or train.engine batches"
        yield ("train", "search", "pruning"), says
    if values.get("gold", "split", "validation") == 0:
        yield ("train", "search"), "candidates are judged on validation rows, and gold.split.validation is 0"


def _faults(values: Values, name: str, domain: Any) -> Iterator[str]:
    if name not in PARAMETERS:
        yield f"no such parameter{did_you_mean(name, PARAMETERS) or f'; there are {listed(PARAMETERS)}'}"
        return
    if name in OF_TEXT and not values.get("text"):
        yield "changes nothing: the project reads no text"
    if isinstance(domain, list):
        yield from (f"{fault}" for value in domain for fault in _fits(name, value))
        yield from (f"holds {shown(value)} twice" for value in domain if domain.count(value) > 1)
    elif isinstance(domain, dict):
        yield from _range_faults(values, name, domain)


def _range_faults(values: Values, name: str, domain: Mapping[str, Any]) -> Iterator[str]:
    if values.get("train", "search", "method") == "grid":
        yield "is a range, and a grid takes a list, such as [0.03, 0.1, 0.3]"
    elif _kind(name) not in (int, float):
        yield "is no number: it takes a list"
    else:
        yield from (fault for end in ("low", "high") if end in domain for fault in _fits(name, domain[end]))


def _fits(name: str, value: Any) -> Iterator[str]:
    """What the setting itself says of the value."""
    *_, owner, leaf = PARAMETERS[name]
    try:
        _OWNERS[owner].model_validate({leaf: value})
    except ValidationError as error:
        yield report.problems(error, {leaf: value})[0][1]


def _kind(name: str) -> Any:
    *_, owner, leaf = PARAMETERS[name]
    return _OWNERS[owner].model_fields[leaf].annotation
