"""Candidates of small arrays: what is judged is what the ordinary fit learns, and what stays is fitted once."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "model"))

from model_samples import reviews, rows_of

from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.learning import Search
from lakehouse_nlp.model import stacked
from lakehouse_nlp.model.metrics import evaluate
from lakehouse_nlp.model.rows import Spec
from lakehouse_nlp.train import candidates as module
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.candidates import Candidates
from lakehouse_nlp.train.search import applied
from lakehouse_nlp.train.study import Params, Study

pytestmark = pytest.mark.unit

BOOSTER = {"max_depth": 3, "learning_rate": 0.3, "max_bin": 64}
SPEC = Spec(buckets=2**10, numeric=("price",), categorical=("kind",), select=40, rounds=30, booster=BOOSTER)
ROUNDS = [10, 20, 30]


def _parts(classes: int = 2) -> tuple[Labelled, Labelled]:
    texts, labels = reviews(500, classes)
    rows, keys = rows_of(SPEC, texts, labels), np.arange(500).astype(str)
    whole = Labelled(rows, keys, labels.astype(object), np.full(500, "train"))
    return whole.take(np.arange(350)), whole.take(np.arange(350, 500))


def _spec_of(params: Params) -> Spec:
    plain = {name.removeprefix("text."): value for name, value in params.items() if not name.startswith("booster.")}
    inside = {name.removeprefix("booster."): value for name, value in params.items() if name.startswith("booster.")}
    rounds: Any = inside.pop("rounds", SPEC.rounds)
    more: Any = plain
    return replace(SPEC, booster={**BOOSTER, **inside}, rounds=rounds, **more)  # type: ignore[dict-item]


def _candidates(metric: str = "log_loss", classes: int = 2, spec: Any = _spec_of) -> Candidates:
    return Candidates(*_parts(classes), spec, metric, threads=2)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "params",
    [{}, {"booster.max_depth": 2}, {"linear_c": 0.5, "text.select": 10}, {"class_weights": "balanced"}],
)
def test_a_figure_is_that_of_the_model_that_the_ordinary_fit_makes(classes: int, params: Params) -> None:
    train, validation = _parts(classes)
    told: list[tuple[int, float]] = []
    candidates = _candidates(classes=classes)
    candidates.judge({"linear_c": 2.0}, lambda *_: None)
    value = candidates.judge(params, lambda done, figure: told.append((done, figure)))
    model = stacked.fit(train.rows, train.labels, _spec_of(params), 2)
    assert value == evaluate(validation.labels, model.outputs(validation.rows), model.classes)["log_loss"]
    assert [done for done, _ in told] == ROUNDS
    assert told[-1][1] == pytest.approx(value, abs=1e-9)
    assert told[0][1] != told[1][1]


def test_calibration_and_threshold_are_judged_too() -> None:
    train, validation = _parts()
    spec = replace(SPEC, calibration="platt", threshold="f1.positive", early_stopping=3)
    value = _candidates("f1_macro", spec=lambda _: spec).judge({}, lambda *_: None)
    model = stacked.fit(train.rows, train.labels, spec, 2, validation=(validation.rows, validation.labels))
    said = model.outputs(validation.rows)
    assert value == evaluate(validation.labels, said, model.classes, model.predictions(said))["f1_macro"]


def test_what_a_parameter_leaves_as_it_is_is_fitted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scored: list[float] = []

    def counted(rows: Any, labels: Any, spec: Spec, *more: Any) -> Any:
        scored.append(spec.linear_c)
        return stacked.score(rows, labels, spec, *more)

    monkeypatch.setattr(module, "score", counted)
    candidates = _candidates()
    for params in (
        {"booster.max_depth": 2},
        {"booster.max_depth": 3, "booster.rounds": 5},
        {"text.select": 5},
        {"text.select": 9, "booster.max_depth": 2},
        {"linear_c": 1.0},
        {"linear_c": 8.0},
    ):
        candidates.judge(params, lambda *_: None)
    assert scored == [8.0, 1.0]
    assert len(candidates._ready) == module.KEPT


def test_a_metric_that_the_rows_leave_undefined_is_an_error() -> None:
    candidates = _candidates("roc_auc")
    candidates.validation = candidates.validation.take(candidates.validation.labels == "positive")
    with pytest.raises(ValueError, match=r"roc_auc is undefined on the \d+ validation rows that it could be judged by"):
        candidates.judge({}, lambda *_: None)


def test_a_search_of_arrays_finds_what_is_better_and_a_fit_with_it_has_its_figure(tmp_path: Path) -> None:
    space = {"booster.max_depth": [1, 3], "booster.learning_rate": {"low": 0.02, "high": 0.4}, "linear_c": [0.1, 8.0]}
    asked = Search.model_validate({"method": "tpe", "trials": 8, "space": space})
    own = {"booster.max_depth": 3, "booster.learning_rate": 0.3, "linear_c": 8.0}
    study = Study(asked, own, 0, True, tmp_path / "a.db")
    study.run(_candidates().judge)
    best = study.found
    assert best is not None
    assert best.value < study.before == _candidates().judge({}, lambda *_: None)
    train, validation = _parts()
    model = stacked.fit(train.rows, train.labels, _spec_of(best.params), 2)
    assert evaluate(validation.labels, model.outputs(validation.rows), model.classes)["log_loss"] == best.value


def test_parameters_are_put_where_their_settings_are(make_settings: Any) -> None:
    before: Settings = make_settings(train={"booster": {"rounds": 7}})
    made = applied(before, {"linear_c": 2.0, "booster.max_depth": 9, "text.select": 5, "class_weights": "balanced"})
    assert (made.train.linear_c, made.train.booster.max_depth, made.train.booster.rounds) == (2.0, 9, 7)
    assert (made.features.text.select, made.train.class_weights) == (5, "balanced")
    assert before.train.booster.max_depth == 4
    assert Settings.model_validate(made.model_dump()) == made
