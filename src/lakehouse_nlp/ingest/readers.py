"""Staged files as rows of bronze: every column as text, and nothing lost but what the project drops.

`_rescued` (fields that have no column and are not dropped, as JSON), `_corrupt` (the text of a row that cannot be
split into fields), `_fault` (why), `_row` (its place in the file, from 1) and `_line` (where it begins). JSON is split
by Spark's own `from_json`; delimited text was split when it was staged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.uri import file_uri
from lakehouse_nlp.ingest.columns import Fields
from lakehouse_nlp.ingest.staged import Staged

FIELDS = "map<string,string>"
CHUNK = "_row bigint, _line bigint, text string, _fault string, _file string, _file_hash string, _purpose string"
ORIGIN = ("_row", "_line", "_purpose", "_file", "_file_hash")
# Characters of a string that Spark's JSON parser (Jackson 2.15) takes.
LONGEST = 20_000_000
STRICT = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}


def read(
    spark: SparkSession, files: Sequence[Staged], settings: Settings, evolved: Sequence[str] = ()
) -> list[DataFrame]:
    """The rows of staged files: a frame for each group of them that is read alike.

    `evolved`: columns that nobody declared and that bronze has all the same.
    """
    fields = Fields.of(settings, evolved)
    alike = sorted(files, key=_likeness)
    groups = [list(group) for _, group in groupby(alike, key=_likeness)]
    return [READERS[group[0].kind](spark, group, fields) for group in groups]


def _likeness(file: Staged) -> str:
    if file.kind in ("parquet", "orc"):
        return f"{file.kind} {file.file.hash} {file.file.purpose}"
    return f"{file.kind} {file.columns if file.kind != 'json' else ''}"


def _chunks(spark: SparkSession, files: Sequence[Staged], cells: Sequence[str] = ()) -> DataFrame:
    """Chunks as `chunks.py` writes them, by their folders: to be asked for each of hundreds takes Spark a job."""
    schema = ", ".join([CHUNK, *(f"{name} string" for name in cells)])
    folders = dict.fromkeys(chunk.parent for file in files for chunk in file.chunks)
    return spark.read.schema(schema).parquet(*map(_literal, folders))


def _csv(spark: SparkSession, files: Sequence[Staged], fields: Fields) -> DataFrame:
    """Records that are split already."""
    names = files[0].columns
    cells = [f"c{place}" for place in range(len(names))]
    values = {name: F.when(F.col(cell) != "", F.col(cell)) for name, cell in zip(names, cells, strict=True)}
    return _aligned(_chunks(spark, files, cells), values, fields)


def _json(spark: SparkSession, files: Sequence[Staged], fields: Fields) -> DataFrame:
    """Objects as maps of strings: no schema to infer, and no field that can be lost.

    A text counts as an object if it is the only one: Spark alone would take the first, and drop what follows it.
    """
    text = F.when(F.col("_fault").isNull(), F.concat(F.lit("["), "text", F.lit("]")))
    rows = _chunks(spark, files).withColumn("_all", F.from_json(text, f"array<{FIELDS}>", STRICT))
    rows = rows.withColumn("fields", F.when(F.size("_all") == 1, F.col("_all")[0]))
    names = F.map_keys("fields")
    twice = F.when(
        F.size(F.array_distinct(names)) < F.size(names),
        F.concat(F.lit("a field that comes twice: "), _first_double(names)),
    )
    long = F.when(F.length("text") > LONGEST, F.lit(f"; a string may have {LONGEST:,} characters")).otherwise("")
    unread = F.when(F.col("fields").isNull(), F.concat(F.lit("no JSON object that Spark can read"), long))
    rows = rows.withColumn("_fault", F.coalesce("_fault", unread, twice))
    good = F.col("_fault").isNull()
    extra = F.map_filter("fields", lambda key, value: _rescues(key, fields))
    return rows.select(
        *(F.when(good, F.col("fields")[source]).alias(name) for name, source in fields.sources.items()),
        F.when(good & (F.size(extra) > 0), F.to_json(extra)).alias("_rescued"),
        F.when(~good, F.expr(r"trim(BOTH ' \t\r\n' FROM text)")).alias("_corrupt"),
        "_fault",
        *ORIGIN,
    )


def _first_double(names: Column) -> Column:
    return F.filter(names, lambda name: F.size(F.filter(names, lambda other: other == name)) > 1)[0]


def _rescues(key: Column, fields: Fields) -> Column:
    """`Fields.rescues` of names that only the rows know."""
    drift = fields.drift
    dropped = [name for name in drift.columns if drift.policy(name) == "drop"]
    kept = key.isin(*drift.columns) & ~key.isin(*dropped) if drift.new == "drop" else ~key.isin(*dropped)
    return kept & ~key.isin(*fields.sources.values())


def _typed(spark: SparkSession, files: Sequence[Staged], fields: Fields) -> DataFrame:
    """Typed columns as text: nested ones as JSON, the others as Spark casts them."""
    (file,) = files
    frame = spark.read.format(file.kind).load([_literal(chunk) for chunk in file.chunks])
    nested = ("array", "map", "struct")
    values = {
        name: F.to_json(f"`{name}`") if kind.startswith(nested) else F.col(f"`{name}`").cast("string")
        for name, kind in frame.dtypes
    }
    row = F.col("_metadata.row_index") if file.kind == "parquet" else F.monotonically_increasing_id()
    named = {
        "_line": F.lit(None).cast("bigint"),
        "_fault": F.lit(None).cast("string"),
        "text": F.lit(None).cast("string"),
    }
    about = {"_purpose": file.file.purpose, "_file": file.file.path.name, "_file_hash": file.file.hash}
    rows = frame.select("*", (row + 1).alias("_row"), *(column.alias(name) for name, column in named.items()))
    rows = rows.withColumns({name: F.lit(value) for name, value in about.items()})
    return _aligned(rows, values, fields)


def _aligned(frame: DataFrame, values: Mapping[str, Column], fields: Fields) -> DataFrame:
    """The file's columns under their declared names; the rest as one JSON object. A row with a fault has no values."""
    empty = F.lit(None).cast("string")  # of a column that the file lacks
    rest = [value.alias(name) for name, value in values.items() if fields.rescues(name)]
    rescued = F.to_json(F.struct(*rest)) if rest else empty
    return frame.select(
        *(values.get(source, empty).alias(name) for name, source in fields.sources.items()),
        F.when(rescued != "{}", rescued).alias("_rescued"),
        F.when(F.col("_fault").isNotNull(), F.col("text")).alias("_corrupt"),
        "_fault",
        *ORIGIN,
    )


def _literal(path: Path) -> str:
    """The path as Spark's readers take it, which would find patterns in it."""
    return re.sub(r"([\\\[\]{}*?])", r"\\\1", file_uri(path))


READERS = {"csv": _csv, "json": _json, "parquet": _typed, "orc": _typed}
