"""The train stage: the stacked model on gold as of one version, its figures beside those of two baselines."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

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
        "nlp_hash": str(_nlp_hash(ctx)),
    }
    made = log(ctx, model, metrics, tags)
    scored = metrics["test"]
    note = f"candidate {made}: accuracy {scored['accuracy']:.4f} on {scored['rows']:,} test rows, linear {metrics['baselines']['linear']['accuracy']:.4f}"
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
    hint = f'lakehouse-nlp sql "select split, label, count(*) from {ctx.settings.project}.gold group by all"'
    where = f"of {ctx.settings.project}.gold by the label {ctx.settings.label!r}"
    classes = sorted(set(train.labels))
    if len(train) < ctx.settings.train.min_rows:
        raise DataError(
            f"train: {len(train)} labelled training rows {where}; {ctx.settings.train.min_rows} are needed (train.min_rows)",
            hint=hint,
        )
    if len(classes) < 2:
        raise DataError(
            f"train: every training row {where} has the label {classes[0]!r}; two classes are needed", hint=hint
        )
    if not len(test):
        raise DataError(f"train: no labelled test rows {where}", hint="raise gold.split.test, or bring more rows")
    if unseen := sorted(set(np.unique(test.labels)) - set(classes)):
        raise DataError(
            f"train: {', '.join(unseen)} occur in the test split only",
            hint="bring more rows of these classes, or change gold.split.seed",
        )


def _labelled(ctx: Context) -> int:
    query = f"SELECT count(*) AS n FROM {ctx.settings.project}.gold WHERE split = 'train' AND label IS NOT NULL"
    return int(duck.rows(ctx.root, query, only=[f"{ctx.settings.project}.gold"])[0]["n"])


def _nlp_hash(ctx: Context) -> str | None:
    query = f"SELECT any_value(nlp_hash) AS h FROM {ctx.settings.project}.gold"
    return duck.rows(ctx.root, query, only=[f"{ctx.settings.project}.gold"])[0]["h"]
