"""The train stage: the stacked model on gold as of one version, its figures beside those of two baselines."""

from __future__ import annotations

import os
from typing import Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.recipes import TRAIN, recipe
from lakehouse_nlp.core.registry import Registry
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.model.metrics import evaluate, majority
from lakehouse_nlp.model.rows import Spec
from lakehouse_nlp.model.stacked import StackedModel, fit
from lakehouse_nlp.train import blocks
from lakehouse_nlp.train.blocks import Labelled

SOURCE = "gold"


def due(ctx: Context) -> str | None:
    """No model of this recipe yet, or enough new labelled rows since the last one."""
    if not ctx.tables.log(SOURCE).rows():
        return None
    newest = Registry(ctx).newest()
    if newest is None:
        return "no model yet"
    if newest.tags["recipe"] != recipe(ctx.settings, TRAIN):
        return f"settings changed since version {newest.number}"
    if newest.tags["nlp_hash"] != _nlp_hash(ctx):
        return f"version {newest.number} was trained on tokens of another pipeline"
    before, now = int(newest.tags["train_rows"]), _labelled(ctx)
    if now > before * (1 + ctx.settings.train.retrain_share):
        return f"{now - before:,} labelled rows came to the {before:,} that version {newest.number} was trained on"
    return None


def run(ctx: Context) -> StepResult:
    """Trains a candidate and registers it as a version. Raises DataError where there is too little to learn from."""
    settings, version = ctx.settings, ctx.tables.log(SOURCE).changed()
    gold = ctx.tables.read(SOURCE, version).where("label IS NOT NULL")
    spec = specification(settings)
    data = blocks.collect(gold, spec)
    train, validation, test = (data.part(split) for split in ("train", "validation", "test"))
    _enough(ctx, train, test)
    model = fit(train.rows, train.labels, spec, threads=os.cpu_count() or 1, on_round=ctx.progress)
    model.terms = blocks.names(gold.where("split = 'train'"), spec, model.selected.tolist())
    metrics = figures(model, train, validation, test)
    from lakehouse_nlp.train.log import log

    tags = {
        "recipe": recipe(settings, TRAIN),
        "gold_version": str(version),
        "train_rows": str(len(train)),
        "nlp_hash": _nlp_hash(ctx),
    }
    made = log(ctx, model, metrics, tags)
    test_figures, linear = metrics["test"], metrics["baselines"]["linear"]
    note = (
        f"candidate {made}: accuracy {test_figures['accuracy']:.4f} on {test_figures['rows']:,} test rows, "
        f"linear {linear['accuracy']:.4f}"
    )
    return StepResult(read=len(data), written=1, versions={SOURCE: version or 0}, note=note)


def specification(settings: Settings) -> Spec:
    """What the model is made of, from the settings."""
    features, train = settings.features, settings.train
    booster = train.booster.model_dump()
    rounds = booster.pop("rounds")
    return Spec(
        **features.text.model_dump(), numeric=features.numeric, categorical=features.categorical,
        linear_c=train.linear_c, folds=train.folds, seed=train.seed, rounds=rounds, booster=booster,
    )  # fmt: skip


def figures(model: StackedModel, train: Labelled, validation: Labelled, test: Labelled) -> dict[str, Any]:
    """Figures of the model by split, and on the test split of the linear model alone and of the majority class."""
    classes = model.classes
    model.threads = os.cpu_count() or 1
    split = {
        name: evaluate(part.labels, model.predict_proba(part.rows), classes)
        for name, part in (("test", test), ("validation", validation))
    }
    linear = evaluate(test.labels, model.linear_proba(test.rows), classes)
    guess = evaluate(test.labels, majority(train.labels, len(test), classes), classes)
    return {**split, "baselines": {"linear": linear, "majority": guess}, "train_rows": len(train)}


def _enough(ctx: Context, train: Labelled, test: Labelled) -> None:
    classes, wanted = sorted(set(train.labels)), ctx.settings.train.min_rows
    fault = None
    if len(train) < wanted:
        fault = f"{len(train)} labelled training rows, and train.min_rows asks for {wanted}"
    elif len(classes) < 2:
        fault = f"every training row has the label {classes[0]!r}, and a model needs two classes"
    elif not len(test):
        fault = "no labelled test rows; raise gold.split.test, or bring more rows"
    elif unseen := sorted(set(test.labels) - set(classes)):
        fault = f"{', '.join(unseen)} occur in the test split only; bring more rows, or change gold.split.seed"
    if fault:
        project, label = ctx.settings.project, ctx.settings.label
        raise DataError(
            f"train: {fault} (table {project}.gold, label {label!r})",
            hint=f'lakehouse-nlp sql "select purpose, split, label, count(*) from {project}.gold group by all"',
        )


def _labelled(ctx: Context) -> int:
    query = f"SELECT count(*) AS n FROM {ctx.settings.project}.gold WHERE split = 'train' AND label IS NOT NULL"
    return int(duck.rows(ctx.root, query, only=[f"{ctx.settings.project}.gold"])[0]["n"])


def _nlp_hash(ctx: Context) -> str:
    query = f"SELECT any_value(nlp_hash) AS h FROM {ctx.settings.project}.gold"
    return str(duck.rows(ctx.root, query, only=[f"{ctx.settings.project}.gold"])[0]["h"])
