"""Stems as Spark NLP's Stemmer makes them, at a fraction of its cost: of a common word once, not each time it comes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.gold.tokens import COLUMN, through

if TYPE_CHECKING:
    from pyspark.sql import Column

# The dictionary: the commonest words of so many rows, and of plain letters and digits, which any file can hold.
ROWS, WORDS, WORD = 10_000, 50_000, r"^[\p{L}\p{N}']{1,40}\z"
KNOWN = "="  # stands before every stem of the dictionary, and no word of it begins so


def stemmed(rows: DataFrame, like: DataFrame) -> DataFrame:
    """The rows with the words of their column `tokens` stemmed; what words are common is learnt from rows like them.

    Spark NLP's Lemmatizer looks the common words up. It leaves others as they are, and these are stemmed one by one:
    what is in the dictionary moves the time and never the result.
    """
    looked_up = through(rows.withColumn("_word", F.col(COLUMN)), _dictionary(like))
    stems = F.zip_with(
        COLUMN, "_word", lambda found, word: F.when(found == word, _stem(word)).otherwise(found.substr(2, 1 << 30))
    )
    return looked_up.withColumn(COLUMN, stems).drop("_word")


def _dictionary(rows: DataFrame) -> Any:
    """A fitted Lemmatizer that has the stems of the common words."""
    from sparknlp.annotator import Lemmatizer

    words = rows.limit(ROWS).select(F.explode(COLUMN).alias("word")).where(F.col("word").rlike(WORD))
    common = words.groupBy("word").count().orderBy(F.desc("count"), "word").limit(WORDS)
    lines = [f"{KNOWN}{stem}->{word}\n" for word, stem in common.select("word", _stem(F.col("word"))).collect()]
    lemmatizer = Lemmatizer().setInputCols(["_given"]).setOutputCol("_looked_up")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stems.txt"
        path.write_text("".join(lines), encoding="utf-8")
        return lemmatizer.setDictionary(path.as_uri(), "->", "\t").fit(rows)


def _stem(word: Column) -> Column:
    """The function that Spark NLP's Stemmer calls for each token."""
    stemmer = F.lit("com.johnsnowlabs.nlp.annotators.EnglishStemmer"), F.lit("stem")
    return F.call_function("reflect", *stemmer, word)
