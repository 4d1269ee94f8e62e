"""Packed files, whole and broken."""

from __future__ import annotations

import bz2
import gzip
import io
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse_nlp.ingest.faults import Fault
from lakehouse_nlp.ingest.packing import opened, packing

pytestmark = pytest.mark.unit

TEXT = b"id,title\n" + b"".join(b"%d,%d\n" % (n, n * n % 9973) for n in range(3000))


def zst(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue().to_pybytes())


def zipped(*names: str, content: bytes = TEXT) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name in names:  # of one time: headers that hold today's may hold anything
            member = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            archive.writestr(member, b"" if name.endswith("/") else content, zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def marked(archive: bytes, place: int, value: int) -> bytes:
    """The archive with a byte of its member's header set; in the directory's copy it stands two further on."""
    local, central = archive.find(b"PK\x03\x04") + place, archive.find(b"PK\x01\x02") + place + 2
    return bytes(value if at in (local, central) else byte for at, byte in enumerate(archive))


def unpacked(folder: Path, content: bytes, piece: int = 1 << 16) -> bytes:
    path = folder / "file"
    path.write_bytes(content)
    with opened(path) as stream:
        return b"".join(iter(lambda: stream.read(piece), b""))


WHOLE = {
    "plain": (TEXT, None),
    "gz": (gzip.compress(TEXT), "gz"),
    "gz of two members": (gzip.compress(TEXT[:50]) + gzip.compress(TEXT[50:]), "gz"),
    "bz2": (bz2.compress(TEXT), "bz2"),
    "bz2 of two streams": (bz2.compress(TEXT[:50]) + bz2.compress(TEXT[50:]), "bz2"),
    "zst": (zst(TEXT), "zst"),
    "zst of two frames": (zst(TEXT[:50]) + zst(TEXT[50:]), "zst"),
    "zip": (zipped("a.csv"), "zip"),
    "zip with a folder": (zipped("data/", "data/a.csv"), "zip"),
    "zip by macOS": (zipped("a.csv", "__MACOSX/._a.csv"), "zip"),
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("piece", [100, 1 << 20])
def test_whole_files_are_unpacked_whatever_their_name(tmp_path: Path, name: str, piece: int) -> None:
    content, kind = WHOLE[name]
    assert packing(content[:4]) == kind
    assert unpacked(tmp_path, content, piece) == TEXT


GZ, BZ2, ZST, ZIP = gzip.compress(TEXT, mtime=0), bz2.compress(TEXT), zst(TEXT), zipped("a.csv")
BROKEN = {
    "gz, half": (GZ[: len(GZ) // 2], "EOFError", "a whole gz file"),
    "gz, but for a byte": (GZ[:-1], "EOFError", "a whole gz file"),
    "gz, a byte flipped": (GZ[:600] + bytes([GZ[600] ^ 0xFF]) + GZ[601:], "", "a whole gz file"),
    "gz, another checksum": (GZ[:-8] + b"\0\0\0\0" + GZ[-4:], "BadGzipFile", "a whole gz file"),
    "gz, two bytes": (GZ[:2], "EOFError", "a whole gz file"),
    "bz2, half": (BZ2[: len(BZ2) // 2], "EOFError", "a whole bz2 file"),
    "bz2, a byte flipped": (BZ2[:99] + bytes([BZ2[99] ^ 0xFF]) + BZ2[100:], "OSError", "a whole bz2 file"),
    "zst, half": (ZST[: len(ZST) // 2], "OSError", "a whole zst file"),
    "zst, but for a byte": (ZST[:-1], "OSError", "a whole zst file"),
    "zip, half": (ZIP[: len(ZIP) // 2], "BadZipFile", "a whole zip file"),
    "zip, a byte flipped": (ZIP[:99] + bytes([ZIP[99] ^ 0xFF]) + ZIP[100:], "", "a whole zip file"),
    "zip, packed in another way": (marked(ZIP, 8, 0x63), "NotImplementedError", "a whole zip file"),
    "zip, encrypted": (marked(ZIP, 6, 1), "a.csv, encrypted", "a zip without a password"),
    "zip of two": (zipped("a.csv", "b.csv"), "a zip of 2 files: a.csv, b.csv", "a zip of one file; unzip it first"),
    "zip of many": (zipped(*"abcdef"), "a zip of 6 files: a, b, c, d, e …", "a zip of one file; unzip it first"),
    "zip of none": (zipped(), "a zip of 0 files: none", "a zip of one file; unzip it first"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_say_what_they_ought_to_be(tmp_path: Path, name: str) -> None:
    content, found, wanted = BROKEN[name]
    with pytest.raises(Fault) as caught:
        unpacked(tmp_path, content)
    assert (caught.value.check, caught.value.wanted) == ("readable", wanted)
    assert caught.value.found.startswith(found)


def test_a_workbook_is_no_zip_of_several(tmp_path: Path) -> None:
    with pytest.raises(Fault) as caught:
        unpacked(tmp_path, zipped("[Content_Types].xml", "xl/workbook.xml"))
    assert (caught.value.check, caught.value.wanted) == ("format", "its sheet, saved as CSV")


@pytest.mark.parametrize("content", [GZ, BZ2, ZST, ZIP, TEXT])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("a bug"), EOFError()])
def test_what_goes_wrong_while_a_file_is_open_is_not_its_fault(
    tmp_path: Path, content: bytes, error: Exception
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(type(error)) as caught, opened(path):
        raise error
    assert caught.value is error
