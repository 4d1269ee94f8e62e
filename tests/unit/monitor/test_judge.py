"""What is said of windows: by their histograms, their outcomes, and how often of late."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from lakehouse_nlp.core.settings.monitoring import Monitor
from lakehouse_nlp.model.distances import psi
from lakehouse_nlp.model.histograms import of_categories, of_numbers
from lakehouse_nlp.model.metrics import evaluate
from lakehouse_nlp.model.reference import Centroid, Reference
from lakehouse_nlp.monitor.judge import BEFORE, TRAINING, Comparison, Counts, Finding, Window, by_day, findings
from lakehouse_nlp.monitor.performance import performance
from lakehouse_nlp.monitor.verdicts import verdicts

pytestmark = pytest.mark.unit
AT = datetime(2024, 5, 1, 23, tzinfo=timezone.utc)
REFERENCE = Reference((
    of_numbers("price", np.arange(5_000.0)),
    of_categories("kind", {"a": 3_000, "b": 2_000}),
    of_categories("prediction", {"good": 4_000, "bad": 1_000}, "output"),
))  # fmt: skip
FLAT = (100,) * 10 + (0,)


def _window(
    price: tuple[int, ...] = FLAT, kind: tuple[int, ...] = (600, 400, 0, 0), name: str = "w", **more: Any
) -> Window:
    of = {"price": price, "kind": kind, "prediction": (800, 200, 0, 0)}
    return Window(name, AT, 0, {k: Counts(sum(counts), counts) for k, counts in of.items()}, more)


def _found(window: Window, before: tuple[Window, ...] = (), **settings: Any) -> dict[tuple[str, str], Finding]:
    found = findings(REFERENCE, window, before, Monitor.model_validate(settings))
    return {(each.subject, each.against): each for each in found}


def test_a_window_like_training_is_within_its_bounds() -> None:
    found = _found(_window())
    assert set(found) == {(name, TRAINING) for name in ("price", "kind", "prediction")}
    assert not any(each.beyond for each in found.values())
    assert [each.kind for each in found.values()] == ["inputs", "inputs", "outputs"]


def test_what_changed_is_beyond_and_its_largest_change_is_told() -> None:
    found = _found(_window(kind=(450, 410, 140, 0)))["kind", TRAINING]
    assert found.comparison is not None
    assert found.comparison.value == pytest.approx(psi((3_000, 2_000, 0, 0), (450, 410, 140, 0)))
    assert found.beyond
    assert found.says.endswith("; 'a' went from 60.0% to 45.0%")
    assert not _found(_window(kind=(450, 410, 140, 0)))["price", TRAINING].beyond


def test_the_same_change_in_few_rows_may_be_chance() -> None:
    many, few = (_found(_window(kind=counts))["kind", TRAINING] for counts in ((480, 520, 0, 0), (54, 57, 0, 0)))
    assert many.beyond
    assert few.comparison is not None
    assert not few.beyond


def test_too_few_rows_are_not_judged() -> None:
    found = _found(_window(kind=(60, 39, 0, 0)), min_rows=100)["kind", TRAINING]
    assert found.comparison is None
    assert found.says == "kind: 99 rows, and 100 are needed to judge"
    assert _found(_window(kind=()))["kind", TRAINING].comparison is None


def test_windows_before_are_taken_together_as_many_as_asked() -> None:
    low, usual, high = (_window(kind=(n, 1_000 - n, 0, 0)) for n in (560, 600, 640))
    assert not any(_found(each)["kind", TRAINING].beyond for each in (low, usual, high))
    before = (low, low, low, usual)
    assert _found(high, before, last=1)["kind", BEFORE].beyond is False
    assert _found(high, before, last=4)["kind", BEFORE].beyond
    few = _window(kind=(30, 20, 0, 0))
    assert ("kind", BEFORE) not in _found(_window(), (few,)), "too few rows to hold anything against"


def test_the_end_of_a_shift_is_none() -> None:
    odd, usual = _window(kind=(100, 900, 0, 0), name="odd"), _window()
    assert _found(odd, (usual, usual))["kind", BEFORE].beyond
    assert not _found(usual, (odd, odd, usual))["kind", BEFORE].beyond
    assert ("kind", BEFORE) not in _found(usual, (odd, odd))


def test_what_the_settings_pass_over_is_no_drift() -> None:
    moved = _window(kind=(540, 460, 0, 0))
    assert _found(moved)["kind", TRAINING].beyond
    assert not _found(moved, ignore={"psi": 0.1})["kind", TRAINING].beyond
    assert _found(moved, ignore={"chi_squared": 0.1})["kind", TRAINING].beyond


@pytest.mark.parametrize("method", ["psi", "jensen_shannon", "kolmogorov_smirnov", "chi_squared"])
def test_each_method_tells_a_move_of_numbers(method: str) -> None:
    found = _found(_window(price=(250, 150, *(75,) * 8, 0)), methods={"number": method})["price", TRAINING]
    assert (found.method, found.beyond) == (method, True)


def test_vectors_are_judged_by_their_centroid() -> None:
    reference = Reference(REFERENCE.histograms, centroid=Centroid((0.0, 0.0), 5_000, 2.0, 2.0))
    near, far = ({"rows": 1_000, "sums": [sums, 0.0]} for sums in (10.0, 300.0))
    found = [list(findings(reference, _window(vectors=sums), [], Monitor()))[-1] for sums in (near, far)]
    assert [(each.subject, each.method, each.beyond) for each in found] == [
        ("vectors", "centroid", False), ("vectors", "centroid", True)
    ]  # fmt: skip


def test_days_are_the_sums_of_their_runs() -> None:
    confusion = {"bad": {"bad": 3}}
    one = _window(name="1", outcomes={"confusion": confusion, "late": 1, "delay": 5.0})
    two = Window("2", AT + timedelta(hours=2), 7, one.of, {})
    later = {"confusion": {"bad": {"bad": 1, "good": 2}}, "late": 0, "delay": 0.0}
    three = Window("3", AT + timedelta(minutes=5), 4, one.of, {"outcomes": later})
    first, second = by_day([two, one, three])
    assert (first.name, second.name, first.since) == ("2024-05-01", "2024-05-02", 4)
    assert first.of["kind"] == Counts(2_000, (1_200, 800, 0, 0))
    assert first.more == {"outcomes": {"confusion": {"bad": {"bad": 4, "good": 2}}, "late": 1, "delay": 5.0}}
    assert second.of == one.of


def _outcomes(bad: tuple[int, int], good: tuple[int, int], **more: Any) -> dict[str, Any]:
    cells = {"bad": {"bad": bad[0], "good": bad[1]}, "good": {"bad": good[0], "good": good[1]}}
    return {"confusion": cells, "late": 0, "delay": 0.0, **more}


def test_figures_of_classes_are_held_against_those_of_the_test_rows() -> None:
    labels = np.array(["bad"] * 300 + ["good"] * 700, object)
    guess = np.where(np.arange(1_000) % 10 == 0, np.where(labels == "bad", "good", "bad"), labels)
    figures = evaluate(labels, np.zeros((1_000, 2)) + 0.5, ["bad", "good"], guess)
    settings, classes = Monitor(), ["bad", "good"]
    same = list(performance(figures, classes, _outcomes((135, 15), (35, 315)), settings))
    assert [each.subject for each in same] == [
        "accuracy",
        "recall.bad",
        "precision.bad",
        "recall.good",
        "precision.good",
    ]
    assert not any(each.beyond for each in same)
    later = _outcomes((75, 75), (35, 315), late=500, delay=500 * 86_400.0 * 3)
    worse = {each.subject: each for each in performance(figures, classes, later, settings)}
    assert worse["recall.bad"].beyond
    accuracy = worse["accuracy"]
    assert accuracy.comparison is not None
    assert accuracy.comparison.value == pytest.approx(0.9 - 390 / 500)
    said = "accuracy: 0.7800 on 500 rows, 0.9000 on the test rows, 500 of the labels came 3.0 days later"
    assert accuracy.says == said
    assert not worse["recall.good"].beyond
    assert not any(e.beyond for e in performance(figures, classes, later, Monitor(drop=0.5)))
    few = list(performance(figures, classes, _outcomes((5, 5), (5, 200)), settings))
    assert [each.comparison is None for each in few] == [False, True, True, False, False]


def test_errors_of_numbers_must_not_grow() -> None:
    rng = np.random.default_rng(0)
    actual = rng.normal(size=2_000)
    figures = evaluate(actual, (actual + rng.normal(size=2_000))[:, None], [])
    found = []
    for scale in (1.0, 1.4):
        error = scale * rng.normal(size=500)
        sums = {"n": 500, "absolute": np.abs(error).sum(), "squared": (error**2).sum(), "late": 0, "delay": 0.0}
        found += list(performance(figures, [], sums, Monitor()))
    assert [(each.subject, each.beyond) for each in found] == [("mae", False), ("mae", True)]


def _finding(value: float | None, kind: Any = "inputs", subject: str = "x") -> list[Finding]:
    comparison = None if value is None else Comparison("psi", value, 0.1)
    return [Finding(kind, subject, "psi", TRAINING, 1_000, comparison, "says")]


@pytest.mark.parametrize(
    ("values", "state", "severity", "action"),
    [
        ([0.05], "stable", "info", "none"),
        ([0.15], "moved", "info", "none"),
        ([0.15, 0.15], "drifted", "warning", "alert"),
        ([0.15, 0.05, 0.25], "drifted", "critical", "alert"),
        ([0.15, 0.05, 0.05, 0.15], "moved", "info", "none"),
        ([0.15, None, 0.15], "drifted", "warning", "alert"),
        ([0.15, 0.15, 0.05], "stable", "info", "none"),
        ([0.15, 0.15, None], "not judged", "info", "none"),
    ],
)
def test_a_thing_drifts_in_k_of_the_last_n_windows(
    values: list[float | None], state: str, severity: str, action: str
) -> None:
    settings = Monitor.model_validate({"times": 2, "of": 3, "actions": {"inputs": "alert"}})
    (found,) = verdicts([_finding(value) for value in values], settings)
    assert (found.state, found.severity, found.action) == (state, severity, action)


def test_what_could_never_drift_is_refused() -> None:
    with pytest.raises(ValueError, match="times is 4 of the last 3 windows: nothing could drift"):
        Monitor(times=4, of=3)


def test_data_and_runs_count_at_once_and_other_subjects_do_not_count() -> None:
    (found,) = verdicts([_finding(0.5, "data")], Monitor())
    assert (found.state, found.severity, found.action) == ("drifted", "warning", "note")
    (found,) = verdicts([_finding(0.5, subject="y"), _finding(0.5)], Monitor())
    assert (found.state, found.times) == ("moved", 1)
    assert verdicts([], Monitor()) == []
