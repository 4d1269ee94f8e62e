"""The Spark NLP pipeline that the settings describe: made, fitted, saved, and known by a hash."""

from __future__ import annotations

import hashlib
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.ml import Pipeline, PipelineModel

from lakehouse_nlp.core.settings.models import Nlp

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TEXT, TOKENS = "_text", "_tokens"


def nlp_hash(nlp: Nlp, home: Path) -> str:
    """16 hex digits over all that the tokens depend on: the settings, the lemma dictionary, Spark NLP's version."""
    lemmas = (home / nlp.lemmas).read_bytes() if nlp.lemmas else b""
    parts = (nlp.model_dump_json().encode(), hashlib.sha256(lemmas).digest(), version("spark-nlp").encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def fitted(spark: SparkSession, nlp: Nlp, home: Path, folder: Path) -> PipelineModel:
    """The fitted pipeline, from the text column `_text` to the annotation column `_tokens`.

    Saved as `<folder>/<hash>` when first made, and loaded from there ever after.
    """
    place = folder / nlp_hash(nlp, home)
    if place.exists():
        return PipelineModel.load(str(place))
    model = Pipeline(stages=stages(nlp, home)).fit(spark.createDataFrame([("",)], f"{TEXT} string"))
    half = place.with_name(f".{place.name}")
    shutil.rmtree(half, ignore_errors=True)
    model.save(str(half))
    half.rename(place)
    return model


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
        chain.append(Lemmatizer().setDictionary(str(home / nlp.lemmas), "->", "\t"))
    if nlp.stem:
        chain.append(Stemmer())
    names = ["_document", *(f"_{place}" for place in range(1, len(chain) - 1)), TOKENS]
    for place, annotator in enumerate(chain):
        if place:
            annotator.setInputCols([names[place - 1]])
        annotator.setOutputCol(names[place])
    return chain


def _stop_words(words: str | tuple[str, ...]) -> list[str]:
    """A list as it is; for a language, the list that Spark ML carries (english, spanish, german …)."""
    from pyspark.ml.feature import StopWordsRemover

    return StopWordsRemover.loadDefaultStopWords(words) if isinstance(words, str) else list(words)
