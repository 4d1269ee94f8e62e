"""Recipes: hashes of the settings that a table or model depends on. A new recipe means: make it anew."""

from __future__ import annotations

import hashlib
import json
from functools import reduce

from lakehouse_nlp.core.settings import Settings

SILVER = ("columns", "key", "newest_by", "text", "label", "checks", "silver")
GOLD = (*SILVER, "gold", "features.numeric", "features.categorical")
TRAIN = (*GOLD, "features", "train")


def recipe(settings: Settings, parts: tuple[str, ...]) -> str:
    """16 hex digits over the named parts of the settings (`section` or `section.key`)."""
    values = settings.model_dump(mode="json")
    chosen = {part: reduce(lambda value, key: value[key], part.split("."), values) for part in parts}
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:16]
