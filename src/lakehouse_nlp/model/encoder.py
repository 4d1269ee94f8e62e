"""Sentence vectors from an encoder in ONNX, on one thread of the CPU: tokens by `tokenizers`, layers by `onnxruntime`.

Texts of one length go in together, so that none is padded: a row's vector does not depend on the rows beside it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lakehouse_nlp.model.vectors import Singles

# Spark's tasks are parallel already, and forked processes that bring threads warn of deadlocks.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

MODEL, TOKENIZER, ABOUT = "model.onnx", "tokenizer.json", "encoder.json"
LIBRARIES = ("onnxruntime", "tokenizers")
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
# Tokens that go in at once.
BATCH = 8192

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Encoder:
    """An encoder's files, by their content, so that it goes to other machines by itself; and how they are used.

    `max_tokens`: of a text at most; `pooling`: `mean` or `cls`; `size`: numbers in a vector.
    """

    model: bytes = field(repr=False)
    tokenizer: str = field(repr=False)
    max_tokens: int = 256
    pooling: str = "mean"
    size: int = 0
    prefix: ClassVar[str] = "onnx"

    def of(self, text: pa.Array | pa.ChunkedArray) -> Singles:
        """The vector of each text, len(text) x size; NaN for a text without tokens, or blank, or null."""
        whole = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
        once = pc.utf8_trim_whitespace(pc.fill_null(whole.cast(pa.large_string()), "")).dictionary_encode()
        found = np.full((len(once.dictionary), self.size), np.nan, dtype=np.float32)
        for places, ids in self._batches(once.dictionary.to_pylist()):
            found[places] = self._pooled(ids)
        return np.asarray(found[once.indices.to_numpy(zero_copy_only=False)])

    def save(self, folder: Path) -> None:
        """Writes `model.onnx`, `tokenizer.json` and `encoder.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MODEL).write_bytes(self.model)
        (folder / TOKENIZER).write_text(self.tokenizer, encoding="utf-8")
        about = {"max_tokens": self.max_tokens, "pooling": self.pooling, "size": self.size}
        (folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")

    def _batches(self, texts: list[str]) -> Iterator[tuple[list[int], Ints]]:
        """Positions of texts of one length, and their tokens, texts x length; shortest first."""
        tokens = [encoded.ids for encoded in _tokenizer(self.tokenizer, self.max_tokens).encode_batch(texts)]
        order = sorted(
            (place for place, ids in enumerate(tokens) if ids and texts[place]), key=lambda k: len(tokens[k])
        )
        for length, alike in groupby(order, key=lambda k: len(tokens[k])):
            places, many = list(alike), max(1, BATCH // length)
            for start in range(0, len(places), many):
                part = places[start : start + many]
                yield part, np.array([tokens[k] for k in part], dtype=np.int64)

    def _pooled(self, ids: Ints) -> Singles:
        """One vector for each line of tokens. Every token counts: none is padding."""
        hidden = _hidden(_session(self.model), ids)
        return hidden[:, 0] if self.pooling == "cls" else hidden.mean(axis=1, dtype=np.float64).astype(np.float32)


def read_encoder(folder: Path, max_tokens: int, pooling: str) -> Encoder:
    """The encoder in a folder with `model.onnx` and `tokenizer.json`, tried on the longest text that it may get.

    Raises OSError where a file cannot be read, ModuleNotFoundError without the libraries, ValueError where the files
    are no such encoder, or take fewer tokens.
    """
    model, tokenizer = (folder / MODEL).read_bytes(), (folder / TOKENIZER).read_text(encoding="utf-8")
    try:
        ids = _tokenizer(tokenizer, max_tokens).encode("a " * max_tokens).ids
    except ModuleNotFoundError:
        raise
    except Exception as error:  # the library raises Exception itself
        raise ValueError(f"{TOKENIZER} is no tokenizer: {error}") from error
    if not ids:
        raise ValueError(f"{TOKENIZER} makes no tokens of the text 'a a a'")
    longest = np.resize(np.array(ids, dtype=np.int64), (1, max_tokens))
    return Encoder(model, tokenizer, max_tokens, pooling, _tried(model, longest))


def load_encoder(folder: Path) -> Encoder:
    """What `Encoder.save` wrote."""
    about: dict[str, Any] = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    return Encoder((folder / MODEL).read_bytes(), (folder / TOKENIZER).read_text(encoding="utf-8"), **about)


def _tried(model: bytes, ids: Ints) -> int:
    """The numbers in a vector of this encoder, which these tokens were put through. Raises ValueError."""
    try:
        session = _session(model)
    except ModuleNotFoundError:
        raise
    except Exception as error:  # the library's errors have no base of their own
        raise ValueError(f"{MODEL} cannot be loaded: {error}") from error
    inputs, outputs = [i.name for i in session.get_inputs()], session.get_outputs()
    if "input_ids" not in inputs or not set(inputs) <= set(INPUTS):
        raise ValueError(f"{MODEL} takes {', '.join(inputs)}; an encoder of texts takes {', '.join(INPUTS)} of these")
    if _layer(session) is None:
        shapes = ", ".join(f"{o.name} {o.shape}" for o in outputs)
        raise ValueError(f"{MODEL} gives {shapes}; the vectors of tokens are wanted, texts x tokens x size")
    try:
        hidden = _hidden(session, ids)
    except Exception as error:
        raise ValueError(f"{MODEL} does not take a text of max_tokens: {ids.shape[1]}: {error}") from error
    if hidden.ndim != 3 or hidden.shape[:2] != ids.shape:
        raise ValueError(
            f"{MODEL} gives {list(hidden.shape)} for 1 text of {ids.shape[1]} tokens; wanted is one vector each"
        )
    return int(hidden.shape[2])


def _hidden(session: Any, ids: Ints) -> Singles:
    """The vectors of tokens, texts x tokens x size."""
    known = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    kinds = {"tensor(int32)": np.int32}
    fed = {i.name: known[i.name].astype(kinds.get(i.type, np.int64)) for i in session.get_inputs()}
    return np.asarray(session.run([_layer(session)], fed)[0], dtype=np.float32)


def _layer(session: Any) -> str | None:
    """The output that holds the vectors of tokens: the first of three dimensions."""
    return next((output.name for output in session.get_outputs() if len(output.shape) == 3), None)


@lru_cache(maxsize=2)
def _session(model: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; they are raised, too
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@lru_cache(maxsize=2)
def _tokenizer(text: str, max_tokens: int) -> Any:
    import tokenizers

    found = tokenizers.Tokenizer.from_str(text)
    found.no_padding()
    found.enable_truncation(max_tokens)
    return found
