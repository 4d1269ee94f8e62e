"""A copy of a model for those who have no MLflow: `models/vX.Y/` in the project's folder, and `models/current`.

X counts the settings that models were trained by, Y the models of the same settings: v2.3 is the fourth model of the
second recipe.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import Registry, Version

CURRENT = "current"


def named(versions: list[Version]) -> dict[int, str]:
    """Version number -> vX.Y, of all versions that the train stage finished."""
    recipes: dict[str, int] = {}
    often: dict[str, int] = {}
    found = {}
    for version in sorted(versions, key=lambda version: version.number):
        recipe = version.tags["recipe"]
        often[recipe] = often.get(recipe, -1) + 1
        found[version.number] = f"v{recipes.setdefault(recipe, len(recipes) + 1)}.{often[recipe]}"
    return found


def export(ctx: Context, version: Version) -> Path:
    """Copies the version to `models/vX.Y` unless it is there, and makes `models/current` lead to it, in one step.

    A reader of `current` sees the old model or the new one, never a part of either.
    """
    registry, folder = Registry(ctx), ctx.folder / "models"
    place = folder / named(registry.versions())[version.number]
    if not place.exists():
        half = place.with_name(f".{place.name}")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        registry.download(version, half)
        half.rename(place)
    _lead(folder / CURRENT, place.name)
    return place


def _lead(link: Path, target: str) -> None:
    """Makes the link lead to the target in one step; a folder in its place was made by a copy that follows links."""
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    fresh = link.with_name(f".{link.name}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
