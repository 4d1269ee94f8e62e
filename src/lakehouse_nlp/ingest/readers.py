"""Files as rows of text, by Spark's own readers: declared columns, what is left over, and rows that are no rows.

Every reader gives the declared columns as strings, `_rescued` (fields nobody declared, as a JSON object or null),
`_corrupt` (the text of a row that could not be split into fields, else null) and `_row` (order in the file).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.ingest.files import RawFile, columns, layout, separator

FIELDS = "map<string,string>"


def read(spark: SparkSession, file: RawFile, settings: Settings) -> DataFrame:
    """The rows of one verified file."""
    sources = {name: column.source or name for name, column in settings.columns.items()}
    kind = layout(file, settings.ingest.encoding)
    if kind in ("csv", "tsv"):
        return _delimited(spark, file, settings, sources)
    if kind == "parquet":
        return _parquet(spark, file.path, sources)
    return _json(spark, file.path, sources, whole=kind == "json", encoding=settings.ingest.encoding)


def _json(spark: SparkSession, path: Path, sources: Mapping[str, str], *, whole: bool, encoding: str) -> DataFrame:
    """Objects as maps of strings: one pass, no schema to infer, and no field that can be lost."""
    if whole:
        text = spark.read.option("wholetext", "true").text(_literal(path))
        rows = text.select(
            F.explode(F.from_json("value", f"array<{FIELDS}>")).alias("fields"), F.lit(None).alias("value")
        )
    else:
        text = spark.read.option("encoding", encoding).text(_literal(path)).where("trim(value) <> ''")
        rows = text.select(F.from_json("value", FIELDS).alias("fields"), "value")
    rows = rows.withColumn("_row", F.monotonically_increasing_id())
    declared = F.array(*(F.lit(source) for source in sources.values()))
    extra = F.map_filter("fields", lambda key, value: ~F.array_contains(declared, key))
    return rows.select(
        *(F.col("fields")[source].alias(name) for name, source in sources.items()),
        F.when(F.size(extra) > 0, F.to_json(extra)).alias("_rescued"),
        F.when(F.col("fields").isNull(), F.col("value")).alias("_corrupt"),
        "_row",
    )


def _delimited(spark: SparkSession, file: RawFile, settings: Settings, sources: Mapping[str, str]) -> DataFrame:
    """Delimited text with quoted newlines; a row with too few or too many fields is corrupt."""
    options = settings.ingest
    header = columns(file, options.delimiter, options.encoding)
    places = [f"c{place}" for place in range(len(header))]
    frame = (
        spark.read.schema(", ".join(f"{place} string" for place in [*places, "_corrupt"]))
        .option("header", "true")
        .option("sep", separator(file, options.delimiter, options.encoding))
        .option("encoding", options.encoding)
        .option("multiLine", "true")
        .option("quote", '"')
        .option("escape", '"')
        .option("mode", "PERMISSIVE")
        .option("columnNameOfCorruptRecord", "_corrupt")
        .csv(_literal(file.path))
    )
    where = dict(zip(header, places, strict=True))
    return _aligned(frame, {name: F.col(place) for name, place in where.items()}, sources, F.col("_corrupt"))


def _parquet(spark: SparkSession, path: Path, sources: Mapping[str, str]) -> DataFrame:
    """Typed columns as text: nested ones as JSON, the others as Spark casts them."""
    frame = spark.read.parquet(_literal(path))
    nested = ("array", "map", "struct")
    values = {
        name: F.to_json(f"`{name}`") if kind.startswith(nested) else F.col(f"`{name}`").cast("string")
        for name, kind in frame.dtypes
    }
    return _aligned(frame, values, sources, F.lit(None).cast("string"))


def _aligned(frame: DataFrame, values: Mapping[str, Column], sources: Mapping[str, str], corrupt: Column) -> DataFrame:
    """The file's columns under their declared names; the rest as one JSON object."""
    empty = F.lit(None).cast("string")
    rest = [value.alias(name) for name, value in values.items() if name not in sources.values()]
    rescued = F.to_json(F.struct(*rest)) if rest else empty
    return frame.withColumn("_row", F.monotonically_increasing_id()).select(
        *(values.get(source, empty).alias(name) for name, source in sources.items()),
        F.when(rescued != "{}", rescued).alias("_rescued"),
        corrupt.alias("_corrupt"),
        "_row",
    )


def _literal(path: Path) -> str:
    """The path as Spark takes it: characters that would be patterns are escaped."""
    return re.sub(r"([\\\[\]{}*?])", r"\\\1", str(path))
