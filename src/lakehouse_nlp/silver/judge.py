"""Every row of bronze with its typed values, its normalised text, and the reasons that stand against it: one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.checks import Referential, TableRule
from lakehouse_nlp.silver.figures import Summary, summary
from lakehouse_nlp.silver.mask import counted, hidden, kinds, masked
from lakehouse_nlp.silver.rules import BARE, QUOTED, TYPED, Rule, known, row_rules, rules
from lakehouse_nlp.silver.text import normalised
from lakehouse_nlp.silver.values import present, value

# Gives the rows of the table that a check looks into.
Lookup = Callable[[Referential], DataFrame]


@dataclass(frozen=True)
class Counts:
    """What one pass counted: rows read and set aside, distinct keys among the valid rows.

    `broken`: rule -> rows that broke it; `missing`: column -> valid rows without a value; `given`: column -> rows that
    could be split and have a value, for the columns that rules look at; `sums`: rule over the step -> its sums.
    """

    read: int
    quarantined: int
    keys: int
    broken: dict[str, int]
    missing: dict[str, int]
    given: dict[str, int]
    sums: dict[str, dict[str, Any]]

    @property
    def valid(self) -> int:
        """Rows that no quarantine rule stands against."""
        return self.read - self.quarantined


def judged(
    bronze: DataFrame, settings: Settings, lookup: Lookup | None = None, found_in_files: Sequence[str] = ()
) -> tuple[DataFrame, list[Rule]]:
    """Bronze as `_typed_<column>`, `_key` and `_reasons` (of all rules that set rows aside), and the rules.

    `_broken` holds a boolean a rule, in the rules' order; `_raw` is the row as it came, if a reason stands against it,
    but for what the project masks. `lookup`: gives the rows of the table that a referential check looks into, needed
    where there is one. `found_in_files`: columns that bronze took up undeclared; they stay text.
    """
    frame = normalised(typed(bronze, settings), [TYPED + name for name in settings.text], settings.silver)
    frame = _masked(frame, settings, found_in_files)
    looked_up = [check for check in row_rules(settings) if isinstance(check, Referential)]
    for check in looked_up:
        frame = _looked_up(frame, check, lookup)
    columns = {name: F.col(f"`{TYPED}{name}`") for name in settings.columns}
    quoted = {name: F.col(f"`{QUOTED}{name}`") for name in _quoted(settings)}
    found = [*rules(settings, columns, quoted), *counted(settings.silver.mask)]
    against = [rule.reason(F.col("_broken")[place]) for place, rule in enumerate(found) if rule.sets_aside]
    fields = F.to_json(F.struct(*(F.col(f"`{name}`") for name in (*settings.columns, *found_in_files)), "_rescued"))
    rows = (
        frame.withColumn("_key", _key([columns[name].cast("string") for name in settings.key]))
        .withColumn("_broken", F.array(*(rule.broken for rule in found)))
        .withColumn("_reasons", F.filter(F.array(*against), lambda reason: reason.isNotNull()))
        .withColumn("_raw", F.when(F.size("_reasons") > 0, F.coalesce("_corrupt", fields)))
        .drop(*settings.columns, *(BARE + name for name in settings.columns), *map(known, looked_up))
        .drop("_rescued", "_corrupt", "_fault")
    )
    return hidden(rows, ["_raw"], settings.silver.mask), found


def _key(parts: Sequence[Column]) -> Column:
    return parts[0] if len(parts) == 1 else F.to_json(F.array(*parts))


def typed(bronze: DataFrame, settings: Settings) -> DataFrame:
    """Bronze with `_bare_<column>`, the text without blanks or null, and `_typed_<column>`, its value.

    Two projections: in one, Spark would trim a text again at every place that looks at it.
    """
    bare = {BARE + name: present(F.col(f"`{name}`"), settings.nulls_of(name)) for name in settings.columns}
    values = {
        TYPED + name: value(F.col(f"`{name}`"), F.col(f"`{BARE}{name}`"), column)
        for name, column in settings.columns.items()
    }
    return bronze.withColumns(bare).withColumns(values)


def _quoted(settings: Settings) -> list[str]:
    """The columns that messages of checks quote and silver does not mask, where the project masks anything."""
    if not kinds(settings.silver.mask):
        return []
    asked = dict.fromkeys(check.column for check in row_rules(settings) if check.rule != "sql")
    return [name for name in asked if name not in settings.masked]


def _masked(rows: DataFrame, settings: Settings, found_in_files: Sequence[str]) -> DataFrame:
    """The rows with what silver gets and all that messages quote masked: as a whole, before messages cut it short."""
    quoted = {QUOTED + name: F.col(f"`{TYPED}{name}`").cast("string") for name in _quoted(settings)}
    untyped = [name for name, column in settings.columns.items() if column.type != "string"]
    beside = [*untyped, *found_in_files, *quoted, "_corrupt", "_fault"]
    return masked(rows.withColumns(quoted), [TYPED + name for name in settings.masked], beside, settings.silver.mask)


def _looked_up(rows: DataFrame, check: Referential, lookup: Lookup | None) -> DataFrame:
    """The rows with the value that the table has, or null. Spark sends a small table to every task, by its own rule."""
    if lookup is None:
        raise ValueError(f"{check.known_as} needs the rows of {check.table}")
    name = known(check)
    values = lookup(check).select(F.col(f"`{check.of}`").alias(name)).where(F.col(name).isNotNull()).distinct()
    return rows.join(values, F.col(f"`{TYPED}{check.column}`") == F.col(name), "left")


def summaries(settings: Settings) -> list[tuple[TableRule, Summary]]:
    """The rules over all valid rows of a step, with what each sums up."""
    columns = {name: F.col(f"`{TYPED}{name}`") for name in settings.columns}
    asked = [check for check in settings.checks if isinstance(check, get_args(TableRule))]
    return [(check, summary(check, columns, F.size("_reasons") == 0, F.col("_key"))) for check in asked]


def count(rows: DataFrame, found: list[Rule], settings: Settings) -> Counts:
    """Counts everything that the step decides on, reports and is held to, in one aggregation."""
    valid = F.size("_reasons") == 0
    values = {name: F.col(f"`{TYPED}{name}`") for name in settings.columns}
    groups = {
        "broken": {rule.name: _rows(F.col("_broken")[place]) for place, rule in enumerate(found)},
        "missing": {name: _rows(valid & column.isNull()) for name, column in values.items()},
        "given": {name: F.count(values[name]) for name in sorted({rule.of for rule in found if rule.of})},
        "sums": {c.known_as: _struct(summary.sums) for c, summary in summaries(settings) if summary.sums},
    }
    totals = {
        "read": F.count(F.lit(1)),
        "quarantined": _rows(~valid),
        "keys": F.countDistinct(F.when(valid, F.col("_key"))),
    }
    totals |= {name: _struct(group) for name, group in groups.items() if group}
    row: Any = rows.agg(*(column.alias(name) for name, column in totals.items())).first()
    return Counts(**{**{name: {} for name in groups}, **row.asDict(recursive=True)})


def _rows(condition: Column) -> Column:
    return F.count(F.when(condition, 1))


def _struct(columns: Mapping[str, Column]) -> Column:
    return F.struct(*(column.alias(name) for name, column in columns.items()))


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
        F.transform("_reasons", lambda reason: _of_run(reason, run_id)).alias("reasons"),
        F.lit("open").alias("state"),
        "_purpose", "_file", "_file_hash", "_line", "_row", "_batch",
        F.lit(run_id).alias("run_id"),
        F.current_timestamp().alias("first_seen"),
        F.current_timestamp().alias("last_seen"),
        F.lit(None).cast("timestamp").alias("released_at"),
        F.lit(None).cast("string").alias("released_by"),
    )  # fmt: skip


def _of_run(reason: Column, run_id: str) -> Column:
    fields = {name: reason[name] for name in ("rule", "message", "fingerprint")}
    return _struct({"rule": fields["rule"], "message": fields["message"], "run_id": F.lit(run_id), **fields})
