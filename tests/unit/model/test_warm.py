"""A model that goes on from another: its features, and more rounds upon its booster."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from model_samples import reviews, rows_of

from lakehouse_nlp.model.features import fit_scores
from lakehouse_nlp.model.rows import folds_of
from lakehouse_nlp.model.stacked import Rows, Spec, StackedModel, fit
from lakehouse_nlp.model.stored import booster_hash
from lakehouse_nlp.model.task import Task

pytestmark = pytest.mark.unit
SPEC = Spec(buckets=2**12, numeric=("number",), categorical=("kind",), encode={"kind": "target"}, select=50, rounds=10)


@pytest.fixture(scope="module")
def known() -> tuple[Rows, np.ndarray]:
    texts, labels = reviews(600)
    return rows_of(SPEC, texts, labels), labels


@pytest.fixture(scope="module")
def champion(known: tuple[Rows, np.ndarray]) -> StackedModel:
    rows, labels = known
    return fit(rows.take(np.arange(400)), labels[:400], SPEC, threads=1)


def test_it_keeps_the_features_and_adds_rounds_to_the_booster(
    champion: StackedModel, known: tuple[Rows, np.ndarray]
) -> None:
    rows, labels = known
    before = booster_hash(champion)
    model = fit(rows, labels, replace(SPEC, rounds=7), threads=1, onto=champion)
    assert booster_hash(champion) == before
    assert model.booster.num_boosted_rounds() == 17
    np.testing.assert_array_equal(model.features.of(rows).toarray(), champion.features.of(rows).toarray())
    replaced = replace(model, booster=model.booster[:10])
    np.testing.assert_allclose(replaced.outputs(rows), champion.outputs(rows), atol=1e-6)
    assert (model.outputs(rows) != champion.outputs(rows)).any()
    again = fit(rows, labels, replace(SPEC, rounds=7), threads=1, onto=champion)
    assert booster_hash(again) == booster_hash(model)
    assert booster_hash(fit(rows, labels, SPEC, threads=1)) != booster_hash(model)


def test_what_a_row_tells_of_its_own_label_stays_out_of_fold(
    champion: StackedModel, known: tuple[Rows, np.ndarray]
) -> None:
    """With one label turned, a row's own linear score and target mean are what they were."""
    rows, labels = known
    task = Task.of(labels, "auto", "none")
    fold = folds_of(task.codes(task.values(labels)), SPEC.folds, 0)
    seen = []
    for turned in (False, True):
        values = task.values(labels)
        values[7] = 1 - values[7] if turned else values[7]
        features, found = fit_scores(rows, task, values, fold, SPEC, 1, champion.features).select(SPEC.select)
        assert features.linear is champion.features.linear
        seen.append(found[:, :3].toarray())
    np.testing.assert_allclose(seen[0][fold == fold[7]], seen[1][fold == fold[7]], rtol=1e-6)
    assert np.nanmax(np.abs(seen[0] - seen[1])[fold != fold[7]]) > 1e-4


def test_early_stopping_keeps_the_rounds_that_were_there(
    champion: StackedModel, known: tuple[Rows, np.ndarray]
) -> None:
    rows, labels = known
    spec = replace(SPEC, rounds=100, early_stopping=3)
    checked = rows.take(np.arange(400, 600)), labels[400:]
    model = fit(rows.take(np.arange(400)), labels[:400], spec, threads=1, validation=checked, onto=champion)
    assert 10 < model.booster.num_boosted_rounds() < 110
