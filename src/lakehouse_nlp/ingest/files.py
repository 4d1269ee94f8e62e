"""Raw files: finding them, knowing them by content, and putting them where they end."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from lakehouse_nlp.core.settings.models import Purpose

CHUNK = 1 << 20


@dataclass(frozen=True)
class RawFile:
    """A file in `raw/`: where it is, what it is for, the SHA-256 of its bytes, and when it was written last (ns)."""

    path: Path
    purpose: Purpose
    hash: str
    bytes: int
    modified: int = 0


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
    modified = path.stat().st_mtime_ns  # before it is read: what is written meanwhile is seen by its change
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
            size += len(piece)
    return RawFile(path, purpose, digest.hexdigest(), size, modified)


def settle(file: Path, folder: Path, digest: str) -> Path:
    """Moves a file where it ends; returns where that is."""
    return file.rename(end_of(file, folder, digest))


def end_of(file: Path, folder: Path, digest: str, taken: Collection[Path] = ()) -> Path:
    """Where a file ends; where its name is taken, the start of its hash is put before the ending."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / file.name
    if target.exists() or target in taken:
        stem, dot, ending = file.name.partition(".")
        target = folder / f"{stem}~{digest[:8]}{dot}{ending}"
    return target
