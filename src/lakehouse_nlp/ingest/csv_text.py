"""Delimited text whose quotes are unruly, read from its beginning by Python's csv module, a record at a time.

Slower than `records.py`, and used only where quotes stand inside fields, are escaped by backslashes, or never closed.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from lakehouse_nlp.ingest.dialect import Dialect
from lakehouse_nlp.ingest.faults import Fault
from lakehouse_nlp.ingest.pool import batched
from lakehouse_nlp.ingest.records import Records, ragged

SAMPLE = 1 << 20
UNCLOSED = "a quote that opens here is never closed"


@dataclass
class Row:
    """A record: the line that it begins in, and its fields, or why it has none and its text as it came."""

    line: int
    cells: list[str] | None
    fault: str | None = None
    text: str | None = None


@dataclass
class Line:
    """A line of the file with its end, and what stands against its bytes."""

    number: int
    text: str
    fault: str | None


@dataclass
class CsvText:
    """Rows out of lines. `limit`: characters of the longest record."""

    dialect: Dialect
    limit: int
    _waiting: deque[Line] = field(default_factory=deque)
    _taken: list[Line] = field(default_factory=list)
    _ended: bool = False

    def records(self, lines: Iterable[Records]) -> Iterator[Records]:
        """The rows of the lines, in batches. Raises Fault for a record that is too long."""
        csv.field_size_limit(self.limit + 1)
        for rows in batched(self._rows(_each(lines))):
            texts, places, faults = zip(*((row.text, row.line, row.fault) for row in rows), strict=True)
            yield Records.of(texts, places, faults, self._columns([row.cells for row in rows]))

    def _columns(self, cells: Sequence[Sequence[str] | None]) -> pa.Table:
        none = (None,) * self.dialect.width
        columns = zip(*(row or none for row in cells), strict=True)
        return pa.table({f"c{place}": pa.array(column, pa.string()) for place, column in enumerate(columns)})

    def _rows(self, lines: Iterator[Line]) -> Iterator[Row]:
        going = True
        while going:  # again after what cannot be read, from the line after it
            going, self._ended = False, False
            try:
                for cells in self._reader(self._feed(lines)):
                    taken, self._taken = self._taken, []
                    if self._ended and self._unclosed(taken):
                        yield _faulty(taken[:1], taken[0].fault or UNCLOSED)
                        self._waiting.extendleft(reversed(taken[1:]))
                        going = True
                    elif cells and not (
                        self.dialect.width > 1 and len(cells) == 1 and not taken[0].text.strip(" \t\r\n")
                    ):
                        yield self._row(taken, cells)
            except csv.Error as error:
                taken, self._taken = self._taken, []
                yield _faulty(taken, str(error))
                going = True

    def _reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        kind = self.dialect
        return csv.reader(lines, delimiter=kind.delimiter, quotechar=kind.quote, escapechar=kind.escape)

    def _feed(self, lines: Iterator[Line]) -> Iterator[str]:
        size = 0
        while line := self._waiting.popleft() if self._waiting else next(lines, None):
            size = len(line.text) + (size if self._taken else 0)
            self._taken.append(line)
            if size > self.limit:
                found = f"a quote that is never closed, or a record of more than {self.limit:,} characters"
                raise Fault("size", found, f"at most {self.limit:,}", self._taken[0].number)
            yield self._escapes(line.text)
        self._ended = True

    def _escapes(self, text: str) -> str:
        """A backslash before anything that needs none is a backslash: csv would take it away."""
        if self.dialect.escape is None or self.dialect.escape not in text:
            return text
        mark = re.escape(self.dialect.escape)
        plain = mark + re.escape(self.dialect.quote + self.dialect.delimiter)
        return re.sub(rf"{mark}([{plain}\r\n])|{mark}", lambda found: found[0] if found[1] else found[0] * 2, text)

    def _unclosed(self, taken: list[Line]) -> bool:
        """Whether one more line would belong to the record."""
        return len(list(self._reader([*(self._escapes(line.text) for line in taken), "next"]))) == 1

    def _row(self, taken: list[Line], cells: list[str]) -> Row:
        fault = next((line.fault for line in taken if line.fault), None)
        if len(cells) != self.dialect.width:
            fault = fault or ragged(len(cells), self.dialect)
        return _faulty(taken, fault) if fault else Row(taken[0].number, cells)


def _faulty(taken: list[Line], fault: str) -> Row:
    return Row(taken[0].number, None, fault, _bare("".join(line.text for line in taken)))


def _each(lines: Iterable[Records]) -> Iterator[Line]:
    for block in lines:
        for place, (number, text) in enumerate(zip(block.lines.tolist(), block.text.to_pylist(), strict=True)):
            yield Line(number, text, block.faults.get(place))


def _bare(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def escape_of(block: bytes, dialect: Dialect) -> str | None:
    """A backslash, if one stands before a quote, and with it no fewer rows of the text are as wide as the header."""
    text = block[:SAMPLE].decode("utf-8", "replace")
    if "\\" + dialect.quote not in text:
        return None
    fitting = {escape: _fitting(text, dialect, escape) for escape in (None, "\\")}
    return "\\" if fitting["\\"] >= fitting[None] else None


def _fitting(text: str, dialect: Dialect, escape: str | None) -> int:
    lines = io.StringIO(text, newline="")
    rows = csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote, escapechar=escape)
    try:
        return sum(len(row) == dialect.width for row in rows)
    except csv.Error:
        return 0
