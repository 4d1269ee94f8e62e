"""Columns that gold makes of a silver row: lookups, date parts and derived ones, as Spark expressions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.gold.lookups import read_lookup

if TYPE_CHECKING:
    from pyspark.sql import Column

# Spark SQL functions of the parts whose names differ; weekday counts from 0, Monday.
PARTS = {"week": "weekofyear"}


def carried(settings: Settings) -> dict[str, str]:
    """Columns that gold has for models, for slices of their figures and to keep rows together, and their types;
    declared: as in silver.
    """
    features = settings.features
    declared = {name: column.type for name, column in settings.columns.items()}
    made = {**dict.fromkeys(features.lookups, "string"), **dict.fromkeys(features.date_parts, "int")}
    derived = {name: "double" if name in features.numeric else "string" for name in features.derived}
    types = {**declared, **made, **derived}
    together = [settings.gold.split.by] if settings.gold.split.by else []
    named = [*features.numbers, *features.categorical, *settings.train.slices, *together]
    return {name: types[name] for name in dict.fromkeys(named)}


def with_made(silver: DataFrame, settings: Settings, home: Path) -> DataFrame:
    """Silver with the columns that the settings make: lookups first, for derived ones may read them."""
    features, types = settings.features, carried(settings)
    looked = {name: _looked_up(lookup.by, read_lookup(lookup, home)) for name, lookup in features.lookups.items()}
    parts = {name: F.expr(f"{PARTS.get(part, part)}(`{of}`)") for name, (of, part) in features.date_parts.items()}
    made = {name: F.expr(text).cast(types[name]) for name, text in features.derived.items() if name in types}
    return silver.withColumns(looked).withColumns({**parts, **made}) if features.made else silver


def _looked_up(by: str, table: Mapping[str, str]) -> Column:
    """The description of the column's value; null where the table has none."""
    pairs = [F.lit(part) for pair in table.items() for part in pair]
    return F.try_element_at(F.create_map(*pairs), F.col(f"`{by}`").cast("string"))
