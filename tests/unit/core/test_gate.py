from __future__ import annotations

from typing import Any

import pytest

from lakehouse_nlp.core.settings.learning import Register
from lakehouse_nlp.register.gate import Reason, figure, judge

pytestmark = pytest.mark.unit

NAN = float("nan")


def _figures(accuracy: float = 0.9, roc_auc: float | None = 0.95, log_loss: float = 0.3, **f1: float) -> dict[str, Any]:
    return {"accuracy": accuracy, "roc_auc": roc_auc, "log_loss": log_loss, "f1": f1, "f1_macro": 0.8}


def _candidate(test: dict[str, Any], linear: dict[str, Any] | None = None) -> dict[str, Any]:
    worse = _figures(accuracy=0.5, roc_auc=0.5, log_loss=0.7)
    return {"test": test, "baselines": {"linear": linear or worse, "majority": worse}}


def _gate(**more: Any) -> Register:
    return Register(**{"min": {}, "baselines": (), **more})


@pytest.mark.parametrize(
    ("name", "value"),
    [("accuracy", 0.9), ("roc_auc", None), ("f1.bad", 0.4), ("f1.a.b", 0.5), ("f1", None), ("f1.none", None),
     ("recall", None), ("accuracy.bad", None)],
)  # fmt: skip
def test_a_figure_is_found_by_its_name(name: str, value: float | None) -> None:
    assert figure(_figures(roc_auc=None, **{"bad": 0.4, "a.b": 0.5}), name) == value


@pytest.mark.parametrize(
    ("floors", "reason"),
    [
        ({"accuracy": 0.9}, Reason(True, "accuracy 0.9000, at least 0.9 wanted")),
        ({"accuracy": 0.91}, Reason(False, "accuracy 0.9000, at least 0.91 wanted")),
        ({"f1.bad": 0.3}, Reason(True, "f1.bad 0.4000, at least 0.3 wanted")),
        ({"f1.bad": 0.5}, Reason(False, "f1.bad 0.4000, at least 0.5 wanted")),
        ({"log_loss": 0.3}, Reason(True, "log_loss 0.3000, at most 0.3 wanted")),
        ({"log_loss": 0.29}, Reason(False, "log_loss 0.3000, at most 0.29 wanted")),
        ({"roc_auc": 0.1}, Reason(False, "roc_auc is not among the figures of the test split")),
        ({"f1.odd": 0.1}, Reason(False, "f1.odd is not among the figures of the test split")),
    ],
)
def test_floors(floors: dict[str, float], reason: Reason) -> None:
    assert judge(_gate(min=floors), _candidate(_figures(roc_auc=None, bad=0.4)), None) == [reason]


@pytest.mark.parametrize("name", ["accuracy", "log_loss"])
def test_a_figure_that_is_no_number_passes_no_floor(name: str) -> None:
    assert not judge(_gate(min={name: 0.5}), _candidate({**_figures(), name: NAN}), None)[0].passed


AHEAD = [
    ("accuracy", 0.0, 0.89, True, "accuracy 0.9000, the champion has 0.8900; more than 0 ahead wanted"),
    ("accuracy", 0.0, 0.90, False, "accuracy 0.9000, the champion has 0.9000; more than 0 ahead wanted"),
    ("accuracy", 0.0, 0.91, False, "accuracy 0.9000, the champion has 0.9100; more than 0 ahead wanted"),
    ("accuracy", 0.05, 0.88, False, "accuracy 0.9000, the champion has 0.8800; more than 0.05 ahead wanted"),
    ("accuracy", -0.05, 0.93, True, "accuracy 0.9000, the champion has 0.9300; more than -0.05 ahead wanted"),
    ("accuracy", 0.0, NAN, False, "accuracy 0.9000, the champion has nan; more than 0 ahead wanted"),
    ("log_loss", 0.0, 0.31, True, "log_loss 0.3000, the champion has 0.3100; more than 0 ahead wanted"),
    ("log_loss", 0.0, 0.29, False, "log_loss 0.3000, the champion has 0.2900; more than 0 ahead wanted"),
    ("log_loss", 0.1, 0.35, False, "log_loss 0.3000, the champion has 0.3500; more than 0.1 ahead wanted"),
    ("roc_auc", 0.0, None, True, "roc_auc cannot be compared with the champion: it is undefined for one of them"),
]


@pytest.mark.parametrize(("metric", "gain", "champion", "passed", "says"), AHEAD)
def test_the_champion_must_be_beaten(metric: str, gain: float, champion: Any, passed: bool, says: str) -> None:
    gate = _gate(metric=metric, min_gain=gain)
    assert judge(gate, _candidate(_figures()), {**_figures(), metric: champion}) == [Reason(passed, says)]


def test_where_the_figures_of_the_champion_come_from_is_said() -> None:
    found = judge(_gate(), _candidate(_figures()), _figures(roc_auc=0.5), " on the same rows")
    assert [reason.says for reason in found] == [
        "roc_auc 0.9500, the champion on the same rows has 0.5000; more than 0 ahead wanted"
    ]


