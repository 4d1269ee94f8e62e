"""Labels that people gave, over those of the label expression: the newest of a key stands."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.pending import Pending

TABLE = "labels"
GIVEN = "_given"


def relabelled(ctx: Context, found: Pending, silver: int) -> DataFrame:
    """The rows of silver, as of that version, whose keys were given a label in the pending versions."""
    keys = ctx.tables.changes(TABLE, found.since, found.upto).select(F.col("key").alias("_key")).distinct()
    return ctx.tables.read("silver", silver).join(F.broadcast(keys), "_key", "left_semi")


def overridden(ctx: Context, silver: DataFrame, version: int | None) -> DataFrame:
    """Silver with the labels of the table as of a version in the place of its own; None: there are none.

    A row's hash changes with the label that it is given, as it does with all else that it holds.
    """
    if version is None:
        return silver
    newest = F.max(F.struct("recorded_at", F.struct("label").alias(GIVEN)))[GIVEN].alias(GIVEN)
    given = ctx.tables.read(TABLE, version).groupBy(F.col("key").alias("_key")).agg(newest)
    label, there = F.col(GIVEN)["label"], F.col(GIVEN).isNotNull()
    hashed = F.xxhash64("_row_hash", label, label.isNull())
    return silver.join(given, "_key", "left").withColumns(
        {
            "_label": F.when(there, label).otherwise(F.col("_label")),
            "_row_hash": F.when(there, hashed).otherwise(F.col("_row_hash")),
        }
    )
