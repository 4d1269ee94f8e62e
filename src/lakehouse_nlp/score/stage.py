"""The score stage: models, resolved once to versions, over what they have not scored, merged into predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core import actions
from lakehouse_nlp.core.alerts import alert
from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.dealing import dealt
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.pending import Pending
from lakehouse_nlp.core.pending import size as pending_rows
from lakehouse_nlp.core.registry import Registry, Version, classes_of
from lakehouse_nlp.core.session import beside, wake
from lakehouse_nlp.core.tables import moved
from lakehouse_nlp.score.named import SOURCE, TARGET, pipelines, resolved
from lakehouse_nlp.score.passes import passes, unscored
from lakehouse_nlp.score.predict import predicted
from lakehouse_nlp.score.switch import switched, waits, withheld


def due(ctx: Context) -> str | None:
    """Rows of gold that came since one of the versions last scored, a version that never did, or one to be shown."""
    named = resolved(ctx)
    first = str(next(iter(named.values()), ""))
    for found, _ in passes(ctx, list(named.values())):
        return None if _was_refused(ctx, first, found) else str(found)
    if named and _may_switch(ctx) and waits(ctx, named) and not actions.blocked(ctx, first):
        return f"{first} is to be shown by current_predictions"
    return None


def size(ctx: Context) -> int:
    """About how many rows wait, for each version that they wait for."""
    return sum(pending_rows(ctx, found) * len(them) for found, them in passes(ctx, list(resolved(ctx).values())))


def run(ctx: Context) -> StepResult:
    """Scores with the same versions throughout; nothing, and says so, where monitoring blocks it. Raises DataError if
    gold was made by another pipeline than that of the first of them.
    """
    named = resolved(ctx)
    versions = list(named.values())
    if not versions:
        raise DataError(
            f"score: model {ctx.settings.model_name} has no {ctx.settings.score.models[0]}",
            hint="lakehouse-nlp run train register",
        )
    if wrong := pipelines(ctx) - {versions[0].tags.get("nlp_hash", "")}:
        raise DataError(
            f"score: {ctx.tables.name(SOURCE)} was made by pipeline {', '.join(sorted(wrong))}, and {versions[0]} was "
            f"trained on {versions[0].tags.get('nlp_hash')}",
            hint="lakehouse-nlp run train register, for a model of today's pipeline; or set gold.nlp back and run gold",
        )
    found = list(passes(ctx, versions))
    if why := actions.blocked(ctx, str(versions[0])):
        return _refused(ctx, versions[0], why)
    asked = {named[name].number for name in ctx.settings.score.models if name in named}
    first = [each for each in found if asked & {version.number for version in each[1]}]
    counts = [_scored(ctx, *each) for each in first]
    told, held, kept = (*switched(ctx, named), withheld(ctx, named)) if _may_switch(ctx) else ("", False, "")
    later = [each for each in found if each not in first] if held else []  # what is shown still needs its rows
    counts += [_scored(ctx, *each) for each in later]
    read, written = (sum(numbers) for numbers in zip((0, 0), *counts, strict=True))
    scored = [version for _, together in (*first, *later) for version in together]
    names = ", ".join(str(version) for version in scored or versions)
    note = f"{written:,} rows scored by {names}" if scored else f"{names} scored everything before"
    note = "; ".join(says for says in (note, told, kept) if says)
    return StepResult(read, written, 0, ctx.versions(TARGET), note, (told,) if held else ())


def _was_refused(ctx: Context, model: str, found: Pending) -> bool:
    """Whether nothing came since it was said that scoring is blocked; to who asks for a window it is said again."""
    return not ctx.settings.score.window and actions.refused(ctx, model, found.upto)


def _refused(ctx: Context, model: Version, why: Sequence[str]) -> StepResult:
    """What was scored before stays as it is shown; whoever is on call is told what opens it again."""
    actions.refuse(ctx, str(model), ctx.tables.log(SOURCE).changed() or 0, why)
    says, then = actions.said(ctx, str(model), why), actions.hint(ctx)
    alert(ctx, "error", says, then)
    return StepResult(note=f"blocked by monitoring: {'; '.join(why)}", refused=(f"{says}\n  next: {then}",))


def _may_switch(ctx: Context) -> bool:
    """Whether what is shown is this run's business: a backfill leaves it alone."""
    return ctx.tables.log(TARGET).exists and not ctx.settings.score.window


def _scored(ctx: Context, found: Pending, versions: Sequence[Version]) -> tuple[int, int]:
    """Scores what waits by each of the versions, in one commit; rows read, and rows written."""
    ctx.sign("score", " ".join(f"{version} {version.run_id}" for version in versions), {SOURCE: found.upto})
    wake(ctx.spark)
    made = beside(lambda: ctx.tables.ensure(TARGET, {"value": "double"}))  # which tables of earlier releases lack
    if ctx.tables.log(TARGET).rows():
        made.result()  # what is scored already is read from it
    gold = unscored(ctx, found, versions)
    if found.since is None:
        gold = dealt(gold, ctx.tables.log(SOURCE).sizes(), "key")
    rows = _rows(ctx, gold, versions)
    made.result()
    wrote = ctx.tables.merge_once(
        TARGET,
        rows,
        on=["key", "model", "version"],
        within=f"old.version IN ({', '.join(str(version.number) for version in versions)})",
        changed="new.row_hash <> old.row_hash OR new.model_run_id <> old.model_run_id",
        upto=None if ctx.settings.score.window else {SOURCE: found.upto},  # a backfill moves no position
        single=True,  # gold is merged by key
    )
    return moved(wrote)


def _rows(ctx: Context, gold: DataFrame, versions: Sequence[Version]) -> DataFrame:
    """The rows of predictions: each row of gold once for each version, from one read."""
    for version in versions:
        gold = predicted(ctx, gold, version).withColumnRenamed("_p", f"_p{version.number}")
    numbers = [F.lit(version.number) for version in versions]
    gold = gold.withColumn("_version", F.explode(F.array(*numbers)) if len(versions) > 1 else numbers[0])
    gold = gold.withColumn("_p", _by({version.number: F.col(f"_p{version.number}") for version in versions}))
    return gold.select(
        "key", "purpose", "split", "label",
        F.col("_p.prediction").alias("prediction"),
        _number("probability"),
        F.map_from_arrays(
            _by({version.number: _classes(ctx, version) for version in versions}), F.col("_p.probabilities")
        ).alias("probabilities"),
        F.lit(versions[0].name).alias("model"),
        F.col("_version").alias("version"),
        _by({version.number: F.lit(version.run_id) for version in versions}).alias("model_run_id"),
        "nlp_hash", "row_hash",
        F.lit(ctx.run_id).alias("run_id"),
        F.lit(ctx.clock()).cast("timestamp").alias("scored_at"),
        _number("value"),
    )  # fmt: skip


def _by(values: Mapping[int, Column]) -> Column:
    """The value for the version that a row is of."""
    *others, (_, chosen) = values.items()
    for number, value in others:
        chosen = F.when(F.col("_version") == number, value).otherwise(chosen)
    return chosen


def _classes(ctx: Context, version: Version) -> Column:
    names = classes_of(Registry(ctx).metrics(version))
    return F.array(*(F.lit(name) for name in names)).cast("array<string>")


def _number(name: str) -> Column:
    """A number of the model's answer; null where it gives none: a class has no value, a value no probability."""
    return F.expr(f"nullif(_p.{name}, double('NaN'))").alias(name)
