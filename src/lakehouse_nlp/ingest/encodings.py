"""The encoding of a text file: by its byte order mark, by its zeros, as UTF-8, or guessed among code pages."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import IO

from lakehouse_nlp.ingest.faults import Fault

BOMS = {  # the longer marks first: that of UTF-16 begins that of UTF-32
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# What is left when no Unicode fits: the code pages of Windows and ISO 8859, the commonest first.
CODE_PAGES = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "iso8859_2", "iso8859_15", "latin_1")
ALIKE = 0.01, 0.1  # of mess, and of looking like a language: less tells no code page from another
SAMPLE = 1 << 16
BEFORE = 200  # bytes that are looked at before the first high one of a line
HIGH = re.compile(rb"[\x80-\xff]")


def unicode_of(head: bytes) -> str:
    """UTF-8, -16 or -32 by the mark, or by where the zeros stand: Western text has one in two, or three in four."""
    for mark, name in BOMS.items():
        if head.startswith(mark):
            return name
    whole = head[: len(head) // 4 * 4]
    quarters = [whole[place::4] for place in range(4)]
    empty = [bool(quarter) and quarter.count(0) > 0.7 * len(quarter) for quarter in quarters]
    shapes = {
        (False, True, True, True): "utf-32-le", (True, True, True, False): "utf-32-be",
        (False, True, False, True): "utf-16-le", (True, False, True, False): "utf-16-be",
    }  # fmt: skip
    return shapes.get((empty[0], empty[1], empty[2], empty[3]), "utf-8")


def code_page(text: bytes) -> str:
    """The code page that the lines with high bytes look most like, the commonest of those that read them alike."""
    from charset_normalizer import from_bytes

    high = ((line, HIGH.search(line)) for line in text.splitlines())
    sample = b"\n".join(line[max(0, first.start() - BEFORE) :] for line, first in high if first)[:SAMPLE]
    found = list(from_bytes(sample, cp_isolation=list(CODE_PAGES), language_threshold=0.0))
    likely = [match for match in found if match.chaos <= found[0].chaos + ALIKE[0]]
    likely = [match for match in likely if match.coherence >= found[0].coherence - ALIKE[1]]
    names = {name for match in likely for name in (match.encoding, *match.could_be_from_charset)}
    return next((page for page in CODE_PAGES if page in names), "latin_1")  # which takes every byte


def mostly_utf8(text: bytes) -> bool:
    """Whether bytes that are not all UTF-8 are UTF-8 with a few other rows, rather than a code page throughout."""
    loose = text.decode("utf-8", "replace")
    bad = loose.count("\ufffd")
    good = len(loose) - bad - len(re.findall(r"[\x00-\x7f]", loose))
    return good > 2 * bad


def utf8_blocks(stream: IO[bytes], encoding: str, size: int) -> Iterator[bytes]:
    """A stream as UTF-8, in blocks of about `size` bytes, without its byte order mark.

    What claims to be UTF-8 is passed on as it is. Raises Fault for bytes that another encoding does not know.
    """
    name = codecs.lookup(encoding).name.removesuffix("-sig")
    first = stream.read(size)
    mark = next((mark for mark, marked in BOMS.items() if name in (marked, marked[:6]) and first.startswith(mark)), b"")
    block, name = first[len(mark) :], BOMS.get(mark, name)
    if name == "utf-8":
        while block:
            yield block
            block = stream.read(size)
        return
    decoder, place = codecs.getincrementaldecoder(name)(), len(mark)
    while True:
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            found = f"bytes that are no {name}: {error.reason} near byte {place + error.start}"
            raise Fault("readable", found, f"text in {name}") from error
        if text:
            yield text.encode("utf-8")
        if not block:
            return
        place, block = place + len(block), stream.read(size)
