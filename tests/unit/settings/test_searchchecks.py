"""The section `train.search`: right ones, wrong ones, and what is said where."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.settings import load
from lakehouse_nlp.core.settings.learning import Range, Search
from lakehouse_nlp.core.settings.searchchecks import PARAMETERS

pytestmark = pytest.mark.unit
Write = Callable[..., Path]

SEARCH = """\
gold: {split: {validation: 0.1}}
train:
  objective: binary
  search:
    method: tpe
    trials: 12
    metric: pr_auc
    space:
      booster.max_depth: [3, 4, 6]
      booster.learning_rate: {low: 0.01, high: 0.3, log: true}
      text.select: {low: 100, high: 2000}
      class_weights: [none, balanced]
"""


def test_a_space_is_lists_and_ranges(write: Write) -> None:
    search = load(write(SEARCH), "x").train.search
    assert search is not None
    assert search.space["booster.max_depth"] == (3, 4, 6)
    assert search.space["booster.learning_rate"] == Range(low=0.01, high=0.3, log=True)
    assert search.space["class_weights"] == ("none", "balanced")
    assert (search.minutes, search.pruning) == (None, True)


def test_it_is_off_unless_asked_for_and_can_be_set_by_a_dotted_name(write: Write) -> None:
    home = write()
    assert load(home, "x").train.search is None
    found = load(home, "x", sets=["train.search.space.booster.max_depth=[3, 4]", "train.search.trials=5"]).train.search
    assert found == Search(trials=5, space={"booster.max_depth": (3, 4)})
    assert load(write(SEARCH), "x", sets=["train.search.method=none"]).train.search is None


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("booster.max_depth", "booster.maxdepth", "x.yml:17: train.search.space.booster.maxdepth: no such para"),
        ("class_weights", "monotony", "train.search.space.monotony: no such parameter; there are 'linear_c', 'class"),
        ("[3, 4, 6]", "[3, 0]", "train.search.space.booster.max_depth: must be at least 1, not 0"),
        ("[3, 4, 6]", "[3, 4.5]", "train.search.space.booster.max_depth: must be a whole number, not 4.5"),
        ("[3, 4, 6]", "[3, 3]", "train.search.space.booster.max_depth: holds 3 twice"),
        ("[3, 4, 6]", "[]", "train.search.space.booster.max_depth: must not be empty"),
        ("[3, 4, 6]", "3", "train.search.space.booster.max_depth: must be a list, not 3"),
        ("low: 0.01", "low: 0.5", "booster.learning_rate: low must be under high, and low is 0.5, high 0.3"),
        ("low: 0.01", "low: 0", "train.search.space.booster.learning_rate: log: true needs low above 0, not 0"),
        ("low: 0.01", "lo: 0.01", "train.search.space.booster.learning_rate.low: missing"),
        ("low: 100", "low: -1", "train.search.space.text.select: must be at least 0, not -1"),
        ("[none, balanced]", "{low: 1, high: 2}", "train.search.space.class_weights: is no number: it takes a list"),
        ("[none, balanced]", "[none, balance]", "train.search.space.class_weights: must be 'none' or 'balanced'"),
        ("method: tpe", "method: grid", "x.yml:18: train.search.space.booster.learning_rate: is a range, and a grid"),
        ("method: tpe", "method: tpa", "train.search.method: must be 'none', 'grid', 'random' or 'tpe', not 'tpa'; "),
        ("method: tpe", "methode: tpe", "train.search.methode: unknown key; did you mean 'method'?"),
        ("trials: 12", "trials: 0", "train.search.trials: must be at least 1, not 0"),
        ("pr_auc", "rmse", "train.search.metric: train.objective binary is judged on classes, not numbers as"),
        ("objective: binary", "objective: regression", "train.search.metric: train.objective regression is judged on"),
        ("pr_auc", "auc", "train.search.metric: must be 'accuracy', 'balanced_accuracy', 'roc_auc'"),
        ("validation: 0.1", "validation: 0", "train.search: candidates are judged on validation rows, and gold.split"),
    ],
)  # fmt: skip
def test_a_fault_is_told_where_it_is(write: Write, right: str, wrong: str, says: str) -> None:
    assert right in SEARCH
    with pytest.raises(UsageError) as refused:
        load(write(SEARCH.replace(right, wrong)), "x")
    assert any(says in line for line in refused.value.message.splitlines()), refused.value.message


def test_the_example_of_the_docs_is_valid(write: Write) -> None:
    text = (Path(__file__).parents[3] / "docs/models.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```yaml\n(train:\n  search:.*?)^```", text, re.MULTILINE | re.DOTALL)
    search = load(write(example), "x").train.search
    assert search is not None
    assert set(Search.model_fields) == search.model_fields_set, "every setting is shown"
    assert {name for name in PARAMETERS if not name.startswith("booster.") and f"`{name}`" not in text} == set()


def test_a_cluster_prunes_nothing(write: Write) -> None:
    home = write(SEARCH.replace("  objective: binary", "  objective: binary\n  engine: cluster"))
    search = load(home, "x").train.search
    assert search is not None
    with pytest.raises(UsageError, match=r"train.search.pruning: xgboost.spark says nothing of a trial before its end"):
        load(home, "x", sets=["train.search.pruning=true"])


def test_parameters_of_text_need_text(write: Write) -> None:
    with pytest.raises(UsageError, match=r"text.select: changes nothing: the project reads no text"):
        load(write(SEARCH + "features: {numeric: [stars]}\n"), "x", sets=["text=[]"])


@pytest.mark.parametrize(
    ("asked", "numbers", "gate", "metric"),
    [
        (None, False, "pr_auc", "pr_auc"),
        (None, True, "roc_auc", "rmse"),
        (None, True, "mae", "mae"),
        (None, False, "rmse", "roc_auc"),
        ("log_loss", False, "roc_auc", "log_loss"),
    ],
)
def test_the_metric_is_the_gates_where_it_judges_the_objective(
    asked: str | None, numbers: bool, gate: str, metric: str
) -> None:
    search = Search.model_validate({"metric": asked, "space": {"booster.max_depth": [3]}})
    assert search.metric_of(numbers, gate) == metric
    with pytest.raises(ValueError, match=r"train.search.metric is r2, which does not judge classes"):
        Search.model_validate({"metric": "r2", "space": {"booster.max_depth": [3]}}).metric_of(False, gate)
