"""A file read once, verified, and cut into chunks that Spark reads in parallel: no file is read by Spark as it came.

A chunk is a Parquet file with a record a row: its place in the file, its line, its text as UTF-8, and what stands
against it. So every reader behind it sees whole records, whatever the packing, encoding or dialect was.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

from lakehouse_nlp.core.settings.models import Ingest
from lakehouse_nlp.ingest import columnar, csv_fields, csv_text, encodings, formats, json_text
from lakehouse_nlp.ingest.chunks import Chunks
from lakehouse_nlp.ingest.dialect import Dialect, found, set_escape
from lakehouse_nlp.ingest.faults import Fault
from lakehouse_nlp.ingest.files import RawFile
from lakehouse_nlp.ingest.packing import opened
from lakehouse_nlp.ingest.pool import ordered
from lakehouse_nlp.ingest.records import OtherBytes, Records, Splitter, Unruly
from lakehouse_nlp.ingest.staged import Growing, Room, Staged, Wanted

HEAD = 1 << 18


@dataclass(frozen=True)
class Guess:
    """What a text file is taken for, until its bytes say otherwise."""

    encoding: str
    mixed: bool = False
    escape: str | None = None
    unruly: bool = False


def stage(file: RawFile, options: Ingest, wanted: Wanted, folder: Path) -> Staged:
    """Verifies the file in the order format, readable, size, rows, columns, and writes its chunks into a folder.

    Raises Fault for the first check that fails, and Growing.
    """
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            staged = _staged(file, options, wanted, Room(folder, pool))
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        if _changed(file) and not isinstance(error, Growing):
            raise Growing from error
        raise
    if _changed(file):
        shutil.rmtree(folder, ignore_errors=True)
        raise Growing
    return staged


def _staged(file: RawFile, options: Ingest, wanted: Wanted, room: Room) -> Staged:
    if file.bytes == 0:
        raise Fault("size", "0 bytes", f"{options.min_bytes:,} or more")
    with opened(file.path) as stream:
        head = stream.read(HEAD)
    kind = formats.told(head)
    room.folder.mkdir(parents=True, exist_ok=True)
    staged = columnar.stage(file, kind, room) if kind != "text" else _text(file, options, wanted, room, head)
    if file.bytes < options.min_bytes:
        raise Fault("size", f"{file.bytes:,} bytes", f"{options.min_bytes:,} or more")
    if staged.records < options.min_rows:
        rows = f"{staged.records:,} rows" if staged.records else "no row that can be read"
        raise Fault("rows", rows, f"{options.min_rows:,} or more")
    if staged.kind == "json" and not staged.columns:
        raise Fault("rows", "no row that is a JSON object", f"{options.min_rows:,} or more", 1)
    if fault := _columns_fault(staged, wanted):
        raise fault
    return staged


def _columns_fault(staged: Staged, wanted: Wanted) -> Fault | None:
    found, line = ", ".join(staged.columns) or "none", 1 if staged.dialect else None
    if staged.dialect and not staged.dialect.header and len(staged.columns) != len(wanted.declared):
        fields = f"{len(wanted.declared)} fields: {', '.join(wanted.declared)}"
        return Fault("columns", f"{len(staged.columns)} fields and no header", fields, line)
    lacking = [name for name in wanted.required if name not in staged.columns]
    return Fault("columns", found, "also " + ", ".join(lacking), line) if lacking else None


def _changed(file: RawFile) -> bool:
    try:
        now = file.path.stat()
    except FileNotFoundError:
        return True
    return (now.st_size, now.st_mtime_ns) != (file.bytes, file.modified)


def _text(file: RawFile, options: Ingest, wanted: Wanted, room: Room, head: bytes) -> Staged:
    """Text under the first guess of encoding and dialect that holds to its end."""
    guess = Guess(options.encoding or encodings.unicode_of(head), escape=set_escape(options))
    while True:
        try:
            return _attempt(file, options, wanted, room, guess)
        except OtherBytes as error:
            if options.encoding:
                found = f"bytes that are no {options.encoding}"
                raise Fault("readable", found, f"text in {options.encoding}", error.line) from error
            guess = (
                replace(guess, mixed=True) if error.mixed else replace(guess, encoding=encodings.code_page(error.block))
            )
        except Unruly as error:
            escape = set_escape(options) if options.escape else csv_text.escape_of(error.text, error.dialect)
            guess = replace(guess, unruly=True, escape=escape)


def _attempt(file: RawFile, options: Ingest, wanted: Wanted, room: Room, guess: Guess) -> Staged:
    with opened(file.path) as stream:
        blocks = encodings.utf8_blocks(stream, guess.encoding, options.max_bytes)
        first = next(blocks, b"")
        formats.refuse_binary(first[:HEAD])
        head = _head(first)
        if not head.strip("\ufeff \t\r\n\x00"):
            return Staged(file, "csv", "csv: Arrow", (), 0, ())
        blocks = chain([first], blocks)
        layout = json_text.layout(head, file.path)
        chunks = Chunks(room.folder, file, options.max_bytes, room.pool)
        if layout:
            columns: list[str] = []
            chunks.write(_noting_keys(_json(layout, blocks, options, guess, room.pool), columns))
            return _verified(file, chunks, "json", f"{layout}: from_json", tuple(columns), guess)
        dialect = found(head, options, wanted.declared, formats.delimiter_of(file.path))
        dialect = replace(dialect, escape=guess.escape)
        plain = dialect.plain and not guess.unruly
        records = _rows(blocks, dialect, options, replace(guess, unruly=not plain), room.pool)
        chunks.write(_without_header(records) if dialect.header else records)
        reader = "csv: Arrow" if plain else "csv: Python's csv"
        return replace(_verified(file, chunks, "csv", reader, dialect.columns, guess), dialect=dialect)


def _verified(file: RawFile, chunks: Chunks, kind: str, reader: str, columns: Sequence[str], guess: Guess) -> Staged:
    """The staged file, after its chunks were each looked at as they lie on disk."""
    paths = chunks.verified()
    encoding = guess.encoding + (" with rows of other bytes" if guess.mixed else "")
    return Staged(
        file, kind, reader, tuple(columns), chunks.records, paths, encoding, None, chunks.set_aside, chunks.first_fault
    )


def _head(block: bytes) -> str:
    """The first rows as text, without one that is cut."""
    text = block[:HEAD].decode("utf-8", "replace")
    if len(block) <= HEAD:
        return text
    whole = re.match(r"(?s).*[\r\n]", text)
    return whole[0] if whole else text


def _json(layout: str, blocks: Iterable[bytes], options: Ingest, guess: Guess, pool: Executor) -> Iterator[Records]:
    if layout == "jsonl":
        found = Splitter(options.max_record_bytes, mixed=guess.mixed).split(blocks, pool)
    else:
        found = json_text.elements(blocks, options.max_record_bytes, guess.mixed)
    return ordered(pool, json_text.exactly, found)


def _rows(
    blocks: Iterable[bytes], dialect: Dialect, options: Ingest, guess: Guess, pool: Executor
) -> Iterator[Records]:
    if not guess.unruly:
        rows = Splitter(options.max_record_bytes, dialect, guess.mixed).split(blocks, pool)
        return ordered(pool, partial(csv_fields.split, dialect=dialect), rows)
    lines = Splitter(options.max_record_bytes, None, guess.mixed, blanks=True).split(blocks, pool)
    return csv_text.CsvText(dialect, options.max_record_bytes).records(lines)


def _without_header(records: Iterator[Records]) -> Iterator[Records]:
    for block in records:
        if len(block.text):
            yield block.after_first()
            break
    yield from records


def _noting_keys(records: Iterator[Records], columns: list[str]) -> Iterator[Records]:
    """Passes records on; the names of the fields of the first block's objects are put into `columns`."""
    for block in records:
        if not columns:
            columns += json_text.keys(block.text)
        yield block
