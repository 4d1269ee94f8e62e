"""The rows of gold whose time is in `score.window`, by the times that silver has of them."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError

INGESTED = "_ingested_at"


def in_window(ctx: Context, gold: DataFrame) -> DataFrame:
    """Rows of gold whose time, a declared column or when they were taken in, is from `since` on and before `until`.

    Gold keeps the columns that models read, and silver all; a row without the time is in no window.
    """
    window = ctx.settings.score.window
    if not window:
        return gold
    by, kind = window.by or INGESTED, _kind(ctx)

    def at(bound: datetime) -> Column:
        """Text in the session's zone, UTC, made a time: a cast column would skip no file."""
        return F.lit(bound.isoformat(sep=" ")).cast(kind)

    when = F.col(f"`{by}`")
    bounds = [when >= at(window.since)] if window.since else []
    bounds += [when < at(window.until)] if window.until else []
    silver = ctx.tables.read("silver")
    for bound in bounds:
        silver = silver.where(bound)
    return gold.join(silver.select(F.col("_key").alias("key")), "key", "left_semi")


def judged(ctx: Context) -> None:
    """Raises UsageError where a bound has a time of day, and the column has none: it would be cut off in silence."""
    window = ctx.settings.score.window
    for name, bound in (("since", window.since), ("until", window.until)):
        if bound and bound.time() != time() and _kind(ctx) == "date":
            raise UsageError(
                f"score: --{name} {bound.isoformat()} has a time of day, and {window.by} is a column of whole days",
                hint=f"--{name} {bound.date()} or {bound.date() + timedelta(days=1)}; or --by a timestamp column",
            )


def _kind(ctx: Context) -> str:
    by = ctx.settings.score.window.by
    return ctx.settings.columns[by].type if by else "timestamp"
