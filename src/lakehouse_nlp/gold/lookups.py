"""Lookup tables in CSV files: one table, or several one below the other, as hospitals and agencies publish them."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

from lakehouse_nlp.core.errors import DataError, UsageError
from lakehouse_nlp.core.settings.learning import Lookup

# A lookup is written into the query; a larger table belongs into the data.
MOST = 10_000


def read_lookup(lookup: Lookup, home: Path) -> dict[str, str]:
    """Value -> description, of the table whose first column is headed `lookup.by`; blanks around both are cut off.

    Raises UsageError where the file or the table is not there, DataError where the table is no lookup.
    """
    path = home / lookup.file
    try:
        tables = read_tables(path)
    except OSError as error:
        raise UsageError(
            f"features.lookups: {path} cannot be read: {error.strerror}", hint="put the file there, or mend `file`"
        ) from error
    if lookup.by not in tables:
        raise UsageError(
            f"features.lookups: {path} has no table headed {lookup.by!r}; there are {', '.join(tables) or 'none'}",
            hint="mend `by`: it names the column to look up, and heads its table in the file",
        )
    found = {value: text for value, text in tables[lookup.by].items() if text not in lookup.nulls}
    if not 0 < len(found) <= MOST:
        raise DataError(
            f"features.lookups: the table {lookup.by!r} of {path} has {len(found):,} rows; 1 to {MOST:,} make a lookup",
            hint="join a larger table before ingest",
        )
    return found


def lookups_hash(lookups: dict[str, Lookup], home: Path) -> str:
    """16 hex digits over the tables as they are read: other descriptions make other rows."""
    read = {name: sorted(read_lookup(lookup, home).items()) for name, lookup in sorted(lookups.items())}
    return hashlib.sha256(repr(read).encode()).hexdigest()[:16]


def read_tables(path: Path) -> dict[str, dict[str, str]]:
    """The tables of a CSV file, by the name of their first column: first column -> second.

    A table begins at the top, or after a line without values; its first line is its header.
    """
    tables: dict[str, dict[str, str]] = {}
    for header, *lines in _blocks(path):
        tables[header[0]] = {line[0]: line[1] for line in lines if len(line) > 1}
    return tables


def _blocks(path: Path) -> Iterator[list[list[str]]]:
    """Runs of lines that hold something, each a list of stripped cells."""
    block: list[list[str]] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line in csv.reader(file):
            cells = [cell.strip() for cell in line]
            if any(cells):
                block.append(cells)
            elif block:
                yield block
                block = []
    if block:
        yield block
