"""The home folder that the jobs of `bench.py` work in: real reviews as silver and gold, and the champion over them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import reviews

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import CHAMPION, Registry, Version

# Rows of gold that have a label: what models are trained on.
LABELLED = 30_000
# A twentieth of the rows, of every file: what the peers score before their time begins.
BEFORE = "crc32(key) % 20 = 0"
SILVER = "silver.parquet"

# Copies of all lines one after the other, each in an order of its own: equal texts lie far apart.
REVIEWS = """
    WITH lines AS (
      SELECT *, row_number() OVER () AS line FROM {lines})
    SELECT line || '-' || copy AS key, category, Title, Content,
           CASE WHEN Overall::DOUBLE > 3 THEN 'positive' WHEN Overall::DOUBLE < 3 THEN 'negative' END AS label
    FROM lines, range({copies}) AS copies(copy) ORDER BY copy, hash(line, copy) LIMIT {rows}"""
# The tokens of a review, and empty texts beside them: those of the pipeline as the settings have it. In small letters İ
# is i and a dot above it for Java, and i alone for DuckDB.
TEXT = "replace(concat_ws(' ', Title, Content), chr(304), 'i' || chr(775))"
SPLIT = f"string_split_regex(lower({TEXT}), '[^\\p{{L}}\\p{{N}}'']+')"
GOLD = """
    WITH placed AS (
      SELECT *, row_number() OVER () AS place, hash(key) % 10 AS deal,
             list_filter({split}, lambda word: word <> '') AS tokens
      FROM '{silver}' LIMIT {rows})
    SELECT key, 'train' AS purpose, CASE WHEN place <= {labelled} THEN label END AS label,
           CASE deal WHEN 0 THEN 'test' WHEN 1 THEN 'validation' ELSE 'train' END AS split, category,
           array_to_string(tokens, ' ') AS clean_text, tokens, length(concat_ws(' ', Title, Content))::INT AS n_chars,
           len(tokens)::INT AS n_tokens, 'benchmark' AS nlp_hash, (hash(key) >> 1)::BIGINT AS row_hash
    FROM placed"""


def made(folder: Path, rows: int, source: Path = reviews.SOURCE) -> Path:
    """A home with the project's settings, and its rows as Parquet: silver's, gold's (`lake`), a tenth of these."""
    import duckdb

    home = reviews.home(folder / "home")
    silver = home / SILVER
    queries = {silver: REVIEWS.format(lines=reviews.lines(source), copies=-(-rows // reviews.LINES), rows=rows)}
    for lake, share in (("lake", rows), ("tenth", rows // 10)):
        queries[home / f"{lake}.parquet"] = GOLD.format(split=SPLIT, silver=silver, rows=share, labelled=LABELLED)
    with duckdb.connect() as connection:
        for file, query in queries.items():
            connection.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)")
    return home


def opened(home: Path, lake: str, *sets: str) -> Context:
    """The project over one of the home's lakes, its session up: Java has run something, and a Python worker has."""
    ctx = Context.open(home, reviews.PROJECT, sets=[f"lake.root={lake}", *sets])
    ctx.spark.range(1).mapInArrow(lambda batches: batches, "id long").collect()
    return ctx


def champion(ctx: Context) -> Version:
    """The version that scores."""
    found = Registry(ctx).alias(CHAMPION)
    assert found is not None
    return found


def timed(job: Callable[[], Any], rows: int) -> dict[str, Any]:
    """Seconds of a job over so many rows, and rows a second."""
    began = time.monotonic()
    job()
    seconds = time.monotonic() - began
    return {"seconds": seconds, "rows": rows, "rows_per_s": rows / seconds}
