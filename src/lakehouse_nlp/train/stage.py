"""The train stage: the stacked model on gold as of one version, its figures beside those of two baselines."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lakehouse_nlp import __version__
from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.recipes import TRAIN, recipe
from lakehouse_nlp.core.registry import Registry, Version
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.model.rows import Spec
from lakehouse_nlp.model.stacked import StackedModel, fit
from lakehouse_nlp.model.stored import booster_hash
from lakehouse_nlp.model.task import Task
from lakehouse_nlp.train import blocks, warm
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.evaluation import figures, named_leaks
from lakehouse_nlp.train.triggers import fired

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SOURCE = "gold"
SIGNS = {"increasing": 1, "decreasing": -1}


def due(ctx: Context) -> str | None:
    """No model of this recipe yet, or a trigger of `train.retrain`."""
    if not ctx.tables.log(SOURCE).rows():
        return None
    newest = Registry(ctx).newest()
    if newest is None:
        return "no model yet"
    if newest.tags["recipe"] != recipe(ctx.settings, TRAIN):
        return f"settings changed since version {newest.number}"
    if newest.tags["nlp_hash"] != _nlp_hash(ctx):
        return f"version {newest.number} was trained on tokens of another pipeline"
    return fired(ctx, newest)


def run(ctx: Context) -> StepResult:
    """Trains a candidate and registers it as a version. Raises DataError where there is too little to learn from."""
    settings, version = ctx.settings, ctx.tables.log(SOURCE).changed()
    champion, why = warm.start(ctx, _nlp_hash(ctx)) if settings.train.warm_start else (None, "")
    onto = warm.load(ctx, champion) if champion else None
    model, train, validation, test = learnt(ctx, settings, version, onto)
    metrics = figures(model, train, validation, test)
    metrics["leaks"] = [*named_leaks(settings), *metrics["leaks"]]
    from lakehouse_nlp.train.log import log

    tags = {
        "recipe": recipe(settings, TRAIN),
        "code": __version__,
        "seed": str(settings.train.seed),
        **{f"{table}_version": str(at) for table, at in _versions(ctx, SOURCE, version).items()},
        "train_rows": str(len(train)),
        "validation_rows": str(len(validation)),
        "test_rows": str(len(test)),
        "nlp_hash": _nlp_hash(ctx),
        "booster_hash": booster_hash(model),
        **({warm.TAG: str(champion.number)} if champion else {}),
    }
    made = log(ctx, model, metrics, tags, test)
    read = len(train) + len(validation) + len(test)
    return StepResult(read=read, written=1, versions={SOURCE: version or 0}, note=_note(made, metrics, champion, why))


def learnt(
    ctx: Context, settings: Settings, version: int | None, onto: StackedModel | None = None
) -> tuple[StackedModel, Labelled, Labelled, Labelled]:
    """The model of gold as of a version, with its training, validation and test rows; `onto`: as in `fit`.

    Raises DataError where there is too little to learn from.
    """
    gold = ctx.tables.read(SOURCE, version).where("label IS NOT NULL")
    train_gold = gold.where("split = 'train'")
    spec = specification(settings)
    spec = warm.kept(spec, onto) if onto else with_vocabulary(spec, train_gold, settings)
    data = blocks.collect(gold, spec, settings.train.slices, settings.gold.split.by)
    train, validation, test = (data.part(split) for split in ("train", "validation", "test"))
    _enough(ctx, train, test)
    model = _fitted(ctx, train, validation, test, spec, onto)
    model.features.terms = blocks.names(train_gold, spec, model.features.selected.tolist())
    return model, train, validation, test


def specification(settings: Settings) -> Spec:
    """What the model is made of, from the settings; the terms of a vocabulary are still to be found."""
    features, train = settings.features, settings.train
    text, booster = features.text, train.booster.model_dump()
    rounds = booster.pop("rounds")
    return Spec(
        buckets=text.buckets if settings.text else 0, ngrams=text.ngrams, sublinear=text.sublinear, select=text.select,
        numeric=features.numbers, categorical=features.categorical, encode=features.encode,
        linear_c=train.linear_c, folds=train.folds, seed=train.seed, rounds=rounds, booster=booster,
        objective=train.objective, class_weights=train.class_weights, early_stopping=train.early_stopping or 0,
        monotone={name: SIGNS[way] for name, way in train.monotone.items()},
        calibration=train.calibration, threshold=train.threshold or "",
    )  # fmt: skip


def with_vocabulary(spec: Spec, gold: DataFrame, settings: Settings) -> Spec:
    """The specification with the commonest terms of the training rows, where the settings ask for a vocabulary."""
    text = settings.features.text
    if not spec.buckets or text.terms == "hashed":
        return spec
    words = blocks.vocabulary(gold, spec, text.buckets, text.min_rows)
    return replace(spec, vocabulary=words, buckets=len(words))


def _fitted(
    ctx: Context, train: Labelled, validation: Labelled, test: Labelled, spec: Spec, onto: StackedModel | None = None
) -> StackedModel:
    """The model; raises DataError where labels and settings do not fit, or a class is in the test rows only.

    Validation rows of a class that training does not know have nothing to say about stopping and thresholds.
    """
    try:
        task = Task.of(train.labels, spec.objective, spec.class_weights)
        if unseen := sorted(set(test.labels) - set(task.classes)) if task.classes else []:
            rest = "occur in the test split only; bring more rows, or change gold.split.seed"
            raise ValueError(f"{', '.join(unseen)} {rest}")
        known = validation.take(np.isin(validation.labels.astype(str), task.classes)) if task.classes else validation
        threads, checked = os.cpu_count() or 1, (known.rows, known.labels)
        return fit(train.rows, train.labels, spec, threads, ctx.progress, checked, train.groups, onto)
    except ValueError as error:
        raise _refusal(ctx, str(error)) from error


def _enough(ctx: Context, train: Labelled, test: Labelled) -> None:
    wanted = ctx.settings.train.min_rows
    if len(train) < wanted:
        raise _refusal(ctx, f"{len(train)} labelled training rows, and train.min_rows asks for {wanted}")
    if not len(test):
        raise _refusal(ctx, "no labelled test rows; raise gold.split.test, or bring more rows")


def _refusal(ctx: Context, fault: str) -> DataError:
    project, label = ctx.settings.project, ctx.settings.label
    return DataError(
        f"train: {fault} (table {project}.gold, label {label!r})",
        hint=f'lakehouse-nlp sql "select purpose, split, label, count(*) from {project}.gold group by all"',
    )


def _note(made: Version, metrics: dict[str, Any], champion: Version | None, why: str) -> str:
    """One line: what the candidate and the linear baseline reach on the test rows, and what it began from."""
    name = "accuracy" if metrics["classes"] else "rmse"
    test, linear = metrics["test"], metrics["baselines"]["linear"]
    began = f"; goes on from {champion}" if champion else f"; trained anew: {why}" if why else ""
    says = f"candidate {made}: {name} {test[name]:.4f} on {test['rows']:,} test rows, linear {linear[name]:.4f}"
    return says + began


def _versions(ctx: Context, table: str, version: int | None) -> dict[str, int]:
    """The table at this version and all that it was made of: table -> version, by the stamps of the commits."""
    if version is None:
        return {}
    stamp, found = ctx.tables.log(table).stamped(version), {table: version}
    for source, at in (stamp.upto if stamp else {}).items():
        found |= _versions(ctx, source, at)
    return found


def _nlp_hash(ctx: Context) -> str:
    query = f"SELECT any_value(nlp_hash) AS h FROM {ctx.settings.project}.gold"
    return str(duck.rows(ctx.root, query, only=[f"{ctx.settings.project}.gold"])[0]["h"])
