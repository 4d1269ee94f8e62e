"""The Spark NLP pipeline that the settings describe: made, fitted, saved, known by a hash, and run over texts."""

from __future__ import annotations

import hashlib
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.ml import Pipeline, PipelineModel
from pyspark.sql import functions as F

from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.settings.models import Nlp
from lakehouse_nlp.core.uri import file_uri
from lakehouse_nlp.gold.stems import stemmed
from lakehouse_nlp.gold.tokens import plain, split, through

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

TEXT, TOKENS = "_text", "_tokens"
# What a platform's own engine may take apart otherwise than Java does: case, classes of characters, marks, blanks.
TRIED = (
    "The Quick brown foxes weren't jumping; 2 cats' café, naïve 😀!", "I İSTANBUL ıiIİ Straße ẞ ΣΑΣ ŒUVRE ǅ K",
    "日本語の テキスト 한국어 ไทย हिन्दी العربية ٣٤٥ Ⅷ ½ x²",
    "e\u0301 a\u200db c\u00add \u00a0 \u2028 \ufeff \U0001d400 😀\u200d👧", "'' ' \t\r\n", "",
)  # fmt: skip


def tokenised(rows: DataFrame, nlp: Nlp, home: Path, folder: Path, lying: DataFrame | None = None) -> DataFrame:
    """The rows with a column `tokens`, an array of strings, made of their text column `_text`; empty where it is null.

    `home`: where the lemma dictionary's path counts from; `folder`: where fitted pipelines are kept. Where `annotators`
    is `needed`, only what Spark SQL does not do alike is left to Spark NLP. `lying`: the rows as they lie, where `rows`
    are dealt out: a few of them are looked at before, and must not cost a shuffle of all.
    """
    place = kept(rows.sparkSession, nlp, home, folder)
    if not plain(nlp):
        return _annotated(rows, PipelineModel.load(file_uri(place)))
    return _quick(rows, nlp, PipelineModel.load(file_uri(place)) if nlp.lemmas else None, lying)


def nlp_hash(nlp: Nlp, home: Path) -> str:
    """16 hex digits over all that the tokens depend on: the settings, the lemma dictionary, Spark NLP's version."""
    lemmas = (home / nlp.lemmas).read_bytes() if nlp.lemmas else b""
    settings = nlp.model_dump_json(exclude={"annotators"})
    parts = (settings.encode(), hashlib.sha256(lemmas).digest(), version("spark-nlp").encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def kept(spark: SparkSession, nlp: Nlp, home: Path, folder: Path) -> Path:
    """Where the fitted pipeline is, from the text column `_text` to the annotation column `_tokens`.

    That is `<folder>/<hash>`; it is fitted and saved if it is not there yet. Raises DataError where Spark SQL, which is
    to do its plain steps, does not make the same tokens here.
    """
    place = folder / nlp_hash(nlp, home)
    if place.exists():
        return place
    tried = spark.createDataFrame([(text,) for text in TRIED], f"{TEXT} string").coalesce(1)
    model = Pipeline(stages=stages(nlp, home)).fit(tried)
    if plain(nlp):
        _refuse_others(_annotated(tried, model), _quick(tried, nlp, model))
    half = place.with_name(f".{place.name}")
    shutil.rmtree(half, ignore_errors=True)
    model.save(file_uri(half))
    half.rename(place)
    return place


def stages(nlp: Nlp, home: Path) -> list[Any]:
    """The annotators, in order; the last one writes `_tokens`."""
    from sparknlp.annotator import Lemmatizer, Normalizer, RegexTokenizer, Stemmer, StopWordsCleaner, Tokenizer
    from sparknlp.base import DocumentAssembler

    chain: list[Any] = [DocumentAssembler().setInputCol(TEXT)]
    if nlp.tokenizer == "regex":
        chain.append(RegexTokenizer().setPattern(nlp.pattern).setToLowercase(nlp.lowercase))
    else:
        chain.append(Tokenizer())
    if nlp.normalizer or (nlp.tokenizer == "rules" and nlp.lowercase):
        chain.append(Normalizer().setLowercase(nlp.lowercase).setCleanupPatterns([nlp.pattern]))
    if nlp.stop_words:
        cleaner = StopWordsCleaner().setCaseSensitive(False)
        chain.append(cleaner.setStopWords(_stop_words(nlp.stop_words)))
    if nlp.lemmas:
        chain.append(Lemmatizer().setDictionary(file_uri(home / nlp.lemmas), "->", "\t"))
    if nlp.stem:
        chain.append(Stemmer())
    names = ["_document", *(f"_{place}" for place in range(1, len(chain) - 1)), TOKENS]
    for place, annotator in enumerate(chain):
        if place:
            annotator.setInputCols([names[place - 1]])
        annotator.setOutputCol(names[place])
    return chain


def _annotated(rows: DataFrame, model: PipelineModel) -> DataFrame:
    """Every step by its annotator."""
    return model.transform(rows).select(
        *(F.col(f"`{name}`") for name in rows.columns), F.col(f"{TOKENS}.result").alias("tokens")
    )


def _quick(rows: DataFrame, nlp: Nlp, model: PipelineModel | None, lying: DataFrame | None = None) -> DataFrame:
    """The plain steps by Spark SQL, lemmas by the Lemmatizer of the pipeline, if it has one, stems by a dictionary."""
    made = _unstemmed(rows, nlp, model)
    if not nlp.stem:
        return made
    return stemmed(made, made if lying is None else _unstemmed(lying, nlp, model))


def _unstemmed(rows: DataFrame, nlp: Nlp, model: PipelineModel | None) -> DataFrame:
    made = rows.withColumn("tokens", split(F.col(TEXT), nlp, _stop_words(nlp.stop_words)))
    if nlp.lemmas and model is not None:
        made = through(made, model.stages[-2 if nlp.stem else -1])
    return made


def _refuse_others(annotated: DataFrame, quick: DataFrame) -> None:
    for (text, wanted), (_, found) in zip(annotated.collect(), quick.collect(), strict=True):
        if found != wanted:
            raise DataError(
                f"gold.nlp: of {text!r} Spark NLP makes {wanted}, and this platform's Spark SQL {found}",
                hint="set gold.nlp.annotators to all: every step is done by Spark NLP then",
            )


def _stop_words(words: str | tuple[str, ...] | None) -> list[str]:
    """A list as it is; for a language, the list that Spark ML carries (english, spanish, german …)."""
    from pyspark.ml.feature import StopWordsRemover

    if words is None:
        return []
    return StopWordsRemover.loadDefaultStopWords(words) if isinstance(words, str) else list(words)
