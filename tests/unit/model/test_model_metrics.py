from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as reference

from lakehouse_nlp.model.metrics import evaluate, majority

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("classes", [["no", "yes"], ["a", "b", "c", "d"]])
def test_agrees_with_scikit_learn(classes: list[str]) -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(np.array(classes), 500)
    proba = rng.dirichlet(np.ones(len(classes)), 500).round(3) + 1e-4
    proba /= proba.sum(axis=1, keepdims=True)
    predicted = np.array(classes)[proba.argmax(axis=1)]
    got = evaluate(labels, proba, classes)
    report = reference.classification_report(labels, predicted, output_dict=True)
    auc = reference.roc_auc_score(labels, proba[:, 1] if len(classes) == 2 else proba, multi_class="ovr")
    assert got["accuracy"] == pytest.approx(report["accuracy"])
    assert got["f1_macro"] == pytest.approx(report["macro avg"]["f1-score"])
    assert got["log_loss"] == pytest.approx(reference.log_loss(labels, proba, labels=classes))
    assert got["roc_auc"] == pytest.approx(auc)
    for name in classes:
        for ours, theirs in [("f1", "f1-score"), ("precision", "precision"), ("recall", "recall")]:
            assert got[ours][name] == pytest.approx(report[name][theirs])
        assert got["support"][name] == report[name]["support"]
    table = [[got["confusion"][a][p] for p in classes] for a in classes]
    assert table == reference.confusion_matrix(labels, predicted, labels=classes).tolist()
    assert json.loads(json.dumps(got)) == got


def test_no_rows_leave_everything_undefined() -> None:
    got = evaluate(np.array([], dtype=object), np.zeros((0, 2)), ["a", "b"])
    assert got["rows"] == 0
    assert [got[name] for name in ("accuracy", "log_loss", "roc_auc", "f1_macro")] == [None] * 4


def test_one_class_has_no_auc() -> None:
    got = evaluate(np.array(["a", "a"]), np.array([[0.9, 0.1], [0.2, 0.8]]), ["a", "b"])
    assert got["roc_auc"] is None
    assert got["accuracy"] == 0.5


def test_a_label_the_model_does_not_know_counts_as_wrong() -> None:
    got = evaluate(np.array(["a", "z"]), np.array([[0.9, 0.1], [0.9, 0.1]]), ["a", "b"])
    assert got["accuracy"] == 0.5
    assert got["support"] == {"a": 1, "b": 0, "z": 1}
    assert got["confusion"]["z"] == {"a": 1, "b": 0, "z": 0}


def test_majority_says_the_commonest_class() -> None:
    proba = majority(np.array(["b", "b", "a", "b"]), 2, ["a", "b"])
    np.testing.assert_array_equal(proba, [[0.25, 0.75], [0.25, 0.75]])
    assert evaluate(np.array(["a", "b"]), proba, ["a", "b"])["roc_auc"] == 0.5
