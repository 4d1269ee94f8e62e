"""Gold whose texts, prices and titles tell the label, mostly, for training by one engine and by another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from lakehouse_nlp.core.context import Context

SCHEMA = "key string, purpose string, label string, split string, price double, title string, clean_text string, "
SCHEMA += "tokens array<string>, n_chars int, n_tokens int, nlp_hash string, row_hash bigint"
GOOD, BAD = ["great", "love", "works", "well"], ["broken", "awful", "returned", "it"]
SO, DULL = ["okay", "average", "fine", "meh"], ["the", "a", "camera", "phone"]
LEARNING: dict[str, Any] = {
    "features": {"numeric": ["price"], "categorical": ["title"], "text": {"buckets": 4096, "select": 100}},
}
TRAIN: dict[str, Any] = {"batch_rows": 700, "booster": {"rounds": 20, "max_depth": 3}}


def rows(count: int, classes: int = 2) -> list[tuple[Any, ...]]:
    """Texts, prices (nought among them) and categories that tell the label, mostly."""
    rng = np.random.default_rng(3)
    found = []
    for n in range(count):
        kind = int(rng.integers(classes))
        words = rng.choice([*3 * (BAD, GOOD, SO)[kind], *GOOD, *BAD, *DULL], 12).tolist() if n % 50 else []
        price = None if n % 7 == 0 else float(max(0, round(rng.normal(3 * kind, 1))))
        title = None if n % 11 == 0 else str(rng.choice(["x", "y", "z"][kind:]))
        split = ("test", "validation", "test", "train", "train", "train")[n % 6]
        found.append((f"k{n * 7919 % count:05}", "train", ("bad", "good", "so")[kind], split, price, title,
                      " ".join(words), words, 9, len(words), "h", n))  # fmt: skip
    return found


def write(ctx: Context, spark: SparkSession, found: list[tuple[Any, ...]], partitions: int = 3) -> int:
    ctx.sign("gold")
    ctx.tables.ensure("gold", {"price": "double", "title": "string"})
    ctx.tables.replace_window("gold", spark.createDataFrame(found, SCHEMA).repartition(partitions))
    version = ctx.tables.log("gold").changed()
    assert version is not None
    return version


def near(some: dict[str, Any], other: dict[str, Any], within: float = 0.002) -> None:
    for section in ("test", "validation"):
        for name, value in some[section].items():
            if isinstance(value, float):
                assert other[section][name] == pytest.approx(value, abs=within), (section, name)
    assert [leak["says"] for leak in some["leaks"]] == [leak["says"] for leak in other["leaks"]]
