"""Packed files, told by their first bytes and read as streams: gzip, bzip2, Zstandard and ZIP."""

from __future__ import annotations

import bz2
import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from lakehouse_nlp.ingest.faults import Fault

MAGIC = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zst", b"PK\x03\x04": "zip", b"PK\x05\x06": "zip"}
ENCRYPTED = 0x1  # bit of a ZIP member's flags (APPNOTE.TXT 4.4.4)
BROKEN = (EOFError, OSError, zlib.error, zipfile.BadZipFile, RuntimeError)


def packing(head: bytes) -> str | None:
    """gz, bz2, zst or zip by the first bytes; None for a plain file."""
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), None)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked where it is packed. Raises Fault where the packing is broken, at any read."""
    with path.open("rb") as file:
        kind = packing(file.read(4))
    if kind is None:
        with path.open("rb") as file:
            yield file
        return
    with ExitStack() as stack:
        with _whole(kind):
            stream = stack.enter_context(UNPACK[kind](path))
        yield cast(IO[bytes], Unpacked(stream, kind))


@dataclass
class Unpacked:
    """A stream that is unpacked: only what its own reads raise is the file's fault."""

    stream: IO[bytes]
    kind: str

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes. Raises Fault."""
        with _whole(self.kind):
            return self.stream.read(size)


@contextmanager
def _whole(kind: str) -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        raise Fault("readable", f"{type(error).__name__}: {error}", f"a whole {kind} file") from error


def _zst(path: Path) -> Any:
    import pyarrow

    return pyarrow.CompressedInputStream(pyarrow.OSFile(str(path)), "zstd")


@contextmanager
def _zip(path: Path) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as archive:
        members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
        _refuse(members)
        with archive.open(members[0]) as stream:
            yield stream


def _refuse(members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    if "[Content_Types].xml" in names:
        raise Fault("format", "an office document (a workbook, say)", "its sheet, saved as CSV")
    if len(names) != 1:
        shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
        raise Fault("readable", f"a zip of {len(names)} files: {shown or 'none'}", "a zip of one file; unzip it first")
    if members[0].flag_bits & ENCRYPTED:
        raise Fault("readable", f"{names[0]}, encrypted", "a zip without a password")


UNPACK: dict[str, Callable[[Path], Any]] = {"gz": gzip.open, "bz2": bz2.open, "zst": _zst, "zip": _zip}
