from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

NFC = "NFC"
SOURCE = Path(__file__).parents[3] / "src" / "lakehouse_nlp" / "silver" / "text.py"


def _java_pattern() -> str:
    r"""The text of NOT_SURELY_NFC, without importing Spark: the raw strings between its parentheses, joined."""
    block = re.search(r"^NOT_SURELY_NFC = \((.*?)^\)", SOURCE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert block
    return "".join(re.findall(r'r"([^"]*)"', block.group(1)))


def _characters() -> Iterator[str]:
    return (chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF)


@pytest.fixture(scope="module")
def matched() -> frozenset[str]:
    """The characters that the Java class matches: those outside its ranges."""
    pattern = _java_pattern()
    code = r"\\(?:u([0-9A-F]{4})|x\{([0-9A-F]+)\})"
    assert re.fullmatch(rf"\[\^(?:{code}-{code})+\]", pattern)
    safe: set[str] = set()
    for found in re.findall(f"{code}-{code}", pattern):
        first, last = (int(part, 16) for part in found if part)
        safe |= {chr(place) for place in range(first, last + 1)}
    return frozenset(c for c in _characters() if c not in safe)


def test_every_character_that_nfc_changes_is_matched(matched: frozenset[str]) -> None:
    missed = [f"U+{ord(c):04X}" for c in _characters() if unicodedata.normalize(NFC, c) != c and c not in matched]
    assert missed == []


def test_of_every_pair_that_composes_one_is_matched(matched: frozenset[str]) -> None:
    canonical = [
        decomposed
        for c in _characters()
        if (decomposed := unicodedata.decomposition(c)) and not decomposed.startswith("<") and " " in decomposed
    ]
    pairs = ["".join(chr(int(code, 16)) for code in pair.split()) for pair in canonical]
    pairs += [chr(0x1100 + lead) + chr(0x1161 + vowel) for lead in range(19) for vowel in range(21)]
    pairs += [chr(syllable) + chr(0x11A7 + tail) for syllable in range(0xAC00, 0xD7A4, 28) for tail in range(1, 28)]
    composed = [pair for pair in pairs if unicodedata.normalize(NFC, pair) != pair]
    assert len(composed) > 10_000
    assert [pair.encode("unicode_escape") for pair in composed if not matched & set(pair)] == []


def test_every_character_that_nfc_may_reorder_is_matched(matched: frozenset[str]) -> None:
    assert [f"U+{ord(c):04X}" for c in _characters() if unicodedata.combining(c) and c not in matched] == []


def test_common_text_is_not_matched(matched: frozenset[str]) -> None:
    common = "The quick brown fox, naïve façade – “ÄÖÜß” žluťoučký Ελλάδα привет 日本語 한국어 العربية 😀👍 €5 ½ ™"
    assert [c for c in common if c in matched] == []
