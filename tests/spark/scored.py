"""Registered models over the gold of `golds.py`, and what was scored, for the tests of scoring."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyspark.sql import SparkSession
from scipy.sparse import csr_matrix

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import CHAMPION, Registry
from lakehouse_nlp.model.rows import Rows, Spec
from lakehouse_nlp.model.stacked import fit
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.evaluation import figures
from lakehouse_nlp.train.log import log

PASSING = {"run_id", "scored_at", "recorded_at"}


def registered(ctx: Context, alias: str = CHAMPION, *, cut: float = 3.5, nlp: str = "h") -> int:
    """A version that calls a row good from this price on, mostly; the alias is moved to it."""
    parts = [_part(200, seed, cut) for seed in range(3)]
    model = fit(parts[0].rows, parts[0].labels, Spec(buckets=0, numeric=("price",), rounds=5), threads=1)
    tags = {"recipe": f"cut {cut}", "gold_version": "1", "train_rows": "200", "nlp_hash": nlp}
    made = log(ctx, model, figures(model, *parts), tags, parts[2])
    Registry(ctx).client.set_registered_model_alias(made.name, alias, str(made.number))
    return made.number


def _part(n: int, seed: int, cut: float) -> Labelled:
    rng = np.random.default_rng(seed)
    price = rng.uniform(0, 8, n)
    labels = np.where(price + rng.normal(0, 0.3, n) >= cut, "good", "bad").astype(object)
    keys = np.array([f"{seed}-{k}" for k in range(n)], dtype=object)
    rows = Rows(csr_matrix((n, 0)), price[:, None], np.zeros((n, 0), object))
    return Labelled(rows, keys, labels, np.full(n, "test"))


def more_gold(ctx: Context, spark: SparkSession, *keys: str, price: float = 7.0, row_hash: int = 1) -> None:
    """Rows that come to gold, or come again with another content."""
    old = spark.createDataFrame([(key,) for key in keys], "key string").coalesce(1)
    like = ctx.tables.read("gold").where("key = 'k000'").drop("key", "price", "row_hash")
    rows = old.crossJoin(like).selectExpr("*", f"{price}D AS price", f"{row_hash}L AS row_hash")
    ctx.sign("gold")
    ctx.tables.merge_once("gold", rows, on=["key"], changed="new.row_hash <> old.row_hash")


def said(ctx: Context, table: str = "predictions") -> dict[tuple[str, int], dict[str, Any]]:
    """Rows of predictions, or of a view of them, by key and version, without what belongs to the run."""
    found = duck.rows(ctx.root, f"SELECT * FROM tiny.{table}")
    rows = [{k: v for k, v in row.items() if k not in PASSING} for row in found]
    by = {(row["key"], row["version"]): row for row in rows}
    assert len(by) == len(rows)
    return by


def events(ctx: Context) -> list[tuple[Any, ...]]:
    """Version, event, previous and canary of the ledger's rows, oldest first."""
    query = "SELECT version, event, previous, canary, share FROM ops.model_events ORDER BY recorded_at"
    return [tuple(row.values()) for row in duck.rows(ctx.root, query, only=["ops.model_events"])]
