"""A verified file, ready to be read."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from lakehouse_nlp.ingest.dialect import Dialect
from lakehouse_nlp.ingest.files import RawFile


@dataclass(frozen=True)
class Room:
    """Where a file is worked on, and by whom."""

    folder: Path
    pool: Executor


class Growing(Exception):
    """The file is not as it was a moment ago: somebody is writing it."""


@dataclass(frozen=True)
class Wanted:
    """What a project asks of its files: names that columns have in them, and those that must be there."""

    declared: tuple[str, ...]
    required: tuple[str, ...]


@dataclass(frozen=True)
class Staged:
    """A verified file: what it is, what reads it, and its chunks.

    `kind`: csv, json, parquet or orc; `reader`: the same for people; `records`: rows of it;
    `set_aside`: those among them that no reader can split; `line`: of the first such.
    """

    file: RawFile
    kind: str
    reader: str
    columns: tuple[str, ...]
    records: int
    chunks: tuple[Path, ...]
    encoding: str | None = None
    dialect: Dialect | None = None
    set_aside: int = 0
    line: int | None = None
