"""The train stage: the stacked model on gold as of one version, its figures beside those of two baselines."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.registry import Registry, Version
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.model.rows import Spec
from lakehouse_nlp.model.stacked import StackedModel, fit
from lakehouse_nlp.model.stored import booster_hash
from lakehouse_nlp.model.task import Task
from lakehouse_nlp.train import blocks
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.candidates import Candidates
from lakehouse_nlp.train.evaluation import figures, named_leaks
from lakehouse_nlp.train.search import FOUND, Found, applied, found_before, rounds, search
from lakehouse_nlp.train.study import Params
from lakehouse_nlp.train.vectors import model_recipe, vectors

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SOURCE = "gold"
SIGNS = {"increasing": 1, "decreasing": -1}


def due(ctx: Context) -> str | None:
    """No model of this recipe yet, or enough new labelled rows since the last one."""
    if not ctx.tables.log(SOURCE).rows():
        return None
    newest = Registry(ctx).newest()
    if newest is None:
        return "no model yet"
    if newest.tags["recipe"] != model_recipe(ctx.settings, ctx.home):
        return f"settings changed since version {newest.number}"
    if newest.tags["nlp_hash"] != _nlp_hash(ctx):
        return f"version {newest.number} was trained on tokens of another pipeline"
    before, now = int(newest.tags["train_rows"]), _labelled(ctx)
    if now > before * (1 + ctx.settings.train.retrain_share):
        return f"{now - before:,} labelled rows came to the {before:,} that version {newest.number} was trained on"
    return None


def run(ctx: Context) -> StepResult:
    """Trains a candidate and registers it as a version. Raises DataError where there is too little to learn from."""
    version = ctx.tables.log(SOURCE).changed()
    material = gathered(ctx, ctx.settings, version)
    found = _searched(ctx, material, version)
    settings = applied(ctx.settings, found.params) if found else ctx.settings
    model = modelled(ctx, settings, material)
    train, validation, test = material.train, material.validation, material.test
    metrics = figures(model, train, validation, test)
    metrics["leaks"] = [*named_leaks(settings), *metrics["leaks"]]
    if found:
        metrics["search"] = found.figures
    from lakehouse_nlp.train.log import log

    tags = {
        "recipe": model_recipe(ctx.settings, ctx.home),
        "gold_version": str(version),
        "train_rows": str(len(train)),
        "nlp_hash": _nlp_hash(ctx),
        "booster_hash": booster_hash(model),
        **({FOUND: found.tag} if found else {}),
    }
    made = log(ctx, model, metrics, tags, test, settings, found.run_id if found else None)
    read = len(train) + len(validation) + len(test)
    return StepResult(read=read, written=1, versions={SOURCE: version or 0}, note=_note(made, metrics))


@dataclass(frozen=True)
class Material:
    """What a model is made of: gold's training rows, the specification, and the labelled rows of each split."""

    gold: DataFrame
    spec: Spec
    train: Labelled
    validation: Labelled
    test: Labelled


def learnt(ctx: Context, settings: Settings, version: int | None) -> tuple[StackedModel, Material]:
    """The model of gold as of a version, and what it was made of. Raises DataError."""
    material = gathered(ctx, settings, version)
    return modelled(ctx, settings, material), material


def gathered(ctx: Context, settings: Settings, version: int | None) -> Material:
    """What gold as of a version has for a model. Raises DataError where that is too little."""
    gold = ctx.tables.read(SOURCE, version).where("label IS NOT NULL")
    train_gold = gold.where("split = 'train'")
    spec = with_text(ctx, settings, train_gold)
    data = blocks.collect(gold, spec, settings.train.slices)
    train, validation, test = (data.part(split) for split in ("train", "validation", "test"))
    _enough(ctx, train, test)
    return Material(train_gold, spec, train, validation, test)


def modelled(ctx: Context, settings: Settings, material: Material) -> StackedModel:
    """The model of these rows; the settings are those that they were gathered by, parameters aside."""
    spec = _spec(settings, material)
    model = _fitted(ctx, material.train, material.validation, material.test, spec)
    model.features.terms = blocks.names(material.gold, spec, model.features.selected.tolist())
    return model


def _spec(settings: Settings, material: Material) -> Spec:
    """The specification of other parameters, on the terms that were counted and the vectors that were made."""
    there = material.spec
    return replace(specification(settings), buckets=there.buckets, vocabulary=there.vocabulary, vectors=there.vectors)


