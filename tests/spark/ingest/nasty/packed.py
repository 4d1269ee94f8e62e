"""Packed files: known by their first bytes, of one member, whole."""

from __future__ import annotations

import bz2
import gzip
import io
import zipfile

import pyarrow as pa
from nasty.case import Case, csv

DEFLATED, STORED = zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED


def _zst(content: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(content, asbytes=True))


def _zip(*members: tuple[str, bytes], method: int = DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as packed:
        for name, content in members:
            packed.writestr(zipfile.ZipInfo(name), content, method)
    return sink.getvalue()


def _locked(content: bytes) -> bytes:
    """A zip that says of its member that it is encrypted, in both places where that is said."""
    packed = bytearray(_zip(("a.csv", content)))
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


def _wrong(content: bytes, place: int) -> bytes:
    spoilt = bytearray(content)
    spoilt[place] ^= 0xFF
    return bytes(spoilt)


def _good(name: str, filename: str, pack: object) -> Case:
    assert callable(pack)
    return Case(name, filename, pack(csv(f"1,{name}", '2,"a\nb"')), rows=((2, "1", name), (3, "2", "a\nb")))


def _in_parts(pack: object) -> object:
    """Packed in two streams, one after the other, cut in the middle of a row."""
    assert callable(pack)
    return lambda content: pack(content[:12]) + pack(content[12:])


GOOD = (
    _good("gz", "a.csv.gz", gzip.compress),
    _good("gz_upper_case", "A.CSV.GZ", gzip.compress),
    _good("gz_of_two_members", "a.csv.gz", _in_parts(gzip.compress)),
    _good("gz_not_named_so", "a.csv", gzip.compress),
    _good("gz_named_zst", "a.csv.zst", gzip.compress),
    _good("bz2", "a.csv.bz2", bz2.compress),
    _good("bz2_of_two_streams", "a.csv.bz2", _in_parts(bz2.compress)),
    _good("zst", "a.csv.zst", _zst),
    _good("zst_of_two_frames", "a.csv.zst", _in_parts(_zst)),
    _good("zst_named_nothing", "a", _zst),
    _good("zip", "a.zip", lambda content: _zip(("b.csv", content))),
    _good("zip_stored", "a.csv.zip", lambda content: _zip(("b.csv", content), method=STORED)),
    _good("zip_in_a_folder", "a.zip", lambda content: _zip(("folder/b ü.txt", content))),
    _good("plain_named_gz", "a.csv.gz", bytes),
    Case("gz_jsonl", "a.jsonl.gz", gzip.compress(b'{"id": "1", "title": "gz_jsonl"}\n'), rows=((1, "1", "gz_jsonl"),)),
    Case("zip_json", "a.zip", _zip(("x.json", b'[{"id": "1", "title": "zip_json"}]')), rows=((1, "1", "zip_json"),)),
    Case("bz2_tsv", "a.tsv.bz2", bz2.compress(b"id\ttitle\n1\tbz2\n"), rows=((2, "1", "bz2"),)),
)

LONG = csv(*(f"{n},{n * n * 7919 % 100_003} words" for n in range(3000)))
TEXT = csv("1,packed")

BAD = (
    Case("gz_cut", "a.csv.gz", gzip.compress(LONG)[:-2000], refused=("readable", "")),
    Case("gz_cut_by_a_byte", "a.csv.gz", gzip.compress(LONG)[:-1], refused=("readable", "")),
    Case("gz_header_alone", "a.csv.gz", gzip.compress(LONG)[:10], refused=("readable", "")),
    Case("gz_wrong_checksum", "a.csv.gz", _wrong(gzip.compress(LONG), -6), refused=("readable", "")),
    Case("gz_wrong_in_the_middle", "a.csv.gz", _wrong(gzip.compress(LONG), 3000), refused=("readable", "")),
    Case("gz_and_something_behind", "a.csv.gz", gzip.compress(LONG) + b"something else", refused=("readable", "")),
    Case("bz2_cut", "a.csv.bz2", bz2.compress(LONG)[:-100], refused=("readable", "")),
    Case("bz2_wrong", "a.csv.bz2", _wrong(bz2.compress(LONG), 2000), refused=("readable", "")),
    Case("zst_cut", "a.csv.zst", _zst(LONG)[:-100], refused=("readable", "")),
    Case("zst_header_alone", "a.csv.zst", _zst(LONG)[:5], refused=("readable", "")),
    Case("zip_cut", "a.zip", _zip(("a.csv", LONG))[:-500], refused=("readable", "")),
    Case("zip_wrong_checksum", "a.zip", _wrong(_zip(("a.csv", LONG), method=STORED), 3000), refused=("readable", "")),
    Case("zip_locked", "a.zip", _locked(TEXT), refused=("readable", "(?i)encrypt|password")),
    Case("zip_of_two", "a.zip", _zip(("a.csv", TEXT), ("b.csv", TEXT)), refused=("readable", "2")),
    Case("zip_of_none", "a.zip", _zip(), refused=("readable", "")),
    Case("gz_of_nothing", "a.csv.gz", gzip.compress(b""), refused=("rows|size", "")),
    Case("gz_of_a_header", "a.csv.gz", gzip.compress(b"id,title\n"), refused=("rows", "0|no ")),
    Case("gz_of_a_picture", "a.csv.gz", gzip.compress(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4),
         refused=("format", "")),
    Case("zip_of_a_column_less", "a.zip", _zip(("a.csv", b"id,name\n1,a\n")), refused=("columns", "name")),
)  # fmt: skip

CASES = (*GOOD, *BAD)
