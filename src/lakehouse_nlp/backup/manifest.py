"""What a backup says of itself: its files by their hash, the versions of its tables, and answers to SQL."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from lakehouse_nlp.core.errors import UsageError

FORMAT = 1


@dataclass(frozen=True)
class File:
    """A file of a project: `path` begins with its part (`tables/`, `lake/`, `artifacts/`, `conf/`, `home/`, `ops/`,
    `registry/`); `sha256` of its bytes, `modified` in ns.
    """

    path: str
    size: int
    sha256: str
    modified: int = 0

    @property
    def part(self) -> str:
        """What it belongs to."""
        return self.path.partition("/")[0]


@dataclass(frozen=True)
class Ledger:
    """Of a table of `ops` how it is made, and of the project's commits what its rows do not tell: the newest stamp of
    each position, and transactions (app -> version).
    """

    schema: str
    configuration: dict[str, str]
    description: str
    stamps: tuple[str, ...] = ()
    transactions: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """One backup of one project. `versions`: SQL name -> version of the tables; `answers`: question -> answer;
    `registry`: where MLflow had it, none where a server keeps it; `links`: link -> what it led to.
    """

    id: str
    project: str
    made_at: str
    code: str
    versions: dict[str, int]
    answers: dict[str, Any]
    files: tuple[File, ...]
    ops: dict[str, Ledger]
    registry: dict[str, str] | None = None
    links: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def bytes(self) -> int:
        """Of all its files."""
        return sum(file.size for file in self.files)

    def to_json(self) -> str:
        """The manifest as text."""
        return json.dumps(asdict(self), indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """The manifest in a text. Raises UsageError where a later release wrote it."""
        found = json.loads(text)
        if found["format"] != FORMAT:
            raise UsageError(
                f"backup {found['id']} has format {found['format']}, and this release reads {FORMAT}",
                hint=f"restore it by release {found['code']}",
            )
        found["files"] = tuple(File(**file) for file in found["files"])
        found["ops"] = {
            name: Ledger(**{**each, "stamps": tuple(each["stamps"])}) for name, each in found["ops"].items()
        }
        return cls(**found)


def sizes(files: Iterable[File]) -> dict[str, tuple[int, int]]:
    """Part -> files and bytes, in the parts' order."""
    found: dict[str, tuple[int, int]] = {}
    for file in files:
        many, size = found.get(file.part, (0, 0))
        found[file.part] = many + 1, size + file.size
    return dict(sorted(found.items()))
