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
from lakehouse_nlp.core.settings.home import is_uri

FORMATS = {".csv": "csv", ".tsv": "tsv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_KNOWN = ".csv, .tsv, .json, .jsonl, .ndjson (each also with .gz) and .parquet"


class DataFile(NamedTuple):
    """A file that ingest can read. `format`: csv, tsv, json, jsonl or parquet."""

    path: Path
    format: str
    packed: bool

    @property
    def suffix(self) -> str:
        """What follows the stem: `.csv.gz`."""
        return "".join(self.path.suffixes[-2 if self.packed else -1 :])


def data_file(path: Path) -> DataFile:
    """The file, its format told from its name.

    Raises:
        UsageError: no such file, a folder, a name that ingest passes over, or a format it does not know.

    """
    if not path.exists():
        raise UsageError(f"no such file: {path}", hint="check the path: ls " + str(path.parent))
    if not path.is_file():
        raise UsageError(f"not a file but a folder: {path}", hint=f"name its files: {path}/*")
    if path.name.startswith((".", "_")):
        raise UsageError(f"a name that starts with '.' or '_' is passed over by ingest: {path}", hint="rename the file")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] == [".gz"]
    kind = FORMATS.get("".join(suffixes[-2:-1] if packed else suffixes[-1:]))
    if kind is None or (packed and kind == "parquet"):
        raise UsageError(f"unknown format: {path}; there are {_KNOWN}", hint="convert or rename the file")
    return DataFile(path, kind, packed)


def add_files(home: Path, settings: Settings, files: Sequence[Path], inference: bool = False) -> list[Path]:
    """Copies files into the project's `raw/train`, or `raw/inference`, where the next `ingest` finds them.

    A file that is there already with the same content is left; with other content the new one gets a number. All
    files are judged before the first is copied. Gives the files in the lake, in order.

    Raises:
        UsageError: a missing file, a folder, an unknown format; or the lake is no folder of this machine.

    """
    found = [data_file(Path(file)) for file in files]
    root = Home(home).lake(settings)
    folder = f"{settings.project}/raw/{'inference' if inference else 'train'}"
    if is_uri(root):
        raise UsageError(f"the lake is not on this machine: {root}", hint=_remote_copy(f"{root}/{folder}", found))
    return [_place(file, Path(root) / folder) for file in found]


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


def _place(file: DataFile, folder: Path) -> Path:
    stem = file.path.name[: -len(file.suffix)]
    for number in count(1):
        target = folder / (file.path.name if number == 1 else f"{stem}-{number}{file.suffix}")
        if not target.exists():
            copy_whole(file.path, target)
            return target
        if filecmp.cmp(file.path, target, shallow=False):
            return target
    raise AssertionError("count() does not end")


def _remote_copy(folder: str, files: Sequence[DataFile]) -> str:
    program = "aws s3 cp" if folder.startswith(("s3:", "s3a:")) else "databricks fs cp"
    return f"{program} {files[0].path if files else 'FILE'} {folder}/"