def test_baselines_must_be_beaten_by_whatever_margin() -> None:
    gate = _gate(baselines=("linear", "majority"), min_gain=0.2)
    assert judge(gate, _candidate(_figures(), linear=_figures(roc_auc=0.96)), None) == [
        Reason(False, "roc_auc 0.9500, the linear baseline has 0.9600; more than 0 ahead wanted"),
        Reason(True, "roc_auc 0.9500, the majority baseline has 0.5000; more than 0 ahead wanted"),
    ]


def test_every_test_is_told_floors_first_whether_passed_or_not() -> None:
    gate = Register(min={"accuracy": 0.95, "f1.bad": 0.1}, baselines=("linear", "majority"))
    found = judge(gate, _candidate(_figures(bad=0.4)), _figures(roc_auc=0.99))
    assert [reason.passed for reason in found] == [False, True, True, True, False]
    assert [reason.says.split()[0] for reason in found] == ["accuracy", "f1.bad", "roc_auc", "roc_auc", "roc_auc"]


def test_without_floors_baselines_and_champion_nothing_is_asked() -> None:
    assert judge(_gate(), _candidate(_figures()), None) == []


# -- leaks, slices, cost, draws --------------------------------------------------------------------------------------


def test_a_grave_sign_of_leakage_is_refused_and_another_is_not() -> None:
    leaks = [{"grave": True, "says": "stars alone tells the label"}, {"grave": False, "says": "some rows are copies"}]
    assert judge(_gate(), {**_candidate(_figures()), "leaks": leaks}, None) == [
        Reason(False, "stars alone tells the label")
    ]


def test_floors_of_classes_are_not_asked_of_a_regression() -> None:
    numbers = {"test": {"rmse": 2.0, "r2": 0.5}, "baselines": {}, "objective": "regression"}
    gate = _gate(min={"accuracy": 0.6, "f1.bad": 0.5, "rmse": 1.5, "r2": 0.4}, metric="rmse")
    assert judge(gate, numbers, {"rmse": 2.5}) == [
        Reason(False, "rmse 2.0000, at most 1.5 wanted"),
        Reason(True, "r2 0.5000, at least 0.4 wanted"),
        Reason(True, "rmse 2.0000, the champion has 2.5000; more than 0 ahead wanted"),
    ]


@pytest.mark.parametrize(("ahead", "passed"), [(0.94, False), (0.95, True)])
def test_the_champion_must_be_beaten_in_enough_draws(ahead: float, passed: bool) -> None:
    gate = _gate(confidence=0.95)
    found = judge(gate, _candidate(_figures()), _figures(roc_auc=0.9), ahead=ahead)
    says = f"ahead of the champion in {ahead:.1%} of the draws, at least 95.0% wanted"
    assert found[1:] == [Reason(passed, says)]
    assert len(judge(_gate(), _candidate(_figures()), _figures(roc_auc=0.9), ahead=ahead)) == 1


def _zones(**auc: float) -> dict[str, dict[str, dict[str, Any]]]:
    return {"zone": {name: {"roc_auc": value, "log_loss": 1 - value} for name, value in auc.items()}}


def test_a_model_worse_on_one_slice_is_refused() -> None:
    candidate = {**_candidate(_figures()), "slices": _zones(north=0.97, south=0.80, new=0.5)}
    gate = _gate(max_slice_drop=0.05)
    assert judge(gate, candidate, None, slices=_zones(north=0.99, south=0.86)) == [
        Reason(False, "roc_auc 0.8000 where zone is south, the champion has 0.8600 there; at most 0.05 worse wanted")
    ]
    assert judge(gate, candidate, None, slices=_zones(north=0.99, south=0.84)) == []
    assert [reason.passed for reason in judge(
        _gate(max_slice_drop=0.05, metric="log_loss"), candidate, None, slices=_zones(south=0.86)
    )] == [False]  # fmt: skip


def test_slices_too_far_apart_are_refused() -> None:
    candidate = {**_candidate(_figures()), "slices": _zones(north=0.9, south=0.7)}
    says = "roc_auc 0.7000 where zone is south, 0.9000 where it is north; at most 0.1 apart wanted"
    assert judge(_gate(max_slice_gap=0.1), candidate, None) == [Reason(False, says)]
    assert judge(_gate(max_slice_gap=0.3), candidate, None)[0].passed


def test_a_slow_or_a_large_model_is_refused() -> None:
    candidate = {**_candidate(_figures()), "cost": {"row_ms": 2.5, "size_mb": 120.0}}
    assert judge(_gate(max_row_ms=1, max_size_mb=200), candidate, None) == [
        Reason(False, "2.5 ms a row, at most 1 wanted"),
        Reason(True, "120 MB, at most 200 wanted"),
    ]
