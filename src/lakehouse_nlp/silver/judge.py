"""Every row of bronze with its typed values, its normalised text, and the reasons that stand against it: one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.silver.mask import counted, hidden, masked
from lakehouse_nlp.silver.rules import TYPED, Rule, rules, value
from lakehouse_nlp.silver.text import normalised


@dataclass(frozen=True)
class Counts:
    """What one pass counted: rows read and set aside, distinct keys among the valid rows.

    `broken`: rule -> rows that broke it; `missing`: column -> valid rows without a value.
    """

    read: int
    quarantined: int
    keys: int
    broken: dict[str, int]
    missing: dict[str, int]

    @property
    def valid(self) -> int:
        """Rows that no quarantine rule stands against."""
        return self.read - self.quarantined


def judged(bronze: DataFrame, settings: Settings, found_in_files: Sequence[str] = ()) -> tuple[DataFrame, list[Rule]]:
    """Bronze as `_typed_<column>`, `_key` and `_reasons` (of all rules but warnings and masks), and the rules.

    `_broken` holds a boolean a rule, in the rules' order; `_raw` is the row as it came, if a reason stands against it,
    but for what the project masks. `found_in_files`: columns that bronze took up undeclared; they stay text.
    """
    typed = {name: value(F.col(f"`{name}`"), c.type, c.format) for name, c in settings.columns.items()}
    frame = bronze.select("*", *(column.alias(TYPED + name) for name, column in typed.items()))
    frame = normalised(frame, [TYPED + name for name in settings.text], settings.silver)
    mask, quoted = settings.silver.mask, [name for name, c in settings.columns.items() if c.type != "string"]
    # What messages quote is masked as a whole, before they cut it short.
    frame = masked(
        frame, [TYPED + name for name in settings.masked], [*quoted, *found_in_files, "_corrupt", "_fault"], mask
    )
    columns: dict[str, Column] = {name: F.col(f"`{TYPED}{name}`") for name in typed}
    found = [*rules(settings, columns), *counted(mask)]
    against = [rule.reason for rule in found if rule.action not in ("warn", "mask")]
    parts = [columns[name].cast("string") for name in settings.key]
    key = parts[0] if len(parts) == 1 else F.to_json(F.array(*parts))
    fields = F.to_json(F.struct(*(F.col(f"`{name}`") for name in (*settings.columns, *found_in_files)), "_rescued"))
    rows = (
        frame.withColumn("_key", key)
        .withColumn("_reasons", F.filter(F.array(*against), lambda reason: reason.isNotNull()))
        .withColumn("_broken", F.array(*(rule.broken for rule in found)))
        .withColumn("_raw", F.when(F.size("_reasons") > 0, F.coalesce("_corrupt", fields)))
        .drop(*settings.columns, "_rescued", "_corrupt")
    )
    return hidden(rows, ["_raw"], mask), found


def count(rows: DataFrame, found: list[Rule], settings: Settings) -> Counts:
    """Counts everything that the step decides on, reports and is held to, in one aggregation."""
    valid = F.size("_reasons") == 0
    sums: list[Column] = [
        F.count(F.lit(1)).alias("read"),
        F.count(F.when(~valid, 1)).alias("quarantined"),
        F.countDistinct(F.when(valid, F.col("_key"))).alias("keys"),
    ]
    sums += [F.count(F.when(F.col("_broken")[place], 1)).alias(f"b{place}") for place in range(len(found))]
    columns = list(settings.columns)
    sums += [
        F.count(F.when(valid & F.col(f"`{TYPED}{name}`").isNull(), 1)).alias(f"m{i}") for i, name in enumerate(columns)
    ]
    row: Any = rows.agg(*sums).first()
    return Counts(
        row["read"], row["quarantined"], row["keys"],
        {rule.name: row[f"b{place}"] for place, rule in enumerate(found)},
        {name: row[f"m{i}"] for i, name in enumerate(columns)},
    )  # fmt: skip


def refuse(counts: Counts, found: list[Rule], rows: DataFrame) -> None:
    """Raises DataError if a rule whose action is `fail` was broken; names the rules and the first rows."""
    failed = [rule for rule in found if rule.action == "fail" and counts.broken[rule.name]]
    if not failed:
        return
    names = {rule.name for rule in failed}
    first = (
        rows.where(F.exists("_reasons", lambda reason: reason["rule"].isin(*names))).select("_file", "_reasons").first()
    )
    example = next(reason["message"] for reason in first["_reasons"] if reason["rule"] in names) if first else ""
    told = "; ".join(f"{rule.name} by {counts.broken[rule.name]:,} of {counts.read:,} rows" for rule in failed)
    raise DataError(
        f"silver: broken with action fail: {told}; first: {example} (file {first['_file'] if first else '?'})",
        hint="mend the data, or give the check another action; bronze holds every row, nothing is lost",
    )


def silver_rows(rows: DataFrame, settings: Settings, found_in_files: Sequence[str] = ()) -> DataFrame:
    """The valid rows as silver has them, the newest of each key; `found_in_files` as in `judged`."""
    from pyspark.sql import Window

    declared = [F.col(f"`{TYPED}{name}`").alias(name) for name in settings.columns]
    declared += [F.col(f"`{name}`") for name in found_in_files]
    slim = rows.where(F.size("_reasons") == 0).select(
        *declared, "_key", "_purpose", "_file", "_row", "_batch", "_ingested_at"
    )
    newest = [F.col(f"`{settings.newest_by}`").desc_nulls_last()] if settings.newest_by else []
    order = Window.partitionBy("_key").orderBy(*newest, F.desc("_batch"), F.desc("_file"), F.desc("_row"))
    label = F.when(F.col("_purpose") == "train", F.expr(settings.label).cast("string"))
    content = [F.col(f"`{name}`") for name in (*settings.columns, *found_in_files, "_label", "_purpose")]
    gaps = F.array(*(column.isNull() for column in content))  # the hash of a null is that of no column at all
    return (
        slim.withColumn("_rank", F.row_number().over(order))
        .where("_rank = 1")
        .drop("_rank")
        .withColumn("_label", label)
        .withColumn("_row_hash", F.xxhash64(*content, gaps))
    )


def quarantine_rows(rows: DataFrame, run_id: str) -> DataFrame:
    """The rows that reasons stand against, as they came, as quarantine has rows that were never there before."""
    return rows.where(F.size("_reasons") > 0).select(
        F.col("_raw").alias("raw"),
        F.col("_reasons").alias("reasons"),
        F.lit("open").alias("state"),
        "_purpose", "_file", "_file_hash", "_line", "_row", "_batch",
        F.lit(run_id).alias("run_id"),
        F.current_timestamp().alias("first_seen"),
        F.current_timestamp().alias("last_seen"),
        F.lit(None).cast("timestamp").alias("released_at"),
        F.lit(None).cast("string").alias("released_by"),
    )  # fmt: skip
