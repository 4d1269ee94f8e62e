"""The score stage: the champion, resolved once to a version, over what it has not scored, merged into predictions."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.pending import Pending, pending_beside
from lakehouse_nlp.core.registry import CHAMPION, Registry, Version, classes_of
from lakehouse_nlp.core.session import wake
from lakehouse_nlp.core.tables import moved
from lakehouse_nlp.score.predict import predicted, spread

SOURCE, TARGET = "gold", "predictions"


def due(ctx: Context) -> str | None:
    """Rows of gold that came since this version of the model last scored, or a version that never did."""
    version = resolved(ctx)
    found = _pending(ctx, version) if version else None
    return str(found) if found else None


def run(ctx: Context) -> StepResult:
    """Scores with one version throughout; raises DataError if gold was made by another pipeline than the model's."""
    version = resolved(ctx)
    if version is None:
        raise DataError(
            f"score: model {ctx.settings.model_name} has no champion", hint="lakehouse-nlp run train register"
        )
    _same_pipeline(ctx, version)
    found = _pending(ctx, version)
    if not found:
        return StepResult(note=f"version {version.number} has scored everything")
    ctx.sign("score", str(version))
    wake(ctx.spark)
    ctx.tables.ensure(TARGET, {"value": "double"})  # which tables of earlier releases lack
    rows = _rows(ctx, _unscored(ctx, found, version), version)
    wrote = ctx.tables.merge_once(
        TARGET,
        rows,
        on=["key", "model", "version"],
        within=f"old.version = {version.number}",
        changed="new.row_hash <> old.row_hash",
        upto={SOURCE: found.upto},
    )
    read, written = moved(wrote)
    note = f"{written:,} rows scored by {version}"
    return StepResult(read, written, 0, ctx.versions(TARGET), note)


def resolved(ctx: Context) -> Version | None:
    """The version that the settings name, or the one that is champion now."""
    registry = Registry(ctx)
    return registry.get(ctx.settings.score.version) if ctx.settings.score.version else registry.alias(CHAMPION)


def _pending(ctx: Context, version: Version) -> Pending | None:
    return pending_beside(ctx, "score", SOURCE, TARGET, str(version))


def _same_pipeline(ctx: Context, version: Version) -> None:
    gold = f"{ctx.settings.project}.gold"
    found = {row["nlp_hash"] for row in duck.rows(ctx.root, f"SELECT DISTINCT nlp_hash FROM {gold}", only=[gold])}
    if wrong := found - {version.tags.get("nlp_hash")}:
        raise DataError(
            f"score: {gold} was made by pipeline {', '.join(sorted(wrong))}, and {version} was trained on "
            f"{version.tags.get('nlp_hash')}",
            hint="lakehouse-nlp run train register, for a model of today's pipeline; or set gold.nlp back and run gold",
        )


def _unscored(ctx: Context, found: Pending, version: Version) -> DataFrame:
    """What waits; for a version's first pass, without the rows that a killed run has scored already.

    A version that is champion again may have a position whose changes `maintain` deleted: it passes over all, too.
    """
    gone = found.since is not None and ctx.tables.log(SOURCE).vacuumed(found.since)
    since = None if gone else found.since
    gold = ctx.tables.changes(SOURCE, since, found.upto, key=["key"])
    if since is not None or not ctx.tables.log(TARGET).rows():
        return gold
    done = ctx.tables.read(TARGET).where(F.col("version") == version.number).select("key", "row_hash")
    return gold.join(done, ["key", "row_hash"], "left_anti")


def _rows(ctx: Context, gold: DataFrame, version: Version) -> DataFrame:
    classes = classes_of(Registry(ctx).metrics(version))
    names = F.array(*(F.lit(name) for name in classes)).cast("array<string>")
    return predicted(ctx, spread(ctx, gold), version).select(
        "key", "purpose", "split", "label",
        F.col("_p.prediction").alias("prediction"),
        _number("probability"),
        F.map_from_arrays(names, F.col("_p.probabilities")).alias("probabilities"),
        F.lit(version.name).alias("model"),
        F.lit(version.number).alias("version"),
        F.lit(version.run_id).alias("model_run_id"),
        "nlp_hash", "row_hash",
        F.lit(ctx.run_id).alias("run_id"),
        F.lit(ctx.clock()).cast("timestamp").alias("scored_at"),
        _number("value"),
    )  # fmt: skip


def _number(name: str) -> Column:
    """A number of the model's answer; null where it gives none: a class has no value, a value no probability."""
    return F.expr(f"nullif(_p.{name}, double('NaN'))").alias(name)
