"""The dialect of delimited text: found from its head and from what the project declares, unless it is set."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from lakehouse_nlp.core.settings.models import Ingest

DELIMITERS = ",;\t|:^~\x01\x1f"
LOOKED_AT = 50  # rows


@dataclass(frozen=True)
class Dialect:
    """How fields are split (RFC 4180 with another delimiter, perhaps), and the columns they fill.

    `escape`: None where a quote in a field is doubled, else the character before it; `header`: whether the first row
    names the columns.
    """

    delimiter: str
    quote: str
    escape: str | None
    header: bool
    columns: tuple[str, ...]

    @property
    def width(self) -> int:
        """Fields of a row."""
        return len(self.columns)

    @property
    def plain(self) -> bool:
        """Whether the text can be cut by bytes: quotes doubled, delimiter and quote one byte each."""
        return self.escape is None and (self.delimiter + self.quote).isascii()

    def to_json(self) -> str:
        """For the ledger: everything but the columns."""
        return json.dumps({name: value for name, value in asdict(self).items() if name != "columns"})


def found(head: str, options: Ingest, declared: Sequence[str], hint: str | None) -> Dialect:
    """The dialect of a text by its first rows.

    The delimiter is the one that finds the most of the declared columns in the first row, or, where there is no
    header, cuts rows into as many fields as there are columns. Whether the columns will do is not judged here.
    """
    candidates = [options.delimiter] if options.delimiter else list(DELIMITERS)
    rows = {
        delimiter: _rows(head, delimiter, options)
        for delimiter in candidates
        if delimiter in head or len(candidates) == 1
    }
    rows = rows or {candidates[0]: _rows(head, candidates[0], options)}
    best = max(rows, key=lambda delimiter: (*_fit(rows[delimiter], declared), delimiter == hint))
    first = rows[best][0] if rows[best] else []
    header = options.header if options.header is not None else bool(_named(first, declared))
    if not header and options.header is None and len(first) != len(declared):
        header = True  # then the report names the columns that are wanted
    fits = not header and len(first) == len(declared)
    columns = declared if fits else named(first if header else [""] * len(first), declared)
    return Dialect(best, options.quote, set_escape(options), header, tuple(columns))


def set_escape(options: Ingest) -> str | None:
    """The character that is set to escape a quote, unless that is the quote itself: doubled quotes are always read."""
    return options.escape if options.escape != options.quote else None


def named(first: Sequence[str], declared: Sequence[str]) -> list[str]:
    """The names in a header, each but once: a second `a` is `a#1` by its place, an empty one `column_2`.

    A name that is declared but for blanks around it is the declared one.
    """
    names: list[str] = []
    for place, name in enumerate(first):
        name = name if name in declared or name.strip() not in declared else name.strip()
        name = name or f"column_{place + 1}"
        while name in names:
            name = f"{name}#{place}"
        names.append(name)
    return names


def _rows(head: str, delimiter: str, options: Ingest) -> list[list[str]]:
    """The first rows; the last of a cut head is left out by whoever cut it."""
    text = io.StringIO(head, newline="")  # lines end at LF, CR LF and CR, and at nothing else
    lines = csv.reader(text, delimiter=delimiter, quotechar=options.quote, escapechar=set_escape(options))
    rows: list[list[str]] = []
    try:
        while len(rows) < LOOKED_AT:
            row = next(lines)
            rows += [row] if len(row) > 1 or "".join(row).strip() else []  # blank lines are no rows
    except (StopIteration, csv.Error):
        pass
    return rows


def _named(first: Sequence[str], declared: Sequence[str]) -> int:
    return len({name.strip() for name in first} & set(declared))


def _fit(rows: Sequence[Sequence[str]], declared: Sequence[str]) -> tuple[int, int, float, int]:
    """How well a delimiter fits: declared names found, rows as wide as declared, rows as wide as the first, width."""
    if not rows:
        return 0, 0, 0.0, 0
    widths = [len(row) for row in rows]
    even = widths.count(widths[0]) / len(widths)
    return _named(rows[0], declared), widths.count(len(declared)), even, min(widths[0], 2)
