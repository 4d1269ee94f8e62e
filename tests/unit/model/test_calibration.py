from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from lakehouse_nlp.model.calibration import Calibration, best_cut, fit_calibration
from lakehouse_nlp.model.metrics import evaluate

pytestmark = pytest.mark.unit

CLASSES = ["no", "yes"]


def _overconfident(n: int = 100_000) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities whose log-odds are twice what they should be, and the true classes."""
    rng = np.random.default_rng(0)
    odds = rng.normal(-1, 1, n)
    codes = (rng.random(n) < expit(odds)).astype(np.int64)
    said = expit(2 * odds)
    return np.column_stack([1 - said, said]), codes


@pytest.mark.parametrize("kind", ["platt", "isotonic"])
def test_calibrated_probabilities_are_the_shares_that_come_true(kind: str) -> None:
    proba, codes = _overconfident()
    found = fit_calibration(kind, proba[:50_000], codes[:50_000]).apply(proba[50_000:])
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    tenth = np.digitize(found[:, 1], np.quantile(found[:, 1], np.arange(0.1, 1, 0.1)))
    for part in range(10):
        inside = tenth == part
        assert found[inside, 1].mean() == pytest.approx(codes[50_000:][inside].mean(), abs=0.02)
    labels = np.array(CLASSES)[codes[50_000:]]
    assert evaluate(labels, found, CLASSES)["log_loss"] < evaluate(labels, proba[50_000:], CLASSES)["log_loss"] - 0.02


def test_platt_is_a_line_on_the_log_odds() -> None:
    proba, codes = _overconfident()
    ((slope,), (intercept,)) = fit_calibration("platt", proba, codes).curves[0]
    assert slope == pytest.approx(0.5, abs=0.03)
    assert intercept == pytest.approx(0.0, abs=0.02)


def test_several_classes_have_a_curve_each_and_add_up_to_one() -> None:
    rng = np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(3), 3000)
    codes = np.array([rng.choice(3, p=p) for p in proba])
    found = fit_calibration("isotonic", proba, codes)
    assert len(found.curves) == 3
    np.testing.assert_allclose(found.apply(proba).sum(axis=1), 1.0)


def test_curves_that_rule_out_every_class_leave_them_equal() -> None:
    nothing = Calibration("isotonic", (((0.0, 1.0), (0.0, 0.0)),) * 3)
    np.testing.assert_allclose(nothing.apply(np.full((1, 3), 1 / 3)), 1 / 3)


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "f1_macro", "f1.yes", "f1.no"])
def test_the_cut_is_the_best_of_all(metric: str) -> None:
    rng = np.random.default_rng(1)
    codes = (rng.random(300) < 0.2).astype(np.int64)
    last = np.round(np.clip(0.15 * codes + rng.beta(2, 8, 300), 0, 1), 2)
    labels = np.array(CLASSES)[codes]
    proba = np.column_stack([1 - last, last])

    def reached(cut: float) -> float:
        said = evaluate(labels, proba, CLASSES, np.array(CLASSES)[(last >= cut).astype(int)])
        section, _, name = metric.partition(".")
        return float(said[section][name] if name else said[section])

    best = max(reached(cut) for cut in np.arange(0.0, 1.0, 0.005))
    assert reached(best_cut(last, codes, CLASSES, metric)) == pytest.approx(best)


def test_of_equal_cuts_the_one_nearest_to_a_half_is_taken() -> None:
    last, codes = np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1])
    assert best_cut(last, codes, CLASSES, "accuracy") == pytest.approx(0.5)
