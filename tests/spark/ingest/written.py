"""Tables of arbitrary text, and the programs that write them as delimited files."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st

NAMES = ("id", "title", "body")
Table = tuple[tuple[str, ...], ...]

# What a reader may trip over, often; every other character, now and then.
TRAPS = ('"', '""', "'", ",", ";", "\t", "|", "\n", "\r", "\r\n", " ", "  ", "\x00", "id,title,body", "{", "[", "#",
         "a", "5\"", "\u2028", "\x85", "\x0b", "\x0c", "\ufeff", "é", "😀", "NULL", "1.10")  # fmt: skip
BACKSLASHES = ("\\", "\\\\", '\\"', "\\n", "\\,", "\\\n")


@dataclass(frozen=True)
class Written:
    """A file by its writer and dialect: its bytes, and the table that it was made of."""

    writer: str
    content: bytes
    table: Table

    @property
    def wanted(self) -> list[tuple[str | None, ...]]:
        """The cells as they have to come back: one that is empty is null."""
        return [tuple(cell or None for cell in row) for row in self.table]


def cells(encoding: str = "utf-8", *, backslashes: bool = False) -> st.SearchStrategy[str]:
    """Texts of every character that the encoding can hold."""
    traps = [trap for trap in (*TRAPS, *(BACKSLASHES if backslashes else ())) if _holds(trap, encoding)]
    without = "" if backslashes else "\\"
    without += "¥‾" if encoding == "shift_jis" else ""  # they are written, and read as others
    letters = st.characters(codec=encoding, exclude_categories=["Cs"], exclude_characters=without)
    return st.lists(st.one_of(st.sampled_from(traps), letters), max_size=8).map("".join)


def tables(encoding: str = "utf-8", *, backslashes: bool = False) -> st.SearchStrategy[Table]:
    """Tables of three columns, of a row at least."""
    cell = cells(encoding, backslashes=backslashes)
    return st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=8).map(tuple)


def by_python(table: Table, delimiter: str, quoting: int, end: str, escape: str | None = None) -> str:
    """Python's csv. Below Python 3.13 it does not quote a lone CR where lines end with LF, so all is quoted then."""
    if quoting == csv.QUOTE_MINIMAL and end == "\n" and any("\r" in cell for row in table for cell in row):
        quoting = csv.QUOTE_ALL
    sink = io.StringIO()
    writer = csv.writer(
        sink, delimiter=delimiter, quoting=quoting, lineterminator=end, escapechar=escape, doublequote=escape is None
    )  # type: ignore[call-overload]
    writer.writerows([NAMES, *table])
    return sink.getvalue()


def by_pandas(table: Table, delimiter: str, quoting: int, end: str, escape: str | None = None) -> str:
    """What pandas writes; it has Python's csv do it."""
    if quoting == csv.QUOTE_MINIMAL and any("\r" in cell for row in table for cell in row):
        quoting = csv.QUOTE_ALL
    frame = pd.DataFrame(table, columns=list(NAMES), dtype="object")
    sink = io.StringIO()
    options: Any = {"sep": delimiter, "quoting": quoting, "lineterminator": end, "escapechar": escape}
    frame.to_csv(sink, index=False, doublequote=escape is None, **options)
    return sink.getvalue()


def by_duckdb(table: Table, delimiter: str, force: bool, escape: str = '"') -> str:
    """DuckDB's COPY. It doubles a backslash in quotes alone, so with an escape `force` has to be set."""
    import duckdb

    rows = pa.table({name: pa.array([row[n] for row in table], pa.string()) for n, name in enumerate(NAMES)})
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder) / "out.csv"
        connection.register("rows", rows)
        options = [f"DELIMITER '{delimiter}'", "HEADER", "QUOTE '\"'", f"ESCAPE '{escape}'"]
        options += ["FORCE_QUOTE *"] * force
        connection.execute(f"COPY rows TO '{path}' (FORMAT csv, {', '.join(options)})")
        return path.read_bytes().decode()


def by_polars(table: Table, delimiter: str, style: str, end: str) -> str:
    """Polars' write_csv."""
    import polars as pl

    frame = pl.DataFrame({name: [row[n] for row in table] for n, name in enumerate(NAMES)})
    options: Any = {"separator": delimiter, "quote_style": style, "line_terminator": end}
    return frame.write_csv(None, **options)


def strategy(
    writers: Sequence[str], encodings: Sequence[str], *, backslashes: bool = False, escape: str | None = None
) -> st.SearchStrategy[Written]:
    """Files by these writers in these encodings."""

    @st.composite
    def files(draw: Callable[..., Any]) -> Written:
        writer, encoding = draw(st.sampled_from(writers)), draw(st.sampled_from(encodings))
        table = draw(tables(encoding.removesuffix("-marked"), backslashes=backslashes))
        delimiter, end = draw(st.sampled_from(",;\t|")), draw(st.sampled_from(["\n", "\r\n"]))
        quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]))
        if writer == "duckdb":
            text = by_duckdb(table, delimiter, bool(escape) or quoting == csv.QUOTE_ALL, escape or '"')
        elif writer == "polars":
            style = {csv.QUOTE_ALL: "always", csv.QUOTE_MINIMAL: "necessary"}.get(quoting, "non_numeric")
            text = by_polars(table, delimiter, style, end)
        else:
            text = (by_pandas if writer == "pandas" else by_python)(table, delimiter, quoting, end, escape)
        dialect = f"{writer}, {encoding}, {delimiter!r}, quoting {quoting}, {end!r}, escape {escape!r}"
        mark = "\ufeff" if encoding.endswith("-marked") else ""
        return Written(dialect, (mark + text).encode(encoding.removesuffix("-marked")), table)

    return files()


def _holds(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
