"""The rows of gold whose time is in `score.window`, by the times that silver has of them."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context

INGESTED = "_ingested_at"


def in_window(ctx: Context, gold: DataFrame) -> DataFrame:
    """Rows of gold whose time, a declared column or when they were taken in, is from `since` on and before `until`.

    Gold keeps the columns that models read, and silver all; a row without the time is in no window.
    """
    window = ctx.settings.score.window
    if not window:
        return gold
    by = window.by or INGESTED
    kind = ctx.settings.columns[by].type if window.by else "timestamp"

    def at(time: datetime) -> Column:
        return F.lit(time.isoformat(sep=" ")).cast(kind)  # text in the session's zone, UTC; a cast column skips no file

    time = F.col(f"`{by}`")
    bounds = [time >= at(window.since)] if window.since else []
    bounds += [time < at(window.until)] if window.until else []
    silver = ctx.tables.read("silver")
    for bound in bounds:
        silver = silver.where(bound)
    return gold.join(silver.select(F.col("_key").alias("key")), "key", "left_semi")
