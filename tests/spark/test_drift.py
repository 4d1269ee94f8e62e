"""Columns that nobody declared, from a file's batch in bronze to silver and quarantine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rows import bring, bronze

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.silver import stage

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]


def test_a_column_that_evolves_reaches_silver_as_text_and_quarantine_as_it_came(
    home: Path, spark: SparkSession, make_context: Callable[..., Context]
) -> None:
    ctx = make_context(home, silver={"mask": {"email": True}})
    bring(ctx, spark, 1, {"id": "1", "title": "a"}, {"id": "2", "title": "b"})
    stage.run(ctx)
    ctx.tables.widen("bronze", {"votes": "STRING"}, "new.csv")
    rows = bronze(spark, {"id": "2", "title": "b"}, {"id": "3"}, {"id": "4", "stars": "x"}, batch=2)
    votes = F.element_at(F.array(F.lit("7"), F.lit("of a@example.com"), F.lit("9")), F.col("_row").cast("int") + 1)
    ctx.tables.append_once("bronze", rows.withColumn("votes", votes), app="tiny.ingest", version=2)
    stage.run(ctx)
    silver = duck.rows(ctx.root, "SELECT _key, votes FROM tiny.silver ORDER BY _key")
    assert [tuple(row.values()) for row in silver] == [("1", None), ("2", "7"), ("3", "of [EMAIL]")]
    assert duck.rows(ctx.root, "SELECT raw FROM tiny.rejected_rows") == [{"raw": '{"id":"4","stars":"x","votes":"9"}'}]
    changes = duck.rows(ctx.root, "SELECT table_name, change, file FROM ops.schema_changes WHERE column_name = 'votes'")
    assert sorted((row["table_name"], row["change"], row["file"]) for row in changes) == [
        ("bronze", "added", "new.csv"), ("silver", "added", None)
    ]  # fmt: skip
