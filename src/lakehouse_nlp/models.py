"""The versions of a project's model: listed, shown, compared. Read from the registry alone; starts no Spark."""

from __future__ import annotations

from typing import Any

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import CHALLENGER, CHAMPION, PREVIOUS, Registry, Version
from lakehouse_nlp.model.metrics import figure
from lakehouse_nlp.register.export import named

ALIASES = (CHAMPION, PREVIOUS, CHALLENGER)
VERSIONS = ("gold_version", "silver_version", "labels_version", "bronze_version")
ROWS = ("train_rows", "validation_rows", "test_rows")
TAGS = ("recipe", "code", "seed", *VERSIONS, *ROWS, "nlp_hash", "booster_hash", "warm_from")


def listed(ctx: Context) -> list[dict[str, Any]]:
    """Every version, newest first: number, name (vX.Y), aliases, gate, rows it was trained on, the gate's figure."""
    registry, metric = Registry(ctx), ctx.settings.register.metric
    versions = registry.versions()
    names, aliases = named(versions), _aliases(registry)
    return [
        {
            "version": version.number,
            "name": names[version.number],
            "aliases": [alias for alias, number in aliases.items() if number == version.number],
            "gate": version.tags.get("gate"),
            "train_rows": int(version.tags["train_rows"]),
            metric: figure(registry.metrics(version)["test"], metric),
        }
        for version in reversed(versions)
    ]


def shown(ctx: Context, number: int) -> dict[str, Any]:
    """One version: what it was made of, and its figures on the test rows. Raises UsageError where there is none."""
    registry = Registry(ctx)
    version = registry.get(number)
    aliases = [alias for alias, of in _aliases(registry).items() if of == number]
    made = {tag: version.tags.get(tag) for tag in TAGS}
    return {
        "version": number,
        "aliases": aliases,
        "run_id": version.run_id,
        **made,
        "figures": _figures(registry, version),
    }


def compared(ctx: Context, numbers: list[int]) -> dict[str, dict[int, float | None]]:
    """Figure -> version -> value on the version's own test rows. Raises UsageError where there is no such version."""
    registry = Registry(ctx)
    found = {number: _figures(registry, registry.get(number)) for number in numbers}
    names = dict.fromkeys(name for figures in found.values() for name in figures)
    return {name: {number: figures.get(name) for number, figures in found.items()} for name in names}


def _aliases(registry: Registry) -> dict[str, int]:
    found = {alias: registry.alias(alias) for alias in ALIASES}
    return {alias: version.number for alias, version in found.items() if version}


def _figures(registry: Registry, version: Version) -> dict[str, float | None]:
    """The figures of the test rows, those by class as `f1.<class>`."""
    test = registry.metrics(version)["test"]
    plain = {name: value for name, value in test.items() if not isinstance(value, dict)}
    return {**plain, **{f"f1.{name}": value for name, value in test.get("f1", {}).items()}}
