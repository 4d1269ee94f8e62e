"""A real encoder of a few hundred weights: embeddings, one layer of attention, and a tokenizer with [CLS] and [SEP]."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lakehouse_nlp.model.encoder import Encoder, read_encoder

SIZE, POSITIONS = 6, 64
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "fox", "hen", "so", "a", "love")
_rng = np.random.default_rng(7)
WEIGHTS = {
    "words": _rng.normal(size=(len(WORDS), SIZE)),
    "positions": _rng.normal(size=(POSITIONS, SIZE)) / 4,
    **{name: _rng.normal(size=(SIZE, SIZE)) / 2 for name in ("query", "key", "value", "out")},
}
NAMES = ("input_ids", "attention_mask", "token_type_ids")


def write(folder: Path, inputs: Sequence[str] = NAMES, pooled: bool = False) -> Path:
    """Writes `model.onnx`, of these inputs, and `tokenizer.json` into the folder. `pooled`: gives one vector a text."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    node = helper.make_node
    ids = inputs[0]
    nodes = [
        node("Gather", ["words", ids], ["word"]),
        node("Shape", [ids], ["shape"]),
        node("Gather", ["shape", "one"], ["length"]),
        node("Range", ["zero", "length", "one"], ["places"]),
        node("Gather", ["positions", "places"], ["place"]),
        node("Add", ["word", "place"], ["x"]),
        *(node("MatMul", ["x", name], [f"x_{name}"]) for name in ("query", "key", "value")),
        node("Transpose", ["x_key"], ["keys"], perm=[0, 2, 1]),
        node("MatMul", ["x_query", "keys"], ["scores"]),
        node("Softmax", ["scores"], ["shares"], axis=-1),
        node("MatMul", ["shares", "x_value"], ["seen"]),
        node("MatMul", ["seen", "out"], ["mixed"]),
        node("Tanh", ["mixed"], ["bent"]),
        node("Add", ["x", "bent"], ["last_hidden_state"]),
    ]
    shape: list[str | int] = ["texts", "tokens", SIZE]
    if pooled:
        nodes.append(node("ReduceMean", ["last_hidden_state"], ["sentence"], axes=[1], keepdims=0))
        shape = ["texts", SIZE]
    constants = {name: value.astype(np.float32) for name, value in WEIGHTS.items()}
    constants |= {"zero": np.array(0), "one": np.array(1)}
    graph = helper.make_graph(
        nodes, "encoder",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"]) for name in inputs],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "model.onnx")
    _tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def encoder(pooling: str = "mean", max_tokens: int = 32) -> Encoder:
    """The encoder, as it is read from its folder."""
    with tempfile.TemporaryDirectory() as folder:
        return read_encoder(write(Path(folder)), max_tokens, pooling)


def hidden(words: Sequence[str]) -> np.ndarray:
    """What the layers make of one text's words, tokens x size, computed by hand in float64."""
    known = {word: place for place, word in enumerate(WORDS)}
    ids = [known["[CLS]"], *(known.get(word, known["[UNK]"]) for word in words), known["[SEP]"]]
    w = {name: value.astype(np.float32).astype(np.float64) for name, value in WEIGHTS.items()}
    x = w["words"][ids] + w["positions"][: len(ids)]
    scores = (x @ w["query"]) @ (x @ w["key"]).T
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return x + np.tanh(shares @ (x @ w["value"]) @ w["out"])


def _tokenizer():  # type: ignore[no-untyped-def]
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocabulary = {word: place for place, word in enumerate(WORDS)}
    found = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    found.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    ends = [(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    found.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    found.enable_padding(length=40)  # as many exports have it: nothing may depend on it
    return found
