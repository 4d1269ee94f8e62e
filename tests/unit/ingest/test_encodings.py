"""Encodings: by mark, by zeros, as UTF-8, by a guess; and every text as UTF-8."""

from __future__ import annotations

import codecs
import io
import time

import pytest

from lakehouse_nlp.ingest.encodings import code_page, mostly_utf8, unicode_of, utf8_blocks
from lakehouse_nlp.ingest.faults import Fault

pytestmark = pytest.mark.unit

WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
MARKS = {
    "utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE, "utf-32-be": codecs.BOM_UTF32_BE,
}  # fmt: skip
TEXT = "id,title\r\n1,Größe\r\n2,😀 “so”\r\n" * 3
GERMAN = "Die Straßenbahn fährt über die Brücke zum schönen Schloß, größer als früher — für 5 €.\n"
POLISH = "Zażółć gęślą jaźń, chrząszcz brzmi w trzcinie w Szczebrzeszynie, źdźbło łąki świeżej.\n"
RUSSIAN = "Съешь ещё этих мягких французских булок, да выпей чаю, и подъём по лестнице домой.\n"


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("marked", [True, False])
def test_wide_characters_are_seen_with_and_without_a_mark(name: str, marked: bool) -> None:
    head = MARKS[name] * marked + TEXT.encode(name)
    assert unicode_of(head) == name
    assert unicode_of(head[:-1]) == name


@pytest.mark.parametrize(
    "head", [b"", b"a", b"abc", b"id,title\n", codecs.BOM_UTF8 + b"id", GERMAN.encode("cp1252"), b"\0" * 99]
)
def test_everything_else_is_taken_for_utf8_at_first(head: bytes) -> None:
    assert unicode_of(head) == "utf-8"


@pytest.mark.parametrize(
    ("text", "name"),
    [(GERMAN, "cp1252"), (GERMAN * 9, "cp1252"), (POLISH, "cp1250"), (RUSSIAN, "cp1251"), (POLISH * 9, "cp1250")],
)
def test_code_pages_are_guessed(text: str, name: str) -> None:
    lines = b"".join(b"%d,plain text that says nothing\n" % n for n in range(99))
    content = lines + text.encode(name) + lines
    assert code_page(content) == name


def test_bytes_that_no_code_page_has_are_latin() -> None:
    assert code_page(bytes(range(128, 256))) == "latin_1"


def test_one_line_of_a_large_block_is_guessed_by_the_characters_that_matter() -> None:
    content = b"[" + b'"plain text", ' * 20_000 + (POLISH * 3).replace("\n", " ").encode("cp1250") + b"]"
    assert content.decode(code_page(content)) == content.decode("cp1250")


def test_a_guess_takes_no_longer_for_long_lines() -> None:
    begun = time.process_time()
    code_page(b"x" * 300_000 + b"\n" + GERMAN.encode("cp1252"))
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("content", "mostly"),
    [
        ((GERMAN * 9).encode() + "fährt\n".encode("cp1252"), True),
        (GERMAN.encode("cp1252") * 9, False),
        ("plain\nfährt\n".encode("cp1252"), False),
        (GERMAN.encode() + GERMAN.encode("cp1252") * 9, False),
    ],
)
def test_a_few_other_rows_make_no_code_page(content: bytes, mostly: bool) -> None:
    assert mostly_utf8(content) == mostly


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
@pytest.mark.parametrize(
    ("name", "mark"),
    [
        *((name, MARKS[name]) for name in MARKS), *((name, b"") for name in WIDE), ("utf-8", b""), ("UTF8", b""),
        ("utf-8-sig", codecs.BOM_UTF8), ("UTF-16", codecs.BOM_UTF16_BE), ("utf-16", codecs.BOM_UTF16_LE),
        ("utf_32", codecs.BOM_UTF32_BE),
    ],
)  # fmt: skip
def test_text_is_passed_on_as_utf8_without_its_mark(name: str, mark: bytes, size: int) -> None:
    name_of_text = next((wide for wide, given in MARKS.items() if given == mark), name)
    blocks = list(utf8_blocks(io.BytesIO(mark + TEXT.encode(name_of_text)), name, len(mark) + size))
    assert b"".join(blocks) == TEXT.encode()
    assert all(blocks)


@pytest.mark.parametrize("name", ["windows-1252", "cp1252", "ISO-8859-15", "mac_roman"])
def test_code_pages_that_are_set_are_read(name: str) -> None:
    assert b"".join(utf8_blocks(io.BytesIO("Größe, €\n".encode(name)), name, 4)).decode() == "Größe, €\n"


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("cp1252", b"abc\x81", "bytes that are no cp1252: character maps to <undefined> near byte 3"),
        ("ascii", b"ab\xff", "bytes that are no ascii: ordinal not in range(128) near byte 2"),
        ("utf-16-le", b"a\0b", "bytes that are no utf-16-le: truncated data near byte 3"),
    ],
)
def test_bytes_that_an_encoding_does_not_know_are_a_fault(name: str, content: bytes, found: str) -> None:
    with pytest.raises(Fault) as caught:
        list(utf8_blocks(io.BytesIO(content), name, 1000))
    assert (caught.value.check, caught.value.found, caught.value.wanted) == ("readable", found, f"text in {name}")


def test_utf8_is_passed_on_as_it_is() -> None:
    assert list(utf8_blocks(io.BytesIO(b"a\xffb\r\n"), "utf-8", 3)) == [b"a\xffb", b"\r\n"]
    assert list(utf8_blocks(io.BytesIO(b""), "utf-8", 3)) == []
