"""What people read of a model: card, errors, curves, and the leaks that the settings tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.model.rows import Rows, Spec
from lakehouse_nlp.model.stacked import fit
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.card import html, markdown, sections
from lakehouse_nlp.train.curves import curves
from lakehouse_nlp.train.evaluation import errors, figures, named_leaks

pytestmark = pytest.mark.unit


def _part(n: int, seed: int) -> Labelled:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    labels = np.where(x + rng.normal(size=n) > 0, "yes", "<no>").astype(object)
    zone = np.where(np.arange(n) % 10 == 0, None, np.where(np.arange(n) % 2, "north|south", "tiny"))  # type: ignore
    zone[:5] = "rare"
    keys = np.array([f"{seed}-{k}" for k in range(n)], dtype=object)
    rows = Rows(csr_matrix((n, 0)), x[:, None], np.zeros((n, 0), dtype=object))
    return Labelled(rows, keys, labels, np.full(n, "test"), {"zone": zone.astype(object)})


@pytest.fixture(scope="module")
def made() -> tuple[Any, dict[str, Any], Labelled]:
    train, validation, test = _part(600, 0), _part(200, 1), _part(400, 2)
    model = fit(train.rows, train.labels, Spec(buckets=0, numeric=("x",), rounds=10), threads=1)
    return model, figures(model, train, validation, test), test


def test_figures_are_told_by_split_baseline_and_slice(made: tuple[Any, dict[str, Any], Labelled]) -> None:
    _, found, test = made
    assert found["classes"] == ["<no>", "yes"]
    assert found["baselines"]["linear"]["roc_auc"] > 0.8
    low, high = found["intervals"]["roc_auc"]
    assert low < found["test"]["roc_auc"] < high
    assert list(found["slices"]["zone"]) == ["north|south", "tiny", "(missing)"]  # five rows say nothing
    part = found["slices"]["zone"]["(missing)"]
    assert part["rows"] == sum(value is None for value in test.about["zone"])
    assert found["leaks"] == []


def test_what_a_row_costs_has_its_reading_in_it(made: tuple[Any, dict[str, Any], Labelled]) -> None:
    model, found, test = made
    assert 0 < found["cost"]["row_ms"] < 50
    assert figures(model, test, test, replace(test, read_ms=50.0))["cost"]["row_ms"] > 50


def test_the_worst_errors_come_first(made: tuple[Any, dict[str, Any], Labelled]) -> None:
    model, _, test = made
    head, *lines = errors(model, test, model.outputs(test.rows)).splitlines()
    assert head == "key,label,prediction,probability_of_label"
    left = [float(line.split(",")[3]) for line in lines]
    assert left == sorted(left)
    assert all(line.split(",")[1] != line.split(",")[2] for line in lines)
    assert max(left) <= 0.5


def test_the_card_says_it_in_markdown_and_html(
    made: tuple[Any, dict[str, Any], Labelled], make_settings: Callable[..., Settings]
) -> None:
    _, found, _ = made
    doubt = {"grave": True, "says": "y alone tells <all>"}
    parts = sections(make_settings(), {**found, "leaks": [doubt]}, {"gold_version": "7"}, [("x", 0.5)])
    text, page = markdown("tiny", parts), html("tiny", parts)
    assert "| trained on | 600 rows of gold version 7 |" in text
    assert "north\\|south" in text
    assert "| x | 0.5000 |" in text
    assert "![curves.png](curves.png)" in text
    assert "Grave: y alone tells <all>" in text
    assert "<td>&lt;no&gt;</td>" in page
    assert "y alone tells &lt;all&gt;" in page
    assert page.count("<table>") == page.count("</table>") == 5


def test_four_curves_are_drawn_a_line_a_class() -> None:
    rng = np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(3), 200)
    labels = np.array(["a", "b", "c"])[proba.argmax(axis=1)]
    figure = curves(labels, proba, ["a", "b", "c"])
    assert [axes.get_title().split()[0] for axes in figure.axes] == ["ROC", "Precision", "Calibration,", "Lift"]
    assert [len(axes.get_legend_handles_labels()[1]) for axes in figure.axes] == [3, 3, 3, 3]
    assert len(curves(np.full(50, "a"), np.full((50, 2), 0.5), ["a", "b"]).axes) == 4


@pytest.mark.parametrize(
    ("features", "names"),
    [
        ({"numeric": ["stars"]}, ["stars"]),
        ({"derived": {"high": "stars > 3"}, "categorical": ["high"]}, ["high"]),
        ({"lookups": {"named": {"file": "f.csv", "by": "stars"}}}, ["named"]),
        ({"numeric": ["price"]}, []),
    ],
)
def test_features_that_the_label_is_made_of_are_told(
    make_settings: Callable[..., Settings], features: dict[str, Any], names: list[str]
) -> None:
    found = named_leaks(make_settings(features=features))
    assert [leak["says"] for leak in found] == [
        f"the label is made of stars, and the feature {n} reads it" for n in names
    ]
    assert all(leak["grave"] for leak in found)
