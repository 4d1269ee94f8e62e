"""The model of its material: fitted as the settings stand, or by the best parameters of a search."""

from __future__ import annotations

import os

import numpy as np

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.model.rows import Spec
from lakehouse_nlp.model.stacked import StackedModel, fit
from lakehouse_nlp.model.task import Task
from lakehouse_nlp.train import blocks
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.candidates import Candidates
from lakehouse_nlp.train.material import Material, gathered, refusal
from lakehouse_nlp.train.search import Found, applied, found_before, rounds, search
from lakehouse_nlp.train.study import Params


def learnt(
    ctx: Context, settings: Settings, version: int | None, onto: StackedModel | None = None
) -> tuple[StackedModel, Material]:
    """The model of gold as of a version, and what it was made of; `onto`: as in `fit`. Raises DataError."""
    material = gathered(ctx, settings, version, onto)
    return modelled(ctx, settings, material, onto), material


def modelled(ctx: Context, settings: Settings, material: Material, onto: StackedModel | None = None) -> StackedModel:
    """The model of these rows; the settings are those that they were gathered by, parameters aside."""
    spec = material.spec_of(settings)
    model = fitted(ctx, material.train, material.validation, material.test, spec, onto)
    model.features.terms = blocks.names(material.gold, spec, model.features.selected.tolist())
    return model


def searched(ctx: Context, material: Material, version: int | None) -> Found | None:
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
            return material.spec_of(applied(ctx.settings, params))

        return search(ctx, asked, Candidates(material.train, known, spec_of, metric, threads), version)
    except ValueError as error:
        raise refusal(ctx, str(error)) from error


def fitted(
    ctx: Context, train: Labelled, validation: Labelled, test: Labelled, spec: Spec, onto: StackedModel | None = None
) -> StackedModel:
    """The model; raises DataError where labels and settings do not fit, or a class is in the test rows only."""
    try:
        known = _known(validation, _task(train, test, spec))
        checked, threads = (known.rows, known.labels), os.cpu_count() or 1
        tell = rounds(ctx, lambda: "round")
        return fit(train.rows, train.labels, spec, threads, tell, checked, train.groups, onto)
    except ValueError as error:
        raise refusal(ctx, str(error)) from error


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
