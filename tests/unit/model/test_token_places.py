"""Tokens as places in the bytes of their texts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse_nlp.model.tokens import Tokens

pytestmark = pytest.mark.unit

TEXTS = st.lists(st.none() | st.text(st.sampled_from("ab é日😀 "), max_size=12), max_size=8)


def told(tokens: Tokens, n: int) -> list[tuple[int, str]]:
    content = tokens.content.tobytes()
    rows, starts, sizes, whole = tokens.grams(n)
    ends = np.ones(len(rows), bool) if whole is None else whole
    pieces = zip(*(column[ends].tolist() for column in (rows, starts, sizes)), strict=True)
    return [(row, content[start : start + size].decode()) for row, start, size in pieces]


@given(TEXTS, st.integers(1, 4), st.integers(0, 3))
def test_ngrams_are_those_of_a_split(texts: list[str | None], n: int, skipped: int) -> None:
    part = pa.array(texts, pa.string())[skipped:]
    wanted = []
    for row, text in enumerate(part.to_pylist()):
        tokens = [token for token in (text or "").split(" ") if token]
        wanted += [(row, " ".join(tokens[at : at + n])) for at in range(len(tokens) - n + 1)]
    assert told(Tokens.of(part), n) == wanted


def test_nothing_is_copied_where_blanks_are_single() -> None:
    text = pa.array(["not good", "good"], pa.large_string())
    assert Tokens.of(text).content.ctypes.data == text.buffers()[2].address
