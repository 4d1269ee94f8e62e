"""Data files on their way into the lake: which there are, and copies that are whole or not there."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.settings import Home, Settings

# What the content of a file may be packed in.
PACKINGS = (".gz", ".bz2", ".zst", ".zip")
# What `init` can look into.
FORMATS = {".csv": "csv", ".tsv": "tsv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_KNOWN = ".csv, .tsv, .json, .jsonl, .ndjson (each also with .gz) and .parquet"


class DataFile(NamedTuple):
    """A file that `init` can look into. `format`: csv, tsv, json, jsonl or parquet."""

    path: Path
    format: str
    packed: bool


def data_file(path: Path) -> DataFile:
    """The file, its format told from its name.

    Raises:
        UsageError: no such file, a folder, a name that ingest passes over, or a format that `init` does not know.

    """
    suffixes = [suffix.lower() for suffix in landing(path).suffixes]
    packed = suffixes[-1:] == [".gz"]
    kind = FORMATS.get("".join(suffixes[-2:-1] if packed else suffixes[-1:]))
    if kind is None or (packed and kind == "parquet"):
        raise UsageError(f"unknown format: {path}; there are {_KNOWN}", hint="convert or rename the file")
    return DataFile(path, kind, packed)


def landing(path: Path) -> Path:
    """A file that ingest would look at; what is in it, and how it is packed, ingest tells by the content.

    Raises:
        UsageError: no such file, a folder, or a name that ingest passes over.

    """
    if not path.exists():
        raise UsageError(f"no such file: {path}", hint="check the path: ls " + str(path.parent))
    if not path.is_file():
        raise UsageError(f"not a file but a folder: {path}", hint=f"name its files: {path}/*")
    if path.name.startswith((".", "_")):
        raise UsageError(f"a name that starts with '.' or '_' is passed over by ingest: {path}", hint="rename the file")
    return path


def add_files(home: Path, settings: Settings, files: Sequence[Path], inference: bool = False) -> list[Path]:
    """Copies files into the project's `raw/train`, or `raw/inference`, where the next `ingest` finds them.

    A file that is there already with the same content is left; with other content the new one gets a number. All
    files are judged before the first is copied. Gives the files in the lake, in order.

    Raises:
        UsageError: a missing file, a folder, or a name that ingest passes over.

    """
    found = [landing(Path(file)) for file in files]
    folder = Home(home).lake(settings) / settings.project / "raw" / ("inference" if inference else "train")
    return [_place(file, folder) for file in found]


def copy_whole(source: Path, target: Path) -> None:
    """Copies a file so that `target` is there whole or not at all, even if the machine stops; replaces it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with source.open("rb") as read, part.open("wb") as write:
            shutil.copyfileobj(read, write, 1 << 20)
            write.flush()
            os.fsync(write.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _place(file: Path, folder: Path) -> Path:
    suffix = "".join(file.suffixes[-2 if file.suffix.lower() in PACKINGS else -1 :])
    stem = file.name.removesuffix(suffix)
    for number in count(1):
        target = folder / (file.name if number == 1 else f"{stem}-{number}{suffix}")
        if not target.exists():
            copy_whole(file, target)
            return target
        if filecmp.cmp(file, target, shallow=False):
            return target
    raise AssertionError("count() does not end")
