"""Rows of bronze for the tests of silver, and what is in tables without what belongs to the run that wrote it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context

COLUMNS = ("id", "title", "body", "stars", "day", "price")
TEXTS = (*COLUMNS, "_rescued", "_corrupt", "_fault", "_purpose", "_file", "_file_hash")
BRONZE = ", ".join(f"{name} string" for name in TEXTS)
BRONZE += ", _line bigint, _row bigint, _batch bigint, _ingested_at timestamp"
WHEN = datetime(2024, 1, 2, 3, 4, 5)
PASSING = {"run_id", "first_seen", "last_seen", "released_at", "released_by", "_ingested_at"}
Row = dict[str, Any]


def bronze(spark: SparkSession, *rows: Row, batch: int = 1) -> DataFrame:
    """Rows of bronze; what is not given is null, or the same in every row."""
    base = {"_purpose": "train", "_file": "f.csv", "_file_hash": "hash", "_batch": batch, "_ingested_at": WHEN}
    names = [part.split()[0] for part in BRONZE.split(", ")]
    full = [{"_row": place, **base, **row} for place, row in enumerate(rows)]
    return spark.createDataFrame([tuple(row.get(name) for name in names) for row in full], BRONZE).coalesce(1)


def bring(ctx: Context, spark: SparkSession, batch: int, *rows: Row) -> None:
    """Appends them to bronze as a batch of ingest."""
    ctx.sign("ingest")
    ctx.tables.ensure("bronze", dict.fromkeys(COLUMNS, "STRING"))
    ctx.tables.append_once("bronze", bronze(spark, *rows, batch=batch), app="tiny.ingest", version=batch)


def content(ctx: Context, table: str) -> Counter[str]:
    """The rows of a table of the project, with how often each is there."""
    found = duck.rows(ctx.root, f"SELECT * FROM tiny.{table}", only=[f"tiny.{table}"])
    return Counter(str({k: v for k, v in sorted(row.items()) if k not in PASSING}) for row in found)
