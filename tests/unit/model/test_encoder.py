"""Sentence vectors by a real encoder in ONNX, held to the same layers computed by hand."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import tiny_encoder
from lakehouse_nlp.model import encoder as module
from lakehouse_nlp.model.encoder import read_encoder
from lakehouse_nlp.model.vectors import load_vectors

pytestmark = pytest.mark.unit

TEXTS = ["good fox", "bad", "so so so hen", "words nobody knew", "good fox", "a 😀 love", "fox " * 25]


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_vectors_are_those_computed_by_hand(pooling: str) -> None:
    found = tiny_encoder.encoder(pooling).of(pa.array(TEXTS))
    layers = [tiny_encoder.hidden(text.split()) for text in TEXTS]
    wanted = [layer.mean(axis=0) if pooling == "mean" else layer[0] for layer in layers]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)
    assert np.ptp(found, axis=0).min() > 0.05  # texts that are told apart, or equality would say nothing


def test_a_text_without_anything_has_no_vector() -> None:
    found = tiny_encoder.encoder().of(pa.array(["", None, "  ", "good"]))
    assert np.isnan(found).all(axis=1).tolist() == [True, True, True, False]


def test_of_a_long_text_the_first_tokens_are_read() -> None:
    found = tiny_encoder.encoder(max_tokens=10).of(pa.array(["fox " * 25_000, "fox " * 8, "fox " * 7, "x" * 100_000]))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[1], found[2])
    np.testing.assert_allclose(found[3], tiny_encoder.hidden(["?"]).mean(axis=0), rtol=0, atol=1e-5)


def test_a_row_does_not_depend_on_the_rows_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, encoder = np.random.default_rng(0), tiny_encoder.encoder()
    texts = [" ".join(rng.choice(tiny_encoder.WORDS[4:], rng.integers(0, 40))) for _ in range(300)]
    whole = encoder.of(pa.array(texts))
    np.testing.assert_array_equal(encoder.of(pa.chunked_array([texts[:7], texts[7:]])), whole)
    np.testing.assert_array_equal(np.vstack([encoder.of(pa.array([text])) for text in texts]), whole)
    monkeypatch.setattr(module, "BATCH", 30)
    np.testing.assert_array_equal(encoder.of(pa.array(texts)), whole)


def test_no_texts_have_no_vectors() -> None:
    assert tiny_encoder.encoder().of(pa.array([], pa.string())).shape == (0, tiny_encoder.SIZE)


def test_saved_loaded_and_pickled_it_says_the_same(tmp_path: Path) -> None:
    encoder = tiny_encoder.encoder("cls", 12)
    encoder.save(tmp_path / "vectors")
    wanted = encoder.of(pa.array(TEXTS))
    for other in (load_vectors(tmp_path / "vectors"), pickle.loads(pickle.dumps(encoder))):
        assert (other.max_tokens, other.pooling, other.size, other.prefix) == (12, "cls", tiny_encoder.SIZE, "onnx")
        np.testing.assert_array_equal(other.of(pa.array(TEXTS)), wanted)


def test_an_encoder_need_not_ask_for_mask_and_types(tmp_path: Path) -> None:
    encoder = read_encoder(tiny_encoder.write(tmp_path, inputs=["input_ids"]), 32, "mean")
    np.testing.assert_array_equal(encoder.of(pa.array(TEXTS)), tiny_encoder.encoder().of(pa.array(TEXTS)))


def test_what_is_no_encoder_is_refused(tmp_path: Path) -> None:
    pictures = tiny_encoder.write(tmp_path / "pictures", inputs=["pixels"])
    sentences = tiny_encoder.write(tmp_path / "sentences", pooled=True)
    short = tiny_encoder.write(tmp_path / "short")
    broken = tiny_encoder.write(tmp_path / "broken")
    (broken / "model.onnx").write_bytes(b"no model")
    words = tiny_encoder.write(tmp_path / "words")
    (words / "tokenizer.json").write_text("{}")
    for folder, says in (
        (pictures, "model.onnx takes pixels; an encoder of texts takes input_ids"),
        (sentences, r"model.onnx gives sentence \['texts', 6\]; the vectors of tokens are wanted"),
        (short, "model.onnx does not take a text of max_tokens: 128"),
        (broken, "model.onnx cannot be loaded"),
        (words, "tokenizer.json is no tokenizer"),
    ):
        with pytest.raises(ValueError, match=says):
            read_encoder(folder, 128, "mean")
    with pytest.raises(FileNotFoundError):
        read_encoder(tmp_path, 32, "mean")
