"""What models of rows in memory can, models of rows in batches can: vectors, groups, warm starts, searches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from model_samples import reviews, rows_of
from scipy.sparse import csr_matrix

from lakehouse_nlp.model.blocks import Spool
from lakehouse_nlp.model.leaks import prints
from lakehouse_nlp.model.metrics import evaluate
from lakehouse_nlp.model.rows import joined
from lakehouse_nlp.model.stacked import Prepared, Rows, Spec, StackedModel, fit, score
from lakehouse_nlp.model.stored import booster_hash
from lakehouse_nlp.model.vectors import WordVectors

pytestmark = pytest.mark.unit
SPEC = Spec(
    buckets=2**12, numeric=("number",), categorical=("kind",), encode={"kind": "target"}, select=50, rounds=20,
    booster={"max_depth": 3, "max_bin": 64},
)  # fmt: skip


def _spool(rows: Rows, size: int = 300) -> Spool[Rows]:
    return Spool(rows.take(np.arange(start, min(start + size, len(rows)))) for start in range(0, len(rows), size))


def _rows(spec: Spec, n: int = 1500, seed: int = 0) -> tuple[Rows, np.ndarray]:
    texts, labels = reviews(n, seed=seed)
    rows = rows_of(spec, texts, labels, seed)
    return (replace(rows, vectors=spec.vectors.of(pa.array(texts))) if spec.vectors else rows), labels


def _near(one: StackedModel, other: StackedModel, rows: Rows, labels: np.ndarray) -> None:
    """The figures of both are the same, and each tells the classes apart."""
    found = [evaluate(labels, m.outputs(rows), m.classes, m.predictions(m.outputs(rows))) for m in (one, other)]
    assert found[0]["roc_auc"] > 0.8
    for name in ("accuracy", "roc_auc", "f1_macro", "log_loss"):
        assert found[1][name] == pytest.approx(found[0][name], abs=0.002)
    np.testing.assert_allclose(one.linear_outputs(rows), other.linear_outputs(rows), atol=2e-3)


def _with_vectors(**more: Any) -> Spec:
    words = sorted({word for text in reviews(300)[0] for word in text.split()})
    table = np.random.default_rng(1).normal(size=(len(words), 6)).astype(np.float32)
    return replace(SPEC, vectors=WordVectors(tuple(words), table), **more)


@pytest.mark.parametrize("more", [{}, {"buckets": 0}], ids=["beside terms", "in their place"])
def test_the_texts_vectors_are_seen(more: dict[str, Any]) -> None:
    spec = _with_vectors(**more)
    (rows, labels), (fresh, truth) = _rows(spec), _rows(spec, seed=5)
    memory, batches = fit(rows, labels, spec, 2), fit(_spool(rows), labels, spec, 2)
    _near(memory, batches, fresh, truth)
    assert any(name.startswith("w2v_") for name, _ in batches.importance())
    np.testing.assert_allclose(batches.features.of(fresh).toarray(), memory.features.of(fresh).toarray(), atol=2e-2)


def test_rows_that_differ_in_their_vectors_alone_are_no_copies() -> None:
    rows, _ = _rows(_with_vectors(buckets=0), 50)
    same = replace(rows, numeric=rows.numeric[:1].repeat(50, 0), categorical=rows.categorical[:1].repeat(50, 0))
    assert len(np.unique(prints(same))) > 25
    assert len(np.unique(prints(replace(same, vectors=rows.vectors[:1].repeat(50, 0))))) == 1
    assert joined([rows, rows]).vectors.shape == (100, 6)


def test_rows_of_a_group_are_in_one_fold() -> None:
    rows, labels = _rows(SPEC)
    groups = np.random.default_rng(2).integers(0, 40, len(labels)).astype(str)
    memory, fold = score(rows, labels, SPEC, 1, groups)
    batches, same = score(_spool(rows), labels, SPEC, 1, groups)
    np.testing.assert_array_equal(fold, same)
    assert all(len(set(fold[groups == name])) == 1 for name in set(groups))
    seen = [found.select(50)[1] for found in (memory, batches)]
    assert isinstance(seen[1], Spool)
    whole = np.concatenate([block.toarray() for block in seen[1].each(lambda _, block: block)])
    np.testing.assert_allclose(whole, seen[0].toarray(), atol=2e-2)  # type: ignore[union-attr]


def test_a_champion_is_gone_on_with() -> None:
    """Its features and trees are kept, wherever these cut between the bins of the new rows."""
    (rows, labels), (fresh, truth) = _rows(SPEC), _rows(SPEC, seed=5)
    champion = fit(rows.take(np.arange(700)), labels[:700], SPEC, 2)
    before, spec = booster_hash(champion), replace(SPEC, rounds=7, booster={"max_depth": 3, "max_bin": 8})
    memory = fit(rows, labels, spec, 2, onto=champion)
    batches = fit(_spool(rows), labels, spec, 2, onto=champion)
    again = fit(_spool(rows), labels, spec, 2, onto=champion)
    assert booster_hash(champion) == before
    assert booster_hash(again) == booster_hash(batches)
    assert batches.booster.num_boosted_rounds() == 27
    assert batches.features.linear is champion.features.linear
    np.testing.assert_array_equal(batches.features.of(fresh).toarray(), champion.features.of(fresh).toarray())
    np.testing.assert_allclose(replace(batches, booster=batches.booster[:20]).outputs(fresh), champion.outputs(fresh))
    _near(memory, batches, fresh, truth)


def test_a_champion_is_gone_on_with_until_validation_rows_say_so() -> None:
    (rows, labels), (fresh, truth) = _rows(SPEC), _rows(SPEC, seed=5)
    champion = fit(rows.take(np.arange(700)), labels[:700], SPEC, 2)
    spec = replace(SPEC, rounds=100, early_stopping=3)
    memory = fit(rows, labels, spec, 2, validation=(fresh, truth), onto=champion)
    batches = fit(_spool(rows), labels, spec, 2, validation=(_spool(fresh), truth), onto=champion)
    assert 20 < batches.booster.num_boosted_rounds() < 120
    _near(memory, batches, fresh, truth)


def test_what_a_booster_says_on_its_way_is_what_it_says_in_the_end() -> None:
    (rows, labels), (fresh, truth) = _rows(SPEC), _rows(SPEC, seed=5)
    scored, fold = score(_spool(rows), labels, SPEC, 2)
    features, seen = scored.select(SPEC.select)
    ready, told = Prepared(features, seen, scored.values, fold, (_spool(fresh), truth)), list[Any]()
    model = ready.boosted(SPEC, 2, on_outputs=lambda done, outputs: told.append((done, outputs)))
    assert [done for done, _ in told] == [10, 20]
    np.testing.assert_allclose(told[-1][1], model.outputs(fresh), atol=1e-6)
    plain = fit(_spool(rows), labels, SPEC, 2)
    assert booster_hash(model) == booster_hash(plain)
    other, few = scored.select(5)
    assert isinstance(few, Spool)
    assert {block.shape[1] for block in few.each(lambda _, block: block)} == {len(other.names())}
    assert len(other.selected) == 5
    assert isinstance(few.block(0), csr_matrix)
