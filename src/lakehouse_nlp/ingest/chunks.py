"""Chunks of a text file: Parquet files of records, none larger than the settings allow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from lakehouse_nlp.core.errors import LakehouseError
from lakehouse_nlp.ingest.files import RawFile
from lakehouse_nlp.ingest.pool import ordered
from lakehouse_nlp.ingest.records import Records

# The columns of every chunk; those of delimited text have `c0`, `c1` and so on behind them.
SCHEMA = pa.schema(
    [
        ("_row", pa.int64()),
        ("_line", pa.int64()),
        ("text", pa.string()),
        ("_fault", pa.string()),
        ("_file", pa.string()),
        ("_file_hash", pa.string()),
        ("_purpose", pa.string()),
    ]
)
SAME = ["_fault", "_file", "_file_hash", "_purpose"]  # columns of few values, which a dictionary makes small


@dataclass(frozen=True)
class Chunk:
    """Records of a file to be written to a path; `first`: the place of the first of them in the file."""

    path: Path
    file: RawFile
    block: Records
    first: int


class Chunks:
    """Writes records of one file as chunks, and counts them."""

    def __init__(self, folder: Path, file: RawFile, limit: int, pool: Executor) -> None:
        """`limit`: bytes of text in a chunk; `pool`: what writes several at once."""
        self.folder, self.file, self.limit, self.pool = folder, file, limit, pool
        self.records = self.set_aside = 0
        self.first_fault: int | None = None
        self._count = 0
        self._written: dict[Path, int] = {}
        for old in folder.glob("*"):
            old.unlink()

    def write(self, records: Iterator[Records]) -> None:
        """Writes the records in their order, a chunk or more for each block."""
        blocks = (part for whole in records for part in _parts(whole, self.limit) if len(part.text))
        for path, rows in ordered(self.pool, _write, map(self._chunk, blocks)):
            self._written[path] = rows

    def verified(self) -> tuple[Path, ...]:
        """The chunks, each read back as a file of its own. Raises LakehouseError if one lacks rows."""
        for path, rows in self._written.items():
            if (found := parquet.read_metadata(path).num_rows) != rows:
                raise LakehouseError(f"{path} holds {found:,} records, and {rows:,} were written", hint="run again")
        return tuple(self._written)

    def _chunk(self, block: Records) -> Chunk:
        """Counts the records, and gives them their places in the file."""
        self._count += 1
        name = re.sub(r"[^\w.-]", "_", self.file.path.name)[:100]
        path = self.folder / f"part-{self._count:05}-{name}.parquet"  # Spark skips names that begin with _
        first = self.records + 1
        if block.faults and self.first_fault is None:
            self.first_fault = int(block.lines[min(block.faults)])
        self.records += len(block.text)
        self.set_aside += len(block.faults)
        return Chunk(path, self.file, block, first)


def _write(chunk: Chunk) -> tuple[Path, int]:
    table = _table(chunk)
    parquet.write_table(table, chunk.path, compression="lz4", use_dictionary=SAME, write_statistics=False)
    return chunk.path, table.num_rows


def _table(chunk: Chunk) -> pa.Table:
    block, file, count = chunk.block, chunk.file, len(chunk.block.text)
    text = pc.utf8_rtrim(block.text, "\r\n")
    faults = (
        pa.array(map(block.faults.get, range(count)), pa.string()) if block.faults else pa.nulls(count, pa.string())
    )
    same = [pa.repeat(value, count) for value in (file.path.name, file.hash, file.purpose)]
    lines = pa.array(block.lines, mask=block.lines < 1)  # Avro has none
    rows = np.arange(chunk.first, chunk.first + count)
    table = pa.table([rows, lines, text, faults, *same], schema=SCHEMA)
    if block.cells is not None:
        for name in block.cells.column_names:
            table = table.append_column(name, block.cells[name])
    return table


def _parts(block: Records, limit: int) -> Iterator[Records]:
    """The block in halves, of halves, until they fit into a chunk."""
    count = len(block.text)
    if count < 2 or block.size <= limit:
        yield block
        return
    for start, stop in ((0, count // 2), (count // 2, count)):
        yield from _parts(block.part(start, stop), limit)
