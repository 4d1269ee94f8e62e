"""Training that goes on from the champion: its features are kept, and its booster continued (XGBoost's `xgb_model`)."""

from __future__ import annotations

from dataclasses import replace

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.recipes import recipe
from lakehouse_nlp.core.registry import CHAMPION, WARM_FROM, Registry, Version
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.model.rows import Spec
from lakehouse_nlp.model.stacked import StackedModel
from lakehouse_nlp.model.task import Task
from lakehouse_nlp.train.triggers import LEARNT
from lakehouse_nlp.train.vectors import model_recipe

TAG = WARM_FROM
# The settings that features, labels and splits depend on: with another split, rows that were trained on were tested on.
DATA = ("columns", "nulls", "key", "text", "label", "silver", "gold")
FEATURES = (*DATA, "features", "train.objective", "train.monotone")
# A booster of so many times `booster.rounds` is not gone on with: each round costs time and space for good.
MOST = 5


def start(ctx: Context, nlp_hash: str) -> tuple[Version | None, str]:
    """The champion, if a model of today's settings and gold may go on from it; else None, and why not."""
    registry = Registry(ctx)
    champion = registry.alias(CHAMPION)
    if champion is None:
        return None, "there is no champion"
    if champion.tags.get("nlp_hash") != nlp_hash:
        return None, f"{champion} was trained on tokens of another pipeline"
    given = Settings.model_validate_json(registry.text(champion, "settings.json"))
    if changed := [part for part in FEATURES if recipe(given, (part,)) != recipe(ctx.settings, (part,))]:
        return None, f"{champion} was trained with another {', '.join(changed)}"
    if champion.tags["recipe"].partition("/")[2] != model_recipe(ctx.settings, ctx.home).partition("/")[2]:
        return None, f"{champion} was trained with another encoder"
    model = load(ctx, champion)
    then, now = (", ".join(classes) or "numbers" for classes in (model.classes, _classes(ctx)))
    if then != now:
        return None, f"{champion} knows {then}, and now it is {now}"
    rounds, more = model.booster.num_boosted_rounds(), ctx.settings.train.booster.rounds
    if rounds >= MOST * more:
        return None, f"{champion} has {rounds:,} rounds, {MOST} times train.booster.rounds"
    return champion, ""


def load(ctx: Context, version: Version) -> StackedModel:
    """The fitted model of a version."""
    Registry(ctx).client  # noqa: B018  # points MLflow at the project's store
    import mlflow

    model: StackedModel = mlflow.pyfunc.load_model(version.uri).get_raw_model()
    return model


def kept(spec: Spec, model: StackedModel) -> Spec:
    """The specification with the terms that the model knows, and its vectors."""
    return replace(spec, vocabulary=model.spec.vocabulary, buckets=model.spec.buckets, vectors=model.spec.vectors)


def _classes(ctx: Context) -> list[str]:
    """The classes of the training rows of gold, sorted; none where they are numbers."""
    gold = f"{ctx.settings.project}.gold"
    found = duck.rows(ctx.root, f"SELECT DISTINCT label FROM {gold} WHERE {LEARNT} ORDER BY label", only=[gold])
    names = [str(row["label"]) for row in found]
    return [] if Task.are_numbers(names, ctx.settings.train.objective) else names
