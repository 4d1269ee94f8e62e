"""What is said of an encoder's folder that cannot be used, and when its files count as others."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny_encoder
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.settings.learning import Encoder
from lakehouse_nlp.train.vectors import encoder_hash, encoder_of, model_recipe

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
WANTED = Encoder(kind="onnx", folder="encoders/tiny", max_tokens=32)


def test_the_folder_counts_from_the_home(home: Path) -> None:
    tiny_encoder.write(home / "encoders/tiny")
    found = encoder_of(WANTED, home)
    assert (found.size, found.max_tokens, found.pooling) == (tiny_encoder.SIZE, 32, "mean")


def test_missing_files_are_named(home: Path) -> None:
    with pytest.raises(UsageError, match=r"no model.onnx and no tokenizer.json in .*encoders/tiny") as refused:
        encoder_of(WANTED, home)
    assert refused.value.hint == "put the encoder's files there, or mend features.text.vectors.folder"
    (tiny_encoder.write(home / "encoders/tiny") / "tokenizer.json").unlink()
    with pytest.raises(UsageError, match=r"vectors: no tokenizer.json in "):
        encoder_hash(WANTED, home)


def test_what_is_no_encoder_is_told_with_the_folder(home: Path) -> None:
    tiny_encoder.write(home / "encoders/tiny", inputs=["pixels"])
    with pytest.raises(UsageError, match=r"features.text.vectors: .*encoders/tiny: model.onnx takes pixels") as refused:
        encoder_of(WANTED, home)
    assert "from input_ids to last_hidden_state" in refused.value.hint


@pytest.mark.parametrize("library", ["onnxruntime", "tokenizers"])
def test_a_missing_library_is_named(home: Path, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from lakehouse_nlp.model import encoder

    tiny_encoder.write(home / "encoders/tiny")
    for cached in (encoder._session, encoder._tokenizer):
        cached.cache_clear()
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match=f"kind onnx needs {library}, which is not installed") as refused:
        encoder_of(WANTED, home)
    assert refused.value.hint.startswith("pip install 'lakehouse-nlp[onnx]'")


def test_other_files_are_another_recipe(home: Path, make_context: MakeContext) -> None:
    folder = tiny_encoder.write(home / "encoders/tiny")
    vectors = {"text": {"vectors": {"kind": "onnx", "folder": "encoders/tiny"}}}
    ctx, plain = make_context(home, features=vectors), make_context(home)
    before = model_recipe(ctx.settings, home)
    assert before == model_recipe(ctx.settings, home) != model_recipe(plain.settings, home)
    (folder / "tokenizer.json").write_text((folder / "tokenizer.json").read_text() + "\n")
    assert model_recipe(ctx.settings, home) != before
