"""Where backups lie: a folder or bucket, by pyarrow's file systems, which Arrow needs anyway: local, S3, GCS, Azure.

A file is stored once under the hash of its bytes, whatever backups name it; a backup is there once its manifest is,
which is written last. So one that was killed leaves earlier ones whole, and the next one copies only what is missing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from lakehouse_nlp.backup.manifest import File, Manifest
from lakehouse_nlp.core.errors import DataError, UsageError

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo

FILES, BACKUPS = "files", "backups"
PIECE = 1 << 20


class Changed(Exception):
    """The file is not what it was when it was looked at."""


class Store:
    """The backups of one project in a place that may hold several projects'."""

    def __init__(self, place: str, project: str) -> None:
        """`place`: a folder, or a URI such as `s3://bucket/backups`. Raises UsageError where it is none."""
        from pyarrow.fs import FileSystem

        self.place, self.project = place, project
        uri = place if re.match(r"[a-z][a-z0-9+]+://", place) else Path(place).expanduser().resolve().as_uri()
        try:
            self._fs, root = FileSystem.from_uri(uri)
        except (ValueError, OSError) as error:
            raise UsageError(
                f"{place} is no place for backups: {error}", hint="a folder, file://…, s3://bucket/folder, gs://…"
            ) from error
        self.root = root.rstrip("/")

    # -- manifests --------------------------------------------------------------------------------------------------

    @property
    def _folder(self) -> str:
        return f"{self.root}/{BACKUPS}/{self.project}"

    def ids(self) -> list[str]:
        """The backups that are complete, oldest first."""
        return self._named(".json")

    def begun(self) -> list[str]:
        """Those that were begun and not finished."""
        return [name for name in self._named(".begun") if name not in self.ids()]

    def _named(self, ending: str) -> list[str]:
        names = (info.base_name for info in self._list(self._folder))
        return sorted(name.removesuffix(ending) for name in names if name.endswith(ending))

    def projects(self) -> list[str]:
        """The projects that have a backup in this place."""
        folder = f"{self.root}/{BACKUPS}/"
        paths = (info.path.removeprefix(folder) for info in self._list(folder) if info.path.endswith(".json"))
        return sorted({path.partition("/")[0] for path in paths})

    def manifest(self, name: str | None = None) -> Manifest:
        """The manifest of a backup, or of the newest. Raises UsageError where there is none that is complete."""
        complete, begun = self.ids(), self.begun()
        if name in complete or (name is None and complete):
            return Manifest.from_json(self._read(f"{self._folder}/{name or complete[-1]}.json").decode())
        if begun and name in (None, *begun):
            raise UsageError(
                f"{self.place} holds no whole backup of {self.project}: {name or begun[-1]} was begun and not finished",
                hint=f"where {self.project} still is: lakehouse-nlp backup --to {self.place}",
            )
        there = ", ".join(complete) or ", ".join(f"of {other}" for other in self.projects()) or "none"
        called = f"backup {name}" if name else "backup"
        raise UsageError(f"{self.place} holds no {called} of {self.project}; there are: {there}", hint="--from PLACE")

    def begin(self, name: str) -> None:
        """Says that a backup goes on, so that nobody takes its place for an empty one."""
        self._write(f"{self._folder}/{name}.begun", b"")

    def finish(self, manifest: Manifest) -> None:
        """Writes the manifest, by which the backup is there, and forgets those that were begun before it."""
        self._write(f"{self._folder}/{manifest.id}.json", manifest.to_json().encode())
        for name in self._named(".begun"):
            self._fs.delete_file(f"{self._folder}/{name}.begun")

    @cached_property
    def known(self) -> dict[tuple[str, int, int], str]:
        """Path, size and time of the files in the newest backup, to their hash."""
        files = self.manifest().files if self.ids() else ()
        return {(file.path, file.size, file.modified): file.sha256 for file in files}

    # -- files ------------------------------------------------------------------------------------------------------

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Hash -> bytes of every file that is stored, of all projects."""
        return {info.base_name: info.size for info in self._list(f"{self.root}/{FILES}") if info.is_file}

    def has(self, file: File) -> bool:
        """Whether its bytes are stored; a copy that was killed has fewer."""
        return self.sizes.get(file.sha256) == file.size

    def put(self, source: Path, file: File) -> None:
        """Stores a file. Raises Changed where its bytes are no longer those of the hash."""
        target = self._place(file.sha256)
        self._parent(target)
        with source.open("rb") as reader, self._fs.open_output_stream(target) as writer:
            found, size = _copied(reader, writer)
        if found != file.sha256:
            self._fs.delete_file(target)
            raise Changed(source)
        self.sizes[file.sha256] = size

    def get(self, file: File, target: Path) -> None:
        """Writes a stored file to its place; killed, it leaves a file of another name. Raises DataError where its bytes
        are not those that were stored.
        """
        part = target.with_name(f".{target.name}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        with self._fs.open_input_stream(self._place(file.sha256)) as reader, part.open("wb") as writer:
            found, size = _copied(reader, writer)
        if found != file.sha256:
            part.unlink()
            raise DataError(
                f"{self.place}: {file.path} is damaged: {size:,} bytes of SHA-256 {found}, stored as {file.sha256}",
                hint="take an earlier backup: --at ID",
            )
        part.replace(target)

    def missing(self, manifest: Manifest) -> list[File]:
        """Files that the manifest names and that are not stored, or not whole."""
        return [file for file in manifest.files if not self.has(file)]

    def forget(self, keep: int) -> tuple[int, int]:
        """Deletes all but the newest backups of the project, and files that no backup of any project names: how many,
        and their bytes.
        """
        for name in self.ids()[:-keep]:
            self._fs.delete_file(f"{self._folder}/{name}.json")
        if any(info.base_name.endswith(".begun") for info in self._list(f"{self.root}/{BACKUPS}")):
            return 0, 0  # nobody has named yet what a backup that goes on has stored
        named = {file.sha256 for manifest in self._all() for file in manifest.files}
        gone = {sha256: size for sha256, size in self.sizes.items() if sha256 not in named}
        for sha256 in gone:
            self._fs.delete_file(self._place(sha256))
        return len(gone), sum(gone.values())

    def _all(self) -> Iterator[Manifest]:
        for info in self._list(f"{self.root}/{BACKUPS}"):
            if info.is_file and info.base_name.endswith(".json"):
                yield Manifest.from_json(self._read(info.path).decode())

    # -- the file system --------------------------------------------------------------------------------------------

    def _place(self, sha256: str) -> str:
        return f"{self.root}/{FILES}/{sha256[:2]}/{sha256}"

    def _list(self, folder: str) -> list[FileInfo]:
        from pyarrow.fs import FileSelector

        found: list[FileInfo] = self._fs.get_file_info(FileSelector(folder, recursive=True, allow_not_found=True))
        return found

    def _read(self, path: str) -> bytes:
        with self._fs.open_input_stream(path) as stream:
            return bytes(stream.read())

    def _write(self, path: str, data: bytes) -> None:
        """Writes a small file at once: by a name that it gets when it is whole; buckets show no others."""
        self._parent(path)
        if self._fs.type_name != "local":
            with self._fs.open_output_stream(path) as stream:
                stream.write(data)
            return
        part = Path(f"{path}.part")
        part.write_bytes(data)
        part.replace(path)

    def _parent(self, path: str) -> None:
        """Buckets have no folders to be made."""
        if self._fs.type_name == "local":
            Path(path).parent.mkdir(parents=True, exist_ok=True)


def hashed(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb") as reader:
        return _copied(reader, None)[0]


def _copied(reader: IO[bytes] | Any, writer: IO[bytes] | Any | None) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while piece := reader.read(PIECE):
        digest.update(piece)
        size += len(piece)
        if writer:
            writer.write(piece)
    return digest.hexdigest(), size
