"""Files as rows of text, by Spark's own readers: declared columns, what is left over, and rows that are no rows.

Every reader gives the declared columns as strings, `_rescued` (fields nobody declared, as a JSON object or null),
`_corrupt` (the text of a row that could not be split into fields, else null) and `_row` (order in the file).
"""

from __future__ import annotations

import codecs
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.ingest.files import RawFile, columns, layout, separator

FIELDS = "map<string,string>"
SECOND_NAMES = ".named"


def read(spark: SparkSession, file: RawFile, settings: Settings) -> DataFrame:
    """The rows of one verified file."""
    sources = {name: column.source or name for name, column in settings.columns.items()}
    encoding = codecs.lookup(settings.ingest.encoding).name.removesuffix("-sig")  # a name that Java knows too
    kind = layout(file, encoding)
    if kind in ("csv", "tsv"):
        return _delimited(spark, file, settings.ingest.delimiter, encoding, sources)
    if kind == "parquet":
        return _parquet(spark, file.path, sources)
    return _json(spark, file.path, sources, whole=kind == "json", encoding=encoding)


def _json(spark: SparkSession, path: Path, sources: Mapping[str, str], *, whole: bool, encoding: str) -> DataFrame:
    """Objects as maps of strings: one pass, no schema to infer, and no field that can be lost.

    A text counts as an object if it is the only one: Spark alone would take the first, and drop what follows it.
    """
    texts = (_elements if whole else _lines)(spark, path, encoding).where("trim(value) <> ''")
    alone = F.from_json(F.concat(F.lit("["), "value", F.lit("]")), f"array<{FIELDS}>")
    rows = texts.withColumn("_row", F.monotonically_increasing_id()).withColumn("_all", alone)
    rows = rows.withColumn("fields", F.when(F.size("_all") == 1, F.col("_all")[0]))
    declared = F.array(*(F.lit(source) for source in sources.values()))
    extra = F.map_filter("fields", lambda key, value: ~F.array_contains(declared, key))
    return rows.select(
        *(F.col("fields")[source].alias(name) for name, source in sources.items()),
        F.when(F.size(extra) > 0, F.to_json(extra)).alias("_rescued"),
        F.when(F.col("fields").isNull(), F.col("value")).alias("_corrupt"),
        "_row",
    )


def _lines(spark: SparkSession, path: Path, encoding: str) -> DataFrame:
    """The lines of a text file as `value`. Spark cuts at bytes, so an encoding of wider characters is read whole."""
    if not "\n".encode(encoding).endswith(b"\n") or len("\n".encode(encoding)) > 1:
        return _whole(spark, path, encoding).select(F.explode(F.split("value", "\r?\n")).alias("value"))
    text = spark.read.text(_literal(path))
    decoded = F.col("value") if encoding.startswith("utf") else F.decode(F.col("value").cast("binary"), encoding)
    return text.select(F.regexp_replace(decoded, "^\ufeff", "").alias("value"))


def _elements(spark: SparkSession, path: Path, encoding: str) -> DataFrame:
    """The elements of one JSON document as texts `value`: those of an array, or the document itself."""
    found = F.when(F.col("value").rlike(r"^\s*\["), F.from_json("value", "array<string>"))
    elements = F.coalesce(found, F.array("value"))
    return _whole(spark, path, encoding).select(F.explode(elements).alias("value"))


def _whole(spark: SparkSession, path: Path, encoding: str) -> DataFrame:
    """The text of a file as one `value`, without a byte order mark."""
    text = spark.read.text(_literal(path), wholetext=True)
    decoded = F.decode(F.col("value").cast("binary"), encoding)
    return text.select(F.regexp_replace(decoded, "^\ufeff", "").alias("value"))


def _delimited(
    spark: SparkSession, file: RawFile, delimiter: str | None, encoding: str, sources: Mapping[str, str]
) -> DataFrame:
    """Delimited text with quoted newlines; a row with too few or too many fields is corrupt."""
    header = columns(file, delimiter, encoding)
    places = [f"c{place}" for place in range(len(header))]
    frame = (
        spark.read.schema(", ".join(f"{place} string" for place in [*places, "_corrupt"]))
        .option("header", "true")
        .option("sep", separator(file, delimiter, encoding))
        .option("encoding", encoding)
        .option("multiLine", "true")
        .option("quote", '"')
        .option("escape", '"')
        .option("mode", "PERMISSIVE")
        .option("columnNameOfCorruptRecord", "_corrupt")
        .csv(_literal(file.path))
    )
    names = [f"{name}#{place}" if name in header[:place] else name for place, name in enumerate(header)]
    return _aligned(frame, {name: F.col(c) for name, c in zip(names, places, strict=True)}, sources, F.col("_corrupt"))


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
    """The path as Spark takes it: characters that would be patterns are escaped.

    Spark refuses a name with a colon, and takes `.GZ` for plain text: such a file gets a second name beside it.
    """
    name = path.name.replace(":", "_")
    name = name[:-3] + ".gz" if name.lower().endswith(".gz") else name
    if name != path.name:
        path = _linked(path, path.parent / SECOND_NAMES / name)
    return re.sub(r"([\\\[\]{}*?])", r"\\\1", str(path))


def _linked(path: Path, second: Path) -> Path:
    second.parent.mkdir(exist_ok=True)
    second.unlink(missing_ok=True)
    try:
        second.hardlink_to(path)
    except OSError:  # a file system without links
        shutil.copy(path, second)
    return second
