"""Raw files: finding them, knowing them by content, checking them, and putting them where they end."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, get_args

from lakehouse_nlp.core.settings.models import Purpose

CHUNK = 1 << 20
PEEK_ROWS = 1000
FORMATS = {
    ".csv": "csv", ".tsv": "tsv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """Why a file was turned away: the check, the value found and the value wanted."""

    check: str
    found: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.check}: found {self.found}, wanted {self.wanted}"


@dataclass(frozen=True)
class RawFile:
    """A file in `raw/`: where it is, what it is for, and the SHA-256 of its bytes."""

    path: Path
    purpose: Purpose
    hash: str
    bytes: int

    @property
    def format(self) -> str | None:
        """csv, tsv, json, jsonl or parquet by the name's ending, with or without .gz; None for anything else."""
        suffixes = [suffix.lower() for suffix in self.path.suffixes]
        ending = suffixes[-2:-1] if suffixes[-1:] == [".gz"] else suffixes[-1:]
        return FORMATS.get(ending[0]) if ending else None


def waiting(folder: Path) -> Iterator[tuple[Path, Purpose]]:
    """The files that lie in `raw/train` and `raw/inference`, oldest first; hidden ones are still being copied."""
    for purpose in get_args(Purpose):
        files = [path for path in (folder / "raw" / purpose).glob("*") if path.is_file()]
        for path in sorted(files, key=lambda path: (path.stat().st_mtime_ns, path.name)):
            if not path.name.startswith((".", "_")):
                yield path, purpose


def identify(path: Path, purpose: Purpose) -> RawFile:
    """The file with the hash of its bytes, read once in pieces."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
            size += len(piece)
    return RawFile(path, purpose, digest.hexdigest(), size)


def fault(file: RawFile, required: Sequence[str], delimiter: str | None, encoding: str) -> Fault | None:
    """The first check that the file fails: format, readable to its end, not empty, required columns; None if good."""
    if file.format is None:
        return Fault("format", file.path.name, "a name that ends in " + " ".join(FORMATS) + ", or in .gz after these")
    if file.bytes == 0:
        return Fault("size", "0 bytes", "at least one row")
    try:
        if file.format != "parquet":
            _read_through(file.path, encoding)
        found = columns(file, delimiter, encoding)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        return Fault("readable", f"{type(error).__name__}: {error}", "a whole gzip file")
    except UnicodeDecodeError as error:
        return Fault(
            "readable", f"bytes that are no {encoding}: {error.reason} at byte {error.start}", f"text in {encoding}"
        )
    except (OSError, ValueError) as error:
        return Fault("readable", f"{type(error).__name__}: {error}", f"a {file.format} file")
    if not found:
        return Fault("rows", "no row that can be read", "at least one row")
    if lacking := [column for column in required if column not in found]:
        return Fault("columns", ", ".join(found), "also " + ", ".join(lacking))
    return None


def columns(file: RawFile, delimiter: str | None, encoding: str) -> list[str]:
    """Column names: of the header, the Parquet schema, or the first rows that are JSON objects; none without a row."""
    if file.format == "parquet":
        from pyarrow import parquet

        found = parquet.read_metadata(file.path)
        return list(found.schema.to_arrow_schema().names) if found.num_rows else []
    with opened(file.path, encoding) as lines:
        if file.format in ("csv", "tsv"):
            head = next(csv.reader(lines, delimiter=separator(file, delimiter, encoding)), [])
            return head if any(line.strip() for line in lines) else []
        if layout(file, encoding) == "jsonl":
            return _keys(_objects(lines))
        return _keys(_rows(json.load(lines)))


def layout(file: RawFile, encoding: str) -> str:
    """The format, told from the content where `.json` may be either: an object a line, or one document."""
    if file.format != "json":
        return str(file.format)
    with opened(file.path, encoding) as lines:
        first = next((line for line in lines if line.strip()), "")
    try:
        return "jsonl" if isinstance(json.loads(first), dict) else "json"
    except ValueError:
        return "json"


def separator(file: RawFile, delimiter: str | None, encoding: str) -> str:
    """The delimiter: as set, a tab for .tsv, else the one that splits the header best."""
    if delimiter or file.format == "tsv":
        return delimiter or "\t"
    with opened(file.path, encoding) as lines:
        header = re.sub(r'"[^"]*"', "", next(lines, ""))  # what is quoted separates nothing
    return max(",;\t|", key=lambda candidate: (header.count(candidate), candidate == ","))


def opened(path: Path, encoding: str) -> IO[str]:
    """The file as text, unpacked where it is packed; a byte order mark is no text."""
    name = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding=name, newline="")
    return path.open("r", encoding=name, newline="")


def settle(file: Path, folder: Path, digest: str) -> Path:
    """Moves a file where it ends; returns where that is."""
    return file.rename(end_of(file, folder, digest))


def end_of(file: Path, folder: Path, digest: str) -> Path:
    """Where a file ends; where its name is taken, the start of its hash is put before the ending."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / file.name
    if target.exists():
        stem, dot, ending = file.name.partition(".")
        target = folder / f"{stem}~{digest[:8]}{dot}{ending}"
    return target


def _read_through(path: Path, encoding: str) -> None:
    """Raises what is wrong with the packing or the encoding of any byte."""
    with opened(path, encoding) as text:
        while text.read(CHUNK):
            pass


def _objects(lines: IO[str]) -> Iterator[dict[str, object]]:
    for _, line in zip(range(PEEK_ROWS), lines, strict=False):
        try:
            value = json.loads(line)
        except ValueError:
            continue  # a broken row is for the quarantine; the file may be good
        if isinstance(value, dict):
            yield value


def _rows(document: object) -> list[dict[str, object]]:
    rows = document if isinstance(document, list) else [document]
    return [row for row in rows[:PEEK_ROWS] if isinstance(row, dict)]


def _keys(rows: Iterator[dict[str, object]] | list[dict[str, object]]) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row))
