"""What a model is made of: the specification that the settings ask for, and the labelled rows of gold by split."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.model.booster import Learners, here
from lakehouse_nlp.model.rows import Spec
from lakehouse_nlp.model.stacked import StackedModel
from lakehouse_nlp.train import blocks, warm
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.engines import Choice, choose, opened
from lakehouse_nlp.train.source import GOLD, Source
from lakehouse_nlp.train.vectors import vectors

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SIGNS = {"increasing": 1, "decreasing": -1}


@dataclass(frozen=True)
class Material:
    """The labelled rows of each split, the source and the engine that hold them, and who makes boosters of them."""

    source: Source
    engine: Choice
    train: Labelled
    validation: Labelled
    test: Labelled
    learner: Learners = here

    @property
    def spec(self) -> Spec:
        """What the rows were read by."""
        return self.source.spec

    def spec_of(self, settings: Settings) -> Spec:
        """The specification of other parameters, on the terms that were counted and the vectors that were made."""
        spec, there = specification(settings), self.spec
        return replace(spec, buckets=there.buckets, vocabulary=there.vocabulary, vectors=there.vectors)


@contextmanager
def gathered(
    ctx: Context, settings: Settings, version: int | None, onto: StackedModel | None = None
) -> Iterator[Material]:
    """What gold as of a version has for a model, held by the engine until it is left; `onto`: a model whose terms and
    vectors are kept.

    Raises DataError where that is too little.
    """
    at = None if version is None else ctx.tables.log(GOLD).alike(version)
    plain = Source(ctx, at, specification(settings), settings.train.slices, settings.gold.split.by)
    spec = warm.kept(plain.spec, onto) if onto else with_text(ctx, settings, lambda: plain.frame("train"))
    source = replace(plain, spec=spec)
    choice = choose(settings, source)
    with opened(choice, source, settings.train) as engine:
        train, validation, test = (engine.part(split) for split in ("train", "validation", "test"))
        _enough(ctx, train, test)
        yield Material(source, choice, train, validation, test, engine.learner)


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


def with_text(ctx: Context, settings: Settings, gold: Callable[[], DataFrame]) -> Spec:
    """The specification with what the settings ask to be learnt from training rows before the model: the commonest
    terms, and vectors; `gold` gives the rows, and is asked only for these. Raises DataError, UsageError.
    """
    text, spec = settings.features.text, specification(settings)
    if spec.buckets and text.terms == "vocabulary":
        words = blocks.vocabulary(gold(), spec, text.buckets, text.min_rows)
        spec = replace(spec, vocabulary=words, buckets=len(words))
    if settings.text and text.vectors:
        ctx.say(f"train: {text.vectors.kind} vectors of the text")
        spec = replace(spec, vectors=vectors(text.vectors, gold, ctx.home))
    return spec


def refusal(ctx: Context, fault: str) -> DataError:
    """The fault, with the table and the label that it is about."""
    project, label = ctx.settings.project, ctx.settings.label
    return DataError(
        f"train: {fault} (table {project}.gold, label {label!r})",
        hint=f'lakehouse-nlp sql "select purpose, split, label, count(*) from {project}.gold group by all"',
    )


def _enough(ctx: Context, train: Labelled, test: Labelled) -> None:
    wanted = ctx.settings.train.min_rows
    if len(train) < wanted:
        raise refusal(ctx, f"{len(train)} labelled training rows, and train.min_rows asks for {wanted}")
    if not len(test):
        raise refusal(ctx, "no labelled test rows; raise gold.split.test, or bring more rows")
