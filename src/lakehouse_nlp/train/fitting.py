"""The model of its material: fitted as the settings stand, or by the best parameters of a search."""

from __future__ import annotations

import numpy as np

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.model.booster import Learners, here
from lakehouse_nlp.model.rows import Spec
from lakehouse_nlp.model.stacked import StackedModel, fit
from lakehouse_nlp.model.task import Task
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.candidates import Candidates
from lakehouse_nlp.train.engines import READ, cores
from lakehouse_nlp.train.material import Material, refusal
from lakehouse_nlp.train.search import Found, applied, found_before, rounds, search
from lakehouse_nlp.train.study import Params


def modelled(ctx: Context, settings: Settings, material: Material, onto: StackedModel | None = None) -> StackedModel:
    """The model of these rows; the settings are those that they were gathered by, parameters aside."""
    spec = material.spec_of(settings)
    model = fitted(ctx, material.train, material.validation, material.test, spec, onto, material.learner)
    model.features.terms = material.source.names(model.features.selected.tolist(), READ)
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
        known, threads = _known(material.validation, task), cores()
        metric = asked.metric_of(not task.classes, ctx.settings.register.metric)

        def spec_of(params: Params) -> Spec:
            return material.spec_of(applied(ctx.settings, params))

        candidates = Candidates(material.train, known, spec_of, metric, threads, material.learner)
        return search(ctx, asked, candidates, version)
    except ValueError as error:
        raise refusal(ctx, str(error)) from error


def fitted(
    ctx: Context,
    train: Labelled,
    validation: Labelled,
    test: Labelled,
    spec: Spec,
    onto: StackedModel | None = None,
    learner: Learners = here,
) -> StackedModel:
    """The model; raises DataError where labels and settings do not fit, or a class is in the test rows only."""
    try:
        known = _known(validation, _task(train, test, spec))
        checked, tell = (known.rows, known.labels), rounds(ctx, lambda: "round")
        return fit(train.rows, train.labels, spec, cores(), tell, checked, train.groups, onto, learner)
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
    known = np.isin(validation.labels.astype(str), task.classes) if task.classes else np.ones(len(validation), bool)
    return validation if known.all() else validation.take(known)
