"""`python ingest_jobs.py JOB HOME FILE`: one job of `ingest.py`, timed from when its session is up; prints JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from reviews import PROJECT

from lakehouse_nlp import ingest, silver
from lakehouse_nlp.core.context import Context

READ = {
    "jsonl": lambda spark, path: spark.read.json(path),
    "csv": lambda spark, path: spark.read.csv(path, header=True, multiLine=True, escape='"'),
}
DUCK = {
    "jsonl": "read_json('{}', format='newline_delimited')",
    "csv": "read_csv('{}', header=true, delim=',', quote='\"', escape='\"')",
}
# The cleaning of silver in one select: types, tags, entities, control characters, Unicode NFC, blanks; the newest of
# each key.
CLEAN = r"""
WITH cleaned AS (
  SELECT category, product_id, product_name, price, ReviewID,
    {title} AS Title,
    CASE WHEN trim(Overall) RLIKE '^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)$' THEN CAST(Overall AS DOUBLE) END AS Overall,
    to_date(trim(Date), 'MMMM d, yyyy') AS Date, {body} AS Content, _purpose, _file, _row, _batch
  FROM bronze WHERE _fault IS NULL AND trim(ReviewID) <> ''
)
SELECT *, xxhash64(category, product_id, product_name, price, ReviewID, Title, Overall, Date, Content) AS _row_hash
FROM (
  SELECT *, row_number() OVER (PARTITION BY ReviewID ORDER BY _batch DESC, _row DESC) AS place
  FROM cleaned WHERE Content IS NOT NULL AND Overall BETWEEN 1 AND 5 AND length(Content) <= 100000
) WHERE place = 1
"""
TEXT = (
    "nullif(trim(regexp_replace(nfc(regexp_replace(reflect('org.jsoup.parser.Parser', 'unescapeEntities', "
    "regexp_replace(coalesce({0}, ''), '(?s)<!--.*?-->|</?[A-Za-z][^<>]*>', ' '), false), "
    "'[\\\\p{{Cc}}&&[^\\\\t\\\\n\\\\r]]', '')), "
    "'[\\\\s\\\\p{{Z}}]+', ' ')), '')"
)


def timed(job: Callable[[], int]) -> dict[str, Any]:
    """Seconds and rows of a job."""
    began = time.monotonic()
    rows = job()
    return {"seconds": time.monotonic() - began, "rows": rows}


def ours(home: Path, file: Path) -> dict[str, Any]:
    """The stage over one file, and once more with nothing new."""
    ctx = Context.open(home, PROJECT)
    raw = ctx.folder / "raw/train"
    raw.mkdir(parents=True, exist_ok=True)
    os.link(file, raw / file.name)
    ctx.spark.range(1).count()
    ctx.sign("ingest")
    told = timed(lambda: ingest.run(ctx).written)
    return {**told, "again": timed(lambda: ingest.run(ctx).written)["seconds"]}


def spark(home: Path, file: Path) -> dict[str, Any]:
    """The shortest that Spark can do it in."""
    session = Context.open(home, PROJECT).spark
    session.range(1).count()
    out = str(home / "bare")
    told = timed(lambda: READ[file.suffix[1:]](session, str(file)).write.format("delta").save(out) or 0)
    return {**told, "rows": session.read.format("delta").load(out).count()}


def duckdb(home: Path, file: Path) -> dict[str, Any]:
    """DuckDB reads, delta-rs writes."""
    import duckdb
    from deltalake import DeltaTable, write_deltalake

    def job() -> int:
        with duckdb.connect() as connection:
            reader = connection.sql(f"FROM {DUCK[file.suffix[1:]].format(file)}").to_arrow_reader()
            write_deltalake(str(home / "duck"), reader)
        return 0

    return {**timed(job), "rows": DeltaTable(str(home / "duck")).to_pyarrow_dataset().count_rows()}


def our_silver(home: Path, file: Path) -> dict[str, Any]:
    """The stage over a bronze that is there."""
    ctx = Context.open(home, PROJECT)
    ctx.spark.range(1).count()
    ctx.sign("silver")
    return timed(lambda: silver.run(ctx).written)


def one_select(home: Path, file: Path) -> dict[str, Any]:
    """The same cleaning by hand, of the same bronze."""
    import unicodedata

    from pyspark.sql.functions import pandas_udf

    ctx = Context.open(home, PROJECT)
    session = ctx.spark

    @pandas_udf("string")
    def nfc(text: pd.Series) -> pd.Series:
        return text.map(lambda value: unicodedata.normalize("NFC", value), na_action="ignore")

    session.udf.register("nfc", nfc)
    session.read.format("delta").load(str(ctx.folder / "tables/bronze")).createOrReplaceTempView("bronze")
    query = CLEAN.format(title=TEXT.format("Title"), body=TEXT.format("Content"))
    out = str(home / "selected")
    told = timed(lambda: session.sql(query).drop("place").write.format("delta").save(out) or 0)
    return {**told, "rows": session.read.format("delta").load(out).count()}


JOBS = {"ours": ours, "spark": spark, "duckdb": duckdb, "our_silver": our_silver, "one_select": one_select}

if __name__ == "__main__":
    name, home, file = sys.argv[1:]
    print(json.dumps(JOBS[name](Path(home), Path(file))), flush=True)
