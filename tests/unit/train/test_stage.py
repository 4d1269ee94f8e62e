"""What the train stage refuses, before any model is logged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.model.rows import Rows
from lakehouse_nlp.train import fitting, material
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.material import specification

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]


def _part(*labels: str) -> Labelled:
    n = len(labels)
    rows = Rows(csr_matrix((n, 0)), np.arange(n, dtype=float)[:, None], np.zeros((n, 0), object))
    return Labelled(rows, np.arange(n).astype(str), np.array(labels, dtype=object), np.full(n, "train"))


def _fitted(ctx: Context, train: Labelled, validation: Labelled, test: Labelled) -> list[str]:
    spec = specification(ctx.settings.model_copy(update={"text": ()}))
    return fitting.fitted(ctx, train, validation, test, spec).classes


SPLIT = {"features": {"numeric": ["price"]}, "train": {"booster": {"rounds": 3}, "early_stopping": 2}}


def test_a_class_of_validation_alone_is_passed_over(home: Path, make_context: MakeContext) -> None:
    train = _part(*["a", "b"] * 30)
    assert _fitted(make_context(home, **SPLIT), train, _part("a", "b", "c"), _part("a")) == ["a", "b"]
    assert _fitted(make_context(home, **SPLIT), train, _part("c"), _part("a")) == ["a", "b"]


@pytest.mark.parametrize(
    ("train", "test", "more", "says"),
    [
        (["a", "b"], ["c"], {}, "c occur in the test split only; bring more rows, or change gold.split.seed"),
        (["a", "a"], ["a"], {}, r"labels hold 1 class\(es\) \(a\); need 2 or more"),
        (["a", "b"], ["a"], {"objective": "regression"}, "train.objective is regression, and the label 'a' is no num"),
        (["a", "b"], ["a"], {"class_weights": {"z": 2}}, "train.class_weights names 'z', and the labels are a, b"),
        (["a", "b"], ["a"], {"threshold": "f1.z"}, "train.threshold is 'f1.z'; for two classes there are accuracy"),
    ],
)
def test_labels_and_settings_that_do_not_fit_are_refused(
    home: Path, make_context: MakeContext, train: list[str], test: list[str], more: dict[str, object], says: str
) -> None:
    ctx = make_context(home, features=SPLIT["features"], train={**SPLIT["train"], **more})
    with pytest.raises(DataError, match=says) as refused:
        _fitted(ctx, _part(*train * 30), _part("a", "b"), _part(*test))
    assert "(table tiny.gold, label" in refused.value.message
    assert refused.value.hint.startswith('lakehouse-nlp sql "select purpose')


def test_too_few_rows_are_refused(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home)
    with pytest.raises(DataError, match=r"3 labelled training rows, and train.min_rows asks for 50"):
        material._enough(ctx, _part("a", "b", "a"), _part("a"))
    with pytest.raises(DataError, match=r"no labelled test rows; raise gold.split.test, or bring more rows"):
        material._enough(ctx, _part(*["a", "b"] * 30), _part())
