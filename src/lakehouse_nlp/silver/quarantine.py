"""The rows set aside: open while a reason stands against them, released once they pass; first and last time are kept.

Every write here may run twice: a row is known by file, purpose, batch and place, and is there once.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.silver import judge
from lakehouse_nlp.silver.mask import hidden

TABLE = "quarantine"
ROW = ("_file_hash", "_purpose", "_batch", "_row")
CHANGED = "(old.state <> new.state OR old.raw <> new.raw OR old.reasons <> new.reasons)"


def set_aside(ctx: Context, rows: DataFrame, upto: Mapping[str, int] | None = None) -> dict[str, int]:
    """Opens every judged row that reasons stand against; one that was here before keeps when it was first seen.

    Returns Delta's numbers of the commit.
    """
    kept = ("first_seen", "released_at", "released_by")
    known = ctx.tables.read(TABLE).select(*ROW, *(F.col(name).alias(f"_{name}") for name in kept))
    bad = judge.quarantine_rows(rows, ctx.run_id).join(known, list(ROW), "left")
    bad = bad.withColumns({name: F.coalesce(f"_{name}", name) for name in kept}).drop(*(f"_{name}" for name in kept))
    return ctx.tables.merge_once(TABLE, bad, on=ROW, upto=upto)


def release(ctx: Context, rows: DataFrame) -> None:
    """Marks those of the rows set aside that pass now; what the project has come to mask is masked in them too."""
    if not ctx.tables.log(TABLE).rows():
        return
    known, mask = ctx.tables.read(TABLE), ctx.settings.silver.mask
    passed = rows.where(F.size("_reasons") == 0).select(*ROW).join(F.broadcast(known), list(ROW))
    said = passed.select("*", F.to_json("reasons").alias("_said"))
    shown = hidden(said, ["raw", "_said"], mask).withColumn(
        "reasons", F.from_json("_said", known.schema["reasons"].dataType.simpleString())
    )
    now = F.when(F.col("state") == "open", F.current_timestamp()).otherwise(F.col("released_at"))
    by = F.when(F.col("state") == "open", F.lit(ctx.run_id)).otherwise(F.col("released_by"))
    done = shown.drop("_said").withColumns({"released_at": now, "released_by": by})
    ctx.tables.merge_once(TABLE, done.withColumn("state", F.lit("released")), on=ROW, changed=CHANGED)


def open_rows(ctx: Context, where: str | None = None) -> DataFrame:
    """The open rows for which the SQL condition holds: columns of the table, and of the view `rejected_rows`."""
    first = F.col("reasons")[0]
    view = {"file": F.col("_file"), "line": F.col("_line"), "row_in_file": F.col("_row"), "batch": F.col("_batch")}
    rows = ctx.tables.read(TABLE).where("state = 'open'")
    rows = rows.withColumns({**view, "rule": first["rule"], "message": first["message"]})
    return rows.where(where) if where else rows
