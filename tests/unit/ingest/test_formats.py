"""What a file is, by its bytes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lakehouse_nlp.ingest.faults import Fault
from lakehouse_nlp.ingest.formats import OTHER, WANTED, delimiter_of, refuse_binary, told

pytestmark = pytest.mark.unit

TAR = b"a.csv".ljust(257, b"\0") + b"ustar\x0000"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"PAR1\x15\x04\x15\x10", "parquet"), (b"ORC\n\x11\n\x03\x00", "orc"), (b"Obj\x01\x04\x16avro", "avro"),
        (b"id,title\n1,a\n", "text"), (b"", "text"), (b"ORCID,title\n0000-0001,a\n", "text"),
        (b"PAR1,title\n1,a\n", "text"), (b"Object,title\n", "text"), (b"\xff\xfei\0d\0", "text"), (b"{}", "text"),
    ],
)  # fmt: skip
def test_formats_are_told_by_the_first_bytes(head: bytes, kind: str) -> None:
    assert told(head) == kind


@pytest.mark.parametrize(("magic", "what"), OTHER.items())
def test_what_no_reader_is_for_is_named(magic: bytes, what: str) -> None:
    with pytest.raises(Fault) as caught:
        told(magic + b"\0 and more")
    assert (caught.value.found, caught.value.wanted) == (what, WANTED)
    assert caught.value.check == ("readable" if "encrypted" in what else "format")


def test_a_tar_is_named() -> None:
    with pytest.raises(Fault, match="format: found a tar archive, wanted its files, one by one"):
        told(TAR)


BINARY = {
    "random": random.Random(1).randbytes(4096),
    "controls": b"\x01\x02\x03\x04" * 9,
}
TEXTS = {
    "csv": b"id,title\n1,a\n", "tabs": b"id\ttitle\r\n", "empty": b"", "two controls": b"\x01\x02",
    "fields between \\x01": b"1\x01some title\x01and a text of some length that is usual\n" * 9,
    "umlauts": "äöü\n".encode() * 99, "code page": "äöü\n".encode("cp1252") * 99, "form feed": b"\x0c\x0b\n" * 9,
}  # fmt: skip


@pytest.mark.parametrize("name", BINARY)
def test_binary_is_refused(name: str) -> None:
    with pytest.raises(Fault, match=r"format: found \d+% control characters: no text"):
        refuse_binary(BINARY[name])


@pytest.mark.parametrize("name", TEXTS)
def test_text_is_not(name: str) -> None:
    refuse_binary(TEXTS[name])


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("a.tsv", "\t"), ("a.tab", "\t"), ("A.TSV", "\t"), ("a.tsv.gz", "\t"), ("a.csv", None), ("a", None),
        ("tsv", None), ("a.tsv.old.csv", None), ("a.b.tsv", "\t"),
    ],
)  # fmt: skip
def test_a_name_may_promise_a_delimiter(name: str, wanted: str | None) -> None:
    assert delimiter_of(Path("raw") / name) == wanted
