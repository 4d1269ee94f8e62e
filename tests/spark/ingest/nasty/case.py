"""What a nasty input is: a file's bytes, and the exact rows, or the refusal, that it has to end in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NAMES = ("id", "title", "body")

# line of the file (None: the format has none), then the columns, then the rescued fields; what is left out is null
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Case:
    """A file and what becomes of it.

    `rows`: the good rows in their order; `aside`: line, raw text and a pattern for the fault of each row set aside;
    `refused`: patterns for the check that the file fails and for the value found, and the first offending line if it
    is to be told. `told`: column of `ops.files` -> the value, or the values of which it has to be one; of `dialect`
    the delimiter. `settings`: the
    section `ingest`. `columns`: the project's columns; the first is the key, the second (or the first) its text.
    """

    name: str
    filename: str
    content: bytes
    rows: tuple[Row, ...] = ()
    aside: tuple[tuple[int | None, str, str], ...] = ()
    refused: tuple[Any, ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = NAMES

    @property
    def variant(self) -> str:
        """Cases of one variant can be taken in by one run."""
        return repr((sorted(self.settings.items()), self.columns))

    @property
    def wanted(self) -> list[tuple[int | None, dict[str, str | None], dict[str, str]]]:
        """The good rows: line, column -> value, and the rescued fields."""
        width = len(self.columns)
        found = []
        for line, *cells in self.rows:
            rescued = cells.pop() if cells and isinstance(cells[-1], dict) else {}
            padded = [*cells, *[None] * (width - len(cells))]
            found.append((line, dict(zip(self.columns, padded, strict=True)), rescued))
        return found


def counts(found: int, wanted: int) -> str:
    """A pattern for a fault that names both numbers, in any order."""
    return rf"(?s)(?=.*\b{found}\b)(?=.*\b{wanted}\b)"


def csv(*lines: str, end: str = "\n") -> bytes:
    """The lines below the usual header of two columns."""
    return "".join(line + end for line in ("id,title", *lines)).encode()