def _searched(ctx: Context, material: Material, version: int | None) -> Found | None:
    """The parameters to train with, where the settings ask for a search. Raises DataError."""
    asked = ctx.settings.train.search
    if asked is None:
        return None
    if before := found_before(ctx):
        return before
    try:
        task = _task(material.train, material.test, material.spec)
        known, threads = _known(material.validation, task), os.cpu_count() or 1
        metric = asked.metric_of(not task.classes, ctx.settings.register.metric)

        def spec_of(params: Params) -> Spec:
            return _spec(applied(ctx.settings, params), material)

        return search(ctx, asked, Candidates(material.train, known, spec_of, metric, threads), version)
    except ValueError as error:
        raise _refusal(ctx, str(error)) from error


def specification(settings: Settings) -> Spec:
    """What the model is made of, from the settings; what is learnt from the text first is still to come."""
    features, train = settings.features, settings.train
    text, booster = features.text, train.booster.model_dump()
    rounds = booster.pop("rounds")
    counted = settings.text and text.terms != "none"
    return Spec(
        buckets=text.buckets if counted else 0, ngrams=text.ngrams, sublinear=text.sublinear, select=text.select,
        numeric=features.numbers, categorical=features.categorical, encode=features.encode,
        linear_c=train.linear_c, folds=train.folds, seed=train.seed, rounds=rounds, booster=booster,
        objective=train.objective, class_weights=train.class_weights, early_stopping=train.early_stopping or 0,
        monotone={name: SIGNS[way] for name, way in train.monotone.items()},
        calibration=train.calibration, threshold=train.threshold or "",
    )  # fmt: skip


def with_text(ctx: Context, settings: Settings, gold: DataFrame) -> Spec:
    """The specification with what the settings ask to be learnt from these training rows before the model: the
    commonest terms, and vectors. Raises DataError, UsageError.
    """
    text, spec = settings.features.text, specification(settings)
    if spec.buckets and text.terms == "vocabulary":
        words = blocks.vocabulary(gold, spec, text.buckets, text.min_rows)
        spec = replace(spec, vocabulary=words, buckets=len(words))
    if settings.text and text.vectors:
        ctx.say(f"train: {text.vectors.kind} vectors of the text")
        spec = replace(spec, vectors=vectors(text.vectors, gold, ctx.home))
    return spec


def _fitted(ctx: Context, train: Labelled, validation: Labelled, test: Labelled, spec: Spec) -> StackedModel:
    """The model; raises DataError where labels and settings do not fit, or a class is in the test rows only."""
    try:
        known = _known(validation, _task(train, test, spec))
        checked, threads = (known.rows, known.labels), os.cpu_count() or 1
        return fit(train.rows, train.labels, spec, threads, rounds(ctx, lambda: "round"), checked)
    except ValueError as error:
        raise _refusal(ctx, str(error)) from error


def _task(train: Labelled, test: Labelled, spec: Spec) -> Task:
    """What is to be learnt. Raises ValueError where labels and settings do not fit."""
    task = Task.of(train.labels, spec.objective, spec.class_weights)
    if unseen := sorted(set(test.labels) - set(task.classes)) if task.classes else []:
        rest = "occur in the test split only; bring more rows, or change gold.split.seed"
        raise ValueError(f"{', '.join(unseen)} {rest}")
    return task


def _known(validation: Labelled, task: Task) -> Labelled:
    """The validation rows, but those of a class that training does not know: they have nothing to say about models."""
    return validation.take(np.isin(validation.labels.astype(str), task.classes)) if task.classes else validation


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


def _note(made: Version, metrics: dict[str, Any]) -> str:
    """One line: what the candidate and the linear baseline reach on the test rows."""
    name = "accuracy" if metrics["classes"] else "rmse"
    test, linear = metrics["test"], metrics["baselines"]["linear"]
    says = f"candidate {made}: {name} {test[name]:.4f} on {test['rows']:,} test rows, linear {linear[name]:.4f}"
    if not (found := metrics.get("search")):
        return says
    gain = f"validation {found['metric']} {found['before']:.4f}, with what was found {found['best']:.4f}"
    return f"{says}; {found['trials']} trials: {gain}"


def _labelled(ctx: Context) -> int:
    query = f"SELECT count(*) AS n FROM {ctx.settings.project}.gold WHERE split = 'train' AND label IS NOT NULL"
    return int(duck.rows(ctx.root, query, only=[f"{ctx.settings.project}.gold"])[0]["n"])


def _nlp_hash(ctx: Context) -> str:
    query = f"SELECT any_value(nlp_hash) AS h FROM {ctx.settings.project}.gold"
    return str(duck.rows(ctx.root, query, only=[f"{ctx.settings.project}.gold"])[0]["h"])
