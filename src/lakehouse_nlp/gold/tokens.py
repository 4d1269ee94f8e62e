"""The plain steps of the pipeline as Spark SQL expressions, and tokens given to single annotators of Spark NLP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.settings.models import Nlp

if TYPE_CHECKING:
    from pyspark.sql import Column

COLUMN = "tokens"


def plain(nlp: Nlp) -> bool:
    """Whether the steps before lemmas and stems are such that Spark SQL does them as the annotators do."""
    return nlp.annotators == "needed" and nlp.tokenizer == "regex" and not nlp.normalizer


def split(text: Column, nlp: Nlp, stop_words: Sequence[str]) -> Column:
    """The tokens of a text, as RegexTokenizer and StopWordsCleaner make them: an array of strings, empty for null."""
    text = F.coalesce(text, F.lit(""))
    parts = F.split(F.lower(text) if nlp.lowercase else text, nlp.pattern)
    if not stop_words:
        return F.array_remove(parts, "")
    dropped = ["", *sorted({word.lower() for word in stop_words})]
    return F.filter(parts, lambda token: ~(token if nlp.lowercase else F.lower(token)).isin(dropped))


def through(rows: DataFrame, annotator: Any) -> DataFrame:
    """The rows with their column `tokens` taken through an annotator of Spark NLP that makes tokens of tokens."""
    (given,), made = annotator.getInputCols(), annotator.getOutputCol()
    annotations = F.transform(COLUMN, _annotation).alias(given, metadata={"annotatorType": "token"})
    found: DataFrame = annotator.transform(rows.select("*", annotations))
    return found.withColumn(COLUMN, F.col(f"{made}.result")).drop(given, made)


def _annotation(token: Column) -> Column:
    """A token as Spark NLP has it, without the place in the text, which no annotator of single tokens looks at."""
    return F.struct(
        F.lit("token").alias("annotatorType"),
        F.lit(0).alias("begin"),
        F.lit(0).alias("end"),
        token.alias("result"),
        F.expr("cast(map() AS map<string, string>)").alias("metadata"),
        F.expr("cast(array() AS array<float>)").alias("embeddings"),
    )
