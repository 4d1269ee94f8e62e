"""What makes the text's vectors, from the settings: words trained by Spark NLP, or an encoder read from its folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lakehouse_nlp.core.errors import DataError, UsageError
from lakehouse_nlp.core.recipes import TRAIN, recipe
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.learning import Encoder, Word2Vec
from lakehouse_nlp.model import encoder
from lakehouse_nlp.model.vectors import Vectors, WordVectors

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TEXT, DOCUMENT, TOKENS, VECTORS = "clean_text", "_document", "_tokens", "_vectors"


def vectors(wanted: Word2Vec | Encoder, gold: Callable[[], DataFrame], home: Path) -> Vectors:
    """What the settings ask for; `gold`: gives the training rows, which words are learnt from.

    Raises UsageError where an encoder cannot be used, DataError where there are too few words.
    """
    return word_vectors(gold(), wanted) if isinstance(wanted, Word2Vec) else encoder_of(wanted, home)


def word_vectors(gold: DataFrame, wanted: Word2Vec) -> WordVectors:
    """The words of these rows and their vectors, sorted by word, by Spark NLP's Word2VecApproach.

    The rows go in sorted by key, as one partition: it learns from word to word, and the same order is the same vectors.
    Raises DataError where no word occurs often enough.
    """
    from pyspark.errors import IllegalArgumentException
    from pyspark.ml import Pipeline
    from sparknlp.annotator import RegexTokenizer, Word2VecApproach
    from sparknlp.base import DocumentAssembler

    words = Word2VecApproach().setInputCols([TOKENS]).setOutputCol(VECTORS).setNumPartitions(1).setSeed(wanted.seed)
    words = words.setVectorSize(wanted.size).setMinCount(wanted.min_count).setWindowSize(wanted.window)
    tokens = RegexTokenizer().setInputCols([DOCUMENT]).setOutputCol(TOKENS).setPattern(" ").setToLowercase(False)
    stages = [DocumentAssembler().setInputCol(TEXT).setOutputCol(DOCUMENT), tokens, words.setMaxIter(wanted.iterations)]
    rows = gold.select("key", TEXT).na.fill("", [TEXT]).repartition(1).sortWithinPartitions("key")
    try:
        model = Pipeline(stages=stages).fit(rows)
    except IllegalArgumentException as error:
        raise DataError(
            f"features.text.vectors: no word occurs {wanted.min_count} times in the training rows",
            hint="lower features.text.vectors.min_count, or bring more rows",
        ) from error
    model.transform(rows)  # until it has been asked for something, it has no vectors to give
    learnt: Any = model.stages[-1]
    found = learnt.getVectors().toPandas().sort_values("word", ignore_index=True)
    return WordVectors(tuple(found["word"]), np.stack(found["vector"].to_list()).astype(np.float32))


def encoder_of(wanted: Encoder, home: Path) -> encoder.Encoder:
    """The encoder in the folder, tried. Raises UsageError, with what to do."""
    folder = home / wanted.folder
    _files(folder)
    try:
        return encoder.read_encoder(folder, wanted.max_tokens, wanted.pooling)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"features.text.vectors: kind onnx needs {error.name}, which is not installed",
            hint="pip install 'lakehouse-nlp[onnx]', here and where models are served",
        ) from error
    except ValueError as error:
        raise UsageError(
            f"features.text.vectors: {folder}: {error}",
            hint="export it as one file from input_ids to last_hidden_state, for any number of texts and tokens",
        ) from error


def encoder_hash(wanted: Encoder, home: Path) -> str:
    """16 hex digits over the encoder's files: other files make another model. Raises UsageError."""
    digest = hashlib.sha256()
    for file in _files(home / wanted.folder):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def model_recipe(settings: Settings, home: Path) -> str:
    """The settings that a model depends on, as a hash, and that of its encoder's files, which are read besides."""
    found = settings.features.text.vectors
    files = f"/{encoder_hash(found, home)}" if isinstance(found, Encoder) and settings.text else ""
    return f"{recipe(settings, TRAIN)}{files}"


def _files(folder: Path) -> list[Path]:
    """The encoder's files. Raises UsageError where one is missing."""
    files = [folder / name for name in (encoder.MODEL, encoder.TOKENIZER)]
    if missing := [file.name for file in files if not file.is_file()]:
        raise UsageError(
            f"features.text.vectors: no {' and no '.join(missing)} in {folder}",
            hint="put the encoder's files there, or mend features.text.vectors.folder",
        )
    return files
