"""What was scored, as histograms over the bins of the model's reference: one Spark aggregation a table.

Of predictions the outcomes are counted, where labels are known; of predictions beside gold every feature and output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.pending import Pending
from lakehouse_nlp.model.histograms import BUCKETS, FIRST, Histogram
from lakehouse_nlp.model.reference import Reference
from lakehouse_nlp.monitor.judge import Counts, Window

SOURCE, KEY = "predictions", ("key", "model", "version")
LARGEST = 3.4028234663852886e38  # of float32, which is what a model holds
# Rows that training learns from say nothing about how the model does on others.
LEARNT = "(split = 'train' AND label IS NOT NULL)"
UNSEEN = f"NOT {LEARNT} AND (purpose = 'inference' OR label IS NOT NULL)"


def scored(ctx: Context, found: Pending, version: int) -> DataFrame:
    """What this version said of rows that came, changed or got a label since: one row a key, with `window` and
    `window_at`, the run that scored it and when; `late`: its label came after it was scored, and nothing else did.
    """
    rows = ctx.tables.changes(SOURCE, found.since, found.upto, KEY).where(F.col("version") == version)
    then = F.col("run_id").alias("window"), F.col("scored_at").alias("window_at")
    if found.since is None:
        return rows.select("*", *then, F.lit(False).alias("late"))
    old = ctx.tables.replaced(SOURCE, found.since, found.upto, KEY).where("label IS NULL")
    old = old.select(*KEY, *then, F.col("prediction").alias("_said"))
    given = F.col("label").isNotNull() & (F.col("_said") == F.col("prediction"))
    both = rows.join(old, list(KEY), "left").withColumn("late", F.coalesce(given, F.lit(False)))
    own = {"window": F.col("run_id"), "window_at": F.col("scored_at")}
    return both.withColumns({name: F.when(F.col("late"), F.col(name)).otherwise(value) for name, value in own.items()})


def windows(ctx: Context, rows: DataFrame, reference: Reference, classes: Sequence[str], since: int) -> list[Window]:
    """The histograms of the rows of `scored`, by the run that scored them. Late labels bring no inputs again."""
    fresh = rows.where("NOT late").where(UNSEEN)
    gold = ctx.tables.read("gold")
    columns = [each for each in reference.histograms if each.kind in ("number", "category")]
    inputs = [each.name for each in columns if each.side == "input"]
    text = [F.col("clean_text")] if reference.has_terms else []
    beside = gold.select("key", *(F.col(f"`{name}`").alias(f"in {name}") for name in inputs), *text)
    joined = fresh.join(beside, "key")
    items = [_item(place, each, classes) for place, each in enumerate(reference.histograms)]
    all_items = F.array(*(item for item in items if item is not None), _struct(F.lit(-1), F.lit(0)))
    if reference.has_terms:
        terms = F.array_distinct(F.slice(F.filter(F.split("clean_text", " "), lambda term: term != ""), 1, FIRST))
        place = F.lit(len(reference.histograms))
        all_items = F.concat(all_items, F.transform(terms, lambda term: _struct(place, F.crc32(term) % BUCKETS)))
    each_item = joined.select("window", "window_at", F.explode(all_items).alias("item"))
    counted: list[Any] = each_item.groupBy("window", "window_at", "item.feature", "item.code").count().collect()
    by_window: dict[tuple[str, Any], dict[int, dict[int, int]]] = {}
    for row in counted:
        if row["code"] is not None:
            features = by_window.setdefault((row["window"], _utc(row["window_at"])), {})
            features.setdefault(row["feature"], {})[row["code"]] = row["count"]
    return [Window(name, at, since, _histograms(reference, of)) for (name, at), of in sorted(by_window.items())]


def texts(ctx: Context, rows: DataFrame) -> DataFrame:
    """The texts of those rows of `scored` whose inputs count: key, window, window_at, clean_text."""
    gold = ctx.tables.read("gold").select("key", "clean_text")
    return rows.where("NOT late").where(UNSEEN).select("key", "window", "window_at").join(gold, "key")


def outcomes(ctx: Context, rows: DataFrame, numbers: bool) -> dict[tuple[str, Any], dict[str, Any]]:
    """(window, when) -> sums over the rows whose label is known and was not learnt from: how often each label met each
    prediction, or the errors of numbers; `delay`: seconds between scoring and label, in all, of rows whose label came
    later.
    """
    known = rows.where("label IS NOT NULL").where(f"late OR NOT {LEARNT}")
    when = F.col("scored_at")
    if ctx.tables.log("labels").rows():
        given = ctx.tables.read("labels").groupBy("key").agg(F.max("recorded_at").alias("given_at"))
        known, when = known.join(given, "key", "left"), F.coalesce("given_at", "scored_at")
    waited = F.when(F.col("late"), when.cast("double") - F.col("window_at").cast("double"))
    error = F.col("value") - F.col("label").cast("double")
    sums = [F.count("*").alias("n"), F.sum(waited).alias("delay"), F.count(waited).alias("late")]
    sums += [F.sum(F.abs(error)).alias("absolute"), F.sum(error * error).alias("squared")] if numbers else []
    by = ["window", "window_at", *([] if numbers else ["label", "prediction"])]
    found: dict[tuple[str, Any], dict[str, Any]] = {}
    for row in known.groupBy(*by).agg(*sums).collect():
        of = found.setdefault((row["window"], _utc(row["window_at"])), {"late": 0, "delay": 0.0})
        of["late"], of["delay"] = of["late"] + row["late"], of["delay"] + float(row["delay"] or 0)
        if numbers:
            of |= {"n": row["n"], "absolute": row["absolute"], "squared": row["squared"]}
        else:
            of.setdefault("confusion", {}).setdefault(row["label"], {})[row["prediction"]] = row["n"]
    return found


def labels(histogram: Histogram, confusion: Mapping[str, Mapping[str, int]]) -> Counts:
    """The histogram of the labels among outcomes."""
    often = {name: sum(said.values()) for name, said in confusion.items()}
    named = [often.pop(name, 0) for name in histogram.values]
    counts = (*named, sum(often.values()), 0)
    return Counts(sum(counts), counts)


def _histograms(reference: Reference, of: dict[int, dict[int, int]]) -> dict[str, Counts]:
    """Histograms by name, of counts by feature and bin; -1 stands for the rows, and the last feature for terms."""
    rows = of.get(-1, {}).get(0, 0)
    found = {}
    for place, each in enumerate(reference.histograms):
        if place in of:
            counts = tuple(of.get(place, {}).get(code, 0) for code in range(len(each.counts)))
            found[each.name] = Counts(sum(counts), counts)
    if reference.has_terms:
        buckets = of.get(len(reference.histograms), {})
        of_terms = reference.of_terms(list(buckets), list(buckets.values()))
        found |= {name: Counts(rows, tuple(counts)) for name, counts in of_terms.items()}
    return found


def _item(place: int, histogram: Histogram, classes: Sequence[str]) -> Column | None:
    """Which bin of the histogram a row falls into; no bin where the row has no label."""
    if histogram.kind in ("terms", "new_terms") or (histogram.side == "label" and classes):
        return None  # terms are counted together, and labels by the outcomes
    value = _value(histogram, classes)
    if histogram.kind == "number":
        number = value.cast("double")
        missing = number.isNull() | F.isnan(number) | (F.abs(number) > LARGEST)
        above: Column = reduce(lambda a, b: a + b, ((number >= cut).cast("int") for cut in histogram.cuts), F.lit(0))
        code = F.when(missing, len(histogram.cuts) + 1).otherwise(above)
    else:
        many = len(histogram.values)
        places = F.create_map(
            *(F.lit(part) for pair in zip(histogram.values, range(many), strict=True) for part in pair)
        )
        own = F.try_element_at(places, value.cast("string")) if many else F.lit(None)
        code = F.when(value.isNull(), many + 1).otherwise(F.coalesce(own, F.lit(many)))
    known = F.col("label").isNotNull() if histogram.side == "label" else F.lit(True)
    return _struct(F.lit(place), F.when(known, code))


def _value(histogram: Histogram, classes: Sequence[str]) -> Column:
    if histogram.side == "input":
        return F.col(f"`in {histogram.name}`")
    if histogram.name != "score":
        return F.col({"confidence": "probability"}.get(histogram.name, histogram.name))
    if not classes:
        return F.col("value")
    return (
        F.element_at("probabilities", F.lit(classes[-1]))
        if len(classes) == 2
        else F.array_max(F.map_values("probabilities"))
    )


def _utc(at: datetime) -> datetime:
    """A time as Spark gives it, which is the machine's and says no zone."""
    return at.astimezone(timezone.utc)


def _struct(feature: Column, code: Column) -> Column:
    return F.struct(feature.cast("int").alias("feature"), code.cast("bigint").alias("code"))
