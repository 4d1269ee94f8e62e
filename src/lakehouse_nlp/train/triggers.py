"""Why a new model of the same settings is due: rows, time, quality, drift. Read by DuckDB; starts no Spark.

All of them ask for labelled rows that came or changed since the newest model: of the same rows it would be the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import CHAMPION, Registry, Version, classes_of
from lakehouse_nlp.core.settings.runs import span
from lakehouse_nlp.core.verdicts import asked
from lakehouse_nlp.model.metrics import LOWER_IS_BETTER, evaluate, figure
from lakehouse_nlp.model.profile import psi

# Rows of gold that a model learns from.
TABLES = ("gold", "predictions")
LEARNT = "split = 'train' AND label IS NOT NULL"


def fired(ctx: Context, newest: Version) -> str | None:
    """The triggers of `train.retrain` that ask for a model after the newest, with their figures; None: none does."""
    if ctx.tables.log("gold").changed() == int(newest.tags["gold_version"]):
        return None
    news = _news(ctx, newest)
    if not news:
        return None
    why = [*_rows(ctx, newest, news), *_age(ctx, newest), *_champion(ctx, newest), *_monitored(ctx, newest)]
    return "; ".join(why) or None


def _news(ctx: Context, newest: Version) -> int:
    """Labelled training rows that came, changed or went since the newest model; all, where its gold is gone."""
    import duckdb

    gold = f"{ctx.settings.project}.gold"
    now, then = (f"(SELECT key, row_hash FROM {table} WHERE {LEARNT})" for table in (gold, _then(ctx, newest)))
    try:
        query = f"SELECT count(DISTINCT key) AS n FROM (({now} EXCEPT {then}) UNION ({then} EXCEPT {now}))"
        return int(duck.rows(ctx.root, query, only=[gold])[0]["n"])
    except duckdb.IOException:
        return int(duck.rows(ctx.root, f"SELECT count(*) AS n FROM {now}", only=[gold])[0]["n"])


def _then(ctx: Context, version: Version) -> str:
    """Gold as it was when the version was trained."""
    log = ctx.tables.log("gold")
    return duck.scan(log.path, log.alike(int(version.tags["gold_version"])))


def _rows(ctx: Context, newest: Version, news: int) -> Iterator[str]:
    asked, before = ctx.settings.train.retrain, int(newest.tags["train_rows"])
    enough = asked.rows is not None and news >= asked.rows
    if enough or (asked.share is not None and news > before * asked.share):
        says = f"{news:,} labelled rows came, changed or went since version {newest.number}"
        yield f"{says}, which learnt from {before:,}"


def _age(ctx: Context, newest: Version) -> Iterator[str]:
    every = ctx.settings.train.retrain.every
    if every and ctx.clock() - newest.made_at >= span(every):
        yield f"version {newest.number} is of {newest.made_at:%Y-%m-%d %H:%M}, and every {every} there is to be one"


def _champion(ctx: Context, newest: Version) -> Iterator[str]:
    """What the champion's predictions of rows that are new since the newest model say; of too few rows, nothing."""
    asked, registry = ctx.settings.train.retrain, Registry(ctx)
    champion = registry.alias(CHAMPION) if asked.floor or asked.drift is not None else None
    if champion and ctx.tables.log("predictions").rows():
        metrics = registry.metrics(champion)
        yield from _quality(ctx, newest, champion, classes_of(metrics)) if asked.floor else ()
        yield from _drift(ctx, newest, champion, metrics) if asked.drift is not None else ()


def _monitored(ctx: Context, newest: Version) -> list[str]:
    """What has drifted since the newest model where `monitor.actions` says `retrain`."""
    champion = (
        Registry(ctx).alias(CHAMPION) if "retrain" in ctx.settings.monitor.actions.model_dump().values() else None
    )
    return asked(ctx, "retrain", str(champion), newest.made_at) if champion else []


def _quality(ctx: Context, newest: Version, champion: Version, classes: list[str]) -> Iterator[str]:
    """The champion's figures on rows whose first label came after the newest model, against the floors."""
    query = f"""
        SELECT g.label, p.prediction, p.value, list_transform($classes::VARCHAR[], c -> p.probabilities[c]) AS said
        FROM {ctx.settings.project}.predictions AS p JOIN {ctx.settings.project}.gold AS g USING (key)
        ANTI JOIN (SELECT key FROM {_then(ctx, newest)} WHERE label IS NOT NULL) USING (key)
        WHERE p.version = $version AND g.label IS NOT NULL ORDER BY key"""
    rows = _asked(ctx, query, {"classes": classes, "version": champion.number})
    if len(rows) < ctx.settings.monitor.min_rows:
        return
    labels, said = (np.array([row[name] for row in rows], dtype=object) for name in ("label", "prediction"))
    outputs = np.array([row["said"] if classes else [row["value"]] for row in rows], dtype=np.float64)
    found = evaluate(labels, outputs, classes, said if classes else None)
    for name, floor in ctx.settings.train.retrain.floor.items():
        value, low = figure(found, name), name in LOWER_IS_BETTER
        if value is not None and (value > floor if low else value < floor):
            wanted = f"at {'most' if low else 'least'} {floor:g} wanted"
            yield f"{champion} has {name} {value:.4f} on {len(rows):,} rows labelled since, {wanted}"


def _drift(ctx: Context, newest: Version, champion: Version, metrics: dict[str, Any]) -> Iterator[str]:
    """How far the champion's predictions of rows that came after the newest model are from those of its test split."""
    then, most = metrics.get("profile"), ctx.settings.train.retrain.drift or 0.0
    if then is None:
        return
    classes = classes_of(metrics)
    last = "p.probabilities[$last]" if len(classes) == 2 else "p.probability" if classes else "p.value"
    query = f"""
        SELECT {"p.prediction" if classes else "''"} AS prediction, count(*) AS n,
               len(list_filter($cuts::DOUBLE[], c -> c <= {last})) AS bin
        FROM {ctx.settings.project}.predictions AS p ANTI JOIN (SELECT key FROM {_then(ctx, newest)}) USING (key)
        WHERE p.version = $version GROUP BY ALL"""
    more = {"last": classes[-1]} if len(classes) == 2 else {}
    rows = _asked(ctx, query, {"cuts": then["cuts"], "version": champion.number, **more})
    total = sum(row["n"] for row in rows)
    if total < ctx.settings.monitor.min_rows:
        return
    bins = [sum(row["n"] for row in rows if row["bin"] == k) / total for k in range(len(then["shares"]))]
    named = [sum(row["n"] for row in rows if row["prediction"] == name) / total for name in then["classes"]]
    moved = {"scores": psi(then["shares"], bins), "classes": psi(list(then["classes"].values()), named)}
    for what, index in moved.items():
        if index > most:
            says = f"the {what} that {champion} predicts moved by {index:.3f} (PSI) on {total:,} rows that came since"
            yield f"{says}, at most {most:g} wanted"


def _asked(ctx: Context, query: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer over gold and predictions; none where the gold of the newest model is gone."""
    import duckdb

    try:
        return duck.rows(ctx.root, query, parameters, [f"{ctx.settings.project}.{table}" for table in TABLES])
    except duckdb.IOException:
        return []
