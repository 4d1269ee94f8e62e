"""The gold stage: the text of each new row through the pipeline, its label, what else a model sees; one row a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.dealing import dealt
from lakehouse_nlp.core.pending import Pending, pending
from lakehouse_nlp.core.pending import size as pending_rows
from lakehouse_nlp.core.recipes import GOLD, recipe
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.models import Split
from lakehouse_nlp.core.tables import moved
from lakehouse_nlp.gold import labels
from lakehouse_nlp.gold.columns import carried, with_made
from lakehouse_nlp.gold.lookups import lookups_hash
from lakehouse_nlp.gold.pipeline import TEXT, nlp_hash, tokenised

SOURCE, TARGET = "silver", "gold"


def due(ctx: Context) -> str | None:
    """New versions of silver, new labels, or another pipeline."""
    found = _pending(ctx)
    return "; ".join(dict.fromkeys(map(str, found.values()))) or None


def size(ctx: Context) -> int:
    """About how many rows and labels wait."""
    return pending_rows(ctx, *_pending(ctx).values())


def run(ctx: Context) -> StepResult:
    """Brings the new rows of silver to gold, and those whose labels are new; all of them where the settings that gold
    depends on changed.
    """
    settings, found = ctx.settings, _pending(ctx)
    if not found:
        return StepResult(note="nothing new in silver")
    ctx.sign("gold", _recipe(ctx))
    ctx.tables.ensure(TARGET, carried(settings))
    upto = _positions(ctx, found)
    silver = labels.overridden(ctx, _waiting(ctx, found, upto[SOURCE]), upto.get(labels.TABLE))
    if SOURCE in found and found[SOURCE].since is None:
        rows = gold_rows(ctx, silver, ctx.tables.log(SOURCE).sizes())
        wrote = ctx.tables.replace_window(TARGET, rows, upto=upto)
    else:
        rows = gold_rows(ctx, silver)
        changed = "(new.row_hash <> old.row_hash OR new.nlp_hash <> old.nlp_hash)"
        wrote = ctx.tables.merge_once(TARGET, rows, on=["key"], changed=changed, upto=upto)
    read, written = moved(wrote)
    return StepResult(
        read,
        written,
        0,
        ctx.versions(TARGET),
        f"{written:,} rows tokenised; pipeline {nlp_hash(settings.gold.nlp, ctx.home)}",
    )


def _waiting(ctx: Context, found: Mapping[str, Pending], silver: int) -> DataFrame:
    """The rows of silver that came or changed, and those that were given a label, one row a key."""
    fresh, given = found.get(SOURCE), found.get(labels.TABLE)
    if fresh is None and given is not None:
        return labels.relabelled(ctx, given, silver)
    rows = ctx.tables.changes(SOURCE, fresh.since if fresh else None, silver, key=["_key"])
    if given is None or fresh is None or fresh.since is None:
        return rows
    return rows.unionByName(labels.relabelled(ctx, given, silver).join(rows, "_key", "left_anti"))


def gold_rows(ctx: Context, silver: DataFrame, files: Sequence[int] = ()) -> DataFrame:
    """Rows of silver as gold has them. `files`: where they are all rows of a table, the sizes of its files in bytes; if
    one is large, the rows are dealt out to more tasks.
    """
    settings = ctx.settings
    text = F.concat_ws(" ", *(F.col(f"`{name}`") for name in settings.text))
    by = F.col(f"`{settings.gold.split.by}`").cast("string") if settings.gold.split.by else F.col("_key")
    slim = with_made(silver, settings, ctx.home).select(
        F.col("_key").alias("key"),
        F.col("_purpose").alias("purpose"),
        F.col("_label").alias("label"),
        split_of(by, settings.gold.split).alias("split"),
        *(F.col(f"`{name}`") for name in carried(settings)),
        F.col("_row_hash").alias("row_hash"),
        text.alias(TEXT),
    )
    rows = dealt(slim, files, "key")
    return tokenised(rows, settings.gold.nlp, ctx.home, ctx.folder / "nlp", slim).select(
        "key", "purpose", "label", "split", *(f"`{name}`" for name in carried(settings)),
        F.array_join("tokens", " ").alias("clean_text"),
        "tokens",
        F.length(TEXT).alias("n_chars"),
        F.size("tokens").alias("n_tokens"),
        F.lit(nlp_hash(settings.gold.nlp, ctx.home)).alias("nlp_hash"),
        _row_hash(settings),
    )  # fmt: skip


def _row_hash(settings: Settings) -> Column:
    """Over silver's hash and all that is made here and models see: of the same row of silver gold may say other things
    tomorrow, by another lookup table, text or derived column.
    """
    made = [F.col(f"`{name}`") for name in sorted(carried(settings))]
    gaps = [column.isNull() for column in made]  # the hash of a null is that of no column at all
    return F.xxhash64("row_hash", "split", "tokens", *made, *gaps).alias("row_hash")


def split_of(by: Column, split: Split) -> Column:
    """Train, validation or test, by a hash of seed and value: equal values stay together."""
    place = F.pmod(F.xxhash64(F.lit(split.seed), by), F.lit(1_000_000)) / 1_000_000
    return (
        F.when(place < split.test, "test").when(place < split.test + split.validation, "validation").otherwise("train")
    )


def _pending(ctx: Context) -> dict[str, Pending]:
    """What waits, by its source: silver, labels. Where there is no silver, there is nothing to label."""
    if ctx.tables.log(SOURCE).changed() is None:
        return {}
    found = (pending(ctx, "gold", source, TARGET, _recipe(ctx)) for source in (SOURCE, labels.TABLE))
    return {each.source: each for each in found if each}


def _positions(ctx: Context, found: Mapping[str, Pending]) -> dict[str, int]:
    """Source -> the version that gold will have come to."""
    last = ctx.tables.log(TARGET).last("gold")
    return {**(last.upto if last else {}), **{source: each.upto for source, each in found.items()}}


def _recipe(ctx: Context) -> str:
    """The settings that gold depends on, and the pipeline and lookups, which read files besides."""
    settings, home = ctx.settings, ctx.home
    lookups = settings.features.lookups
    tables = f"/{lookups_hash(lookups, home)}" if lookups else ""
    return f"{recipe(settings, GOLD)}/{nlp_hash(settings.gold.nlp, home)}{tables}"
