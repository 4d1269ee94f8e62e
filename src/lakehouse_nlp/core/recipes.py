"""Recipes: the settings that a table or model depends on, by their hash. A new recipe means: make it anew."""

from __future__ import annotations

from lakehouse_nlp.core.settings import Settings, settings_hash
from lakehouse_nlp.core.settings.learning import Train

SILVER = ("columns", "nulls", "key", "newest_by", "text", "label", "checks", "silver")
MADE = ("features.lookups", "features.dates", "features.derived", "train.slices")
GOLD = (*SILVER, "gold", "features.numeric", "features.categorical", *MADE)
# When to train again says nothing about what is learnt.
TRAIN = (*GOLD, "features", *(f"train.{name}" for name in Train.model_fields if name != "retrain"))


def recipe(settings: Settings, parts: tuple[str, ...]) -> str:
    """16 hex digits over the named parts of the settings."""
    return settings_hash(settings, *parts)
