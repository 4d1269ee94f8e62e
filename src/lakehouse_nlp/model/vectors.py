"""Text to dense vectors: the mean of its words' vectors, or an encoder's; one object for training and serving.

A text without tokens has no vector: NaN throughout, which the booster takes for missing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lakehouse_nlp.model.vectoriser import ngrams, places_in

Singles = NDArray[np.float32]
WORDS, TABLE = "words.json", "table.npy"


class Vectors(Protocol):
    """What makes vectors of texts. `prefix`: what its features are called by (`w2v_0`, `w2v_1` …)."""

    @property
    def prefix(self) -> str:
        """The first part of each feature's name."""

    @property
    def size(self) -> int:
        """Numbers in a vector."""

    def of(self, text: pa.Array | pa.ChunkedArray) -> Singles:
        """The vector of each text, len(text) x size; null is an empty text. A row's does not depend on others."""

    def save(self, folder: Path) -> None:
        """Writes what `load_vectors` reads into the folder, which is made if it is not there."""


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Vectors of words, len(words) x size, and of a text the mean over its tokens. As in Spark NLP's SentenceEmbeddings
    an unknown word counts, with zeros.
    """

    words: tuple[str, ...] = field(repr=False)
    table: Singles = field(repr=False)
    prefix: ClassVar[str] = "w2v"

    @property
    def size(self) -> int:
        """Numbers in a vector."""
        return int(self.table.shape[1])

    def of(self, text: pa.Array | pa.ChunkedArray) -> Singles:
        """The mean over each text's tokens, which lie between blanks, len(text) x size; NaN where there are none."""
        rows, ids, terms = next(ngrams(text, 1))
        places = places_in(self.words, terms)[ids]
        known, tokens = places >= 0, np.bincount(rows, minlength=len(text))[:, None]
        cells = (np.ones(known.sum()), (rows[known], places[known]))
        sums = csr_matrix(cells, shape=(len(text), len(self.words))) @ self.table.astype(np.float64)
        means = np.divide(sums, tokens, out=np.full(sums.shape, np.nan), where=tokens > 0)
        return np.asarray(means, dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Writes `words.json` and `table.npy`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / WORDS).write_text(json.dumps(self.words, ensure_ascii=False, indent=0), encoding="utf-8")
        np.save(folder / TABLE, self.table, allow_pickle=False)


def load_vectors(folder: Path) -> Vectors | None:
    """What `Vectors.save` wrote; None where there is no such folder."""
    from lakehouse_nlp.model.encoder import ABOUT, load_encoder

    if not folder.exists():
        return None
    if (folder / ABOUT).exists():
        return load_encoder(folder)
    words = tuple(json.loads((folder / WORDS).read_text(encoding="utf-8")))
    return WordVectors(words, np.load(folder / TABLE, allow_pickle=False))
