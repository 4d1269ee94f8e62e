"""The hash of many pieces at once, against a library's hash of each."""

from __future__ import annotations

import mmh3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse_nlp.model import murmur
from lakehouse_nlp.model.murmur import murmur3

pytestmark = pytest.mark.unit


def hashes(strings: list[str], seed: int = 42) -> list[int]:
    pieces = [each.encode() for each in strings]
    sizes = np.array([len(each) for each in pieces], np.int64)
    content = np.frombuffer(b"".join(pieces), np.uint8)
    return murmur3(content, np.cumsum(sizes) - sizes, sizes, seed).tolist()


@given(st.lists(st.text(max_size=40)), st.integers(0, 2**32 - 1))
def test_hashes_are_those_of_the_library(strings: list[str], seed: int) -> None:
    assert hashes(strings, seed) == [mmh3.hash(each, seed) for each in strings]


@pytest.mark.parametrize("longest", [murmur.LONG - 1, murmur.LONG, murmur.LONG + 1, 50_000_000])
def test_long_strings_among_short_ones(longest: int) -> None:
    strings = ["a", "x" * longest, "", "é" * 70_001, "four", "日本語", "y" * (longest - 4)]
    assert hashes(strings) == [mmh3.hash(each, 42) for each in strings]


def test_more_strings_than_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(murmur, "CHUNK", 3)
    strings = [str(n**n) for n in range(50)]
    assert hashes(strings) == [mmh3.hash(each, 42) for each in strings]


def test_pieces_that_lie_in_each_other() -> None:
    content = np.frombuffer(b"not good", np.uint8)
    found = murmur3(content, np.array([0, 4, 0]), np.array([3, 4, 8]), 42)
    assert found.tolist() == [mmh3.hash(each, 42) for each in ("not", "good", "not good")]
