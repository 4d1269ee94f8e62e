"""Groups, vectors of the text, a search and a warm start by each engine: what memory finds, the others find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import telling
from pyspark.sql import SparkSession

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.registry import CHAMPION, Registry
from lakehouse_nlp.model.stored import booster_hash
from lakehouse_nlp.train import stage, warm
from lakehouse_nlp.train.evaluation import figures
from lakehouse_nlp.train.fitting import modelled, searched
from lakehouse_nlp.train.material import gathered
from lakehouse_nlp.train.reproduce import reproduce
from lakehouse_nlp.train.search import Found

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
MakeContext = Callable[..., Context]
WORDS = {"kind": "word2vec", "size": 6, "min_count": 2}
# Of few test rows and of dense vectors, which the cluster's workers bin by sketches of their own rows.
WITHIN = {"batches": 0.002, "cluster": 0.004}
TEXT = {"buckets": 1024, "select": 20}


def _home(home: Path, make_context: MakeContext, engine: str, text: dict[str, Any], **train: Any) -> Context:
    workers = {"num_workers": 2} if engine == "cluster" else {}
    learning: dict[str, Any] = {"features": {**telling.LEARNING["features"], "text": text}}
    train = {**telling.TRAIN, **workers, **train, "engine": engine}
    return make_context(home, **learning, gold={"split": {"by": "title"}}, train=train)


@pytest.mark.parametrize("engine", ["batches", "cluster"])
def test_groups_and_vectors_are_those_of_memory(
    spark: SparkSession, home: Path, make_context: MakeContext, engine: str
) -> None:
    found = []
    for name in ("memory", engine):
        ctx = _home(home, make_context, name, {**TEXT, "vectors": WORDS}, folds=2)
        telling.write(ctx, spark, telling.rows(3000))
        with gathered(ctx, ctx.settings, None) as material:
            model, parts = modelled(ctx, ctx.settings, material), (material.train, material.validation, material.test)
            metrics = figures(model, *parts)
            seen = np.concatenate(list(material.test.rows.each(lambda _, rows: rows.vectors)))
            groups = material.train.groups
        assert groups is not None
        assert set(groups[[group.startswith("=") for group in groups]]) == {"=x", "=y", "=z"}
        assert metrics["cost"]["row_ms"] > 0
        assert any(name.startswith("w2v_") for name, _ in model.importance())
        found.append((metrics, groups.tolist(), seen))
    (memory, groups, vectors), (other, same, others) = found
    assert groups == same
    np.testing.assert_array_equal(vectors, others)
    telling.near(memory, other, within=WITHIN[engine])


def _searched(ctx: Context) -> tuple[Found, str]:
    with gathered(ctx, ctx.settings, None) as material:
        found = searched(ctx, material, None)
        assert found is not None
        return found, booster_hash(modelled(ctx, ctx.settings, material))


@pytest.mark.parametrize("engine", ["batches", "cluster"])
def test_a_search_finds_what_memory_finds(
    spark: SparkSession, home: Path, make_context: MakeContext, engine: str
) -> None:
    space = {"booster.learning_rate": [0.02, 0.3]}
    search = {"method": "grid", "trials": 2, "metric": "log_loss", "space": space}
    found = []
    for name in ("memory", engine):
        ctx = _home(home, make_context, name, TEXT, folds=2, search=search)
        telling.write(ctx, spark, telling.rows(2000))
        found.append(_searched(ctx)[0])
    memory, other = found
    assert memory.figures["trials"] == other.figures["trials"] == 2
    for one in found:
        assert one.params["booster.learning_rate"] == 0.3
    for name in ("before", "best"):
        assert other.figures[name] == pytest.approx(memory.figures[name], abs=0.004)


def test_batches_go_on_from_the_champion(spark: SparkSession, home: Path, make_context: MakeContext) -> None:
    ctx = _home(home, make_context, "batches", TEXT, warm_start=True)
    telling.write(ctx, spark, telling.rows(1200))
    ctx.sign("train")
    assert stage.run(ctx).note.endswith("; batches (by train.engine); trained anew: there is no champion")
    registry = Registry(ctx)
    registry.client.set_registered_model_alias("tiny", CHAMPION, "1")
    telling.write(ctx, spark, telling.rows(3000))
    assert stage.run(ctx).note.endswith("; batches (by train.engine); goes on from tiny/1")
    first, second = (warm.load(ctx, version) for version in registry.versions())
    assert (first.booster.num_boosted_rounds(), second.booster.num_boosted_rounds()) == (20, 40)
    assert (second.features.idf == first.features.idf).all()
    assert reproduce(_home(home, make_context, "memory", TEXT), registry.versions()[1].run_id).same


def test_a_cluster_goes_on_from_none(spark: SparkSession, home: Path, make_context: MakeContext) -> None:
    memory = _home(home, make_context, "memory", TEXT)
    telling.write(memory, spark, telling.rows(600))
    with gathered(memory, memory.settings, None) as material:
        champion = modelled(memory, memory.settings, material)
    ctx = _home(home, make_context, "cluster", TEXT)
    refused = pytest.raises(DataError, match=r"train.warm_start cannot be done by xgboost.spark; take train.engine bat")
    with gathered(ctx, ctx.settings, None, champion) as material, refused:
        modelled(ctx, ctx.settings, material, champion)
