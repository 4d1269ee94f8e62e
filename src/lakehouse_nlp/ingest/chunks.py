"""Chunks of a text file: Parquet files of records, none larger than the settings allow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from lakehouse_nlp.core.errors import LakehouseError
from lakehouse_nlp.ingest.files import RawFile
from lakehouse_nlp.ingest.records import Records

SCHEMA = pa.schema(
    [
        ("_row", pa.int64()),
        ("_line", pa.int64()),
        ("text", pa.string()),
        ("cells", pa.list_(pa.string())),
        ("_fault", pa.string()),
        ("_file", pa.string()),
        ("_file_hash", pa.string()),
        ("_purpose", pa.string()),
    ]
)
SAME = ["_fault", "_file", "_file_hash", "_purpose"]  # columns of few values, which a dictionary makes small


class Chunks:
    """Writes records of one file as chunks, and counts them."""

    def __init__(self, folder: Path, file: RawFile, limit: int) -> None:
        """`limit`: bytes of text after which a chunk is full."""
        self.folder, self.file, self.limit = folder, file, limit
        self.records = self.set_aside = 0
        self.first_fault: int | None = None
        self._written: dict[Path, int] = {}
        for old in folder.glob("*"):
            old.unlink()

    def write(self, records: Iterator[Records]) -> None:
        """Writes the records in their order."""
        writer, room = None, 0
        try:
            for block in (part for whole in records for part in _parts(whole, self.limit)):
                size = block.text.nbytes
                if writer is None or room < size:
                    if writer:
                        writer.close()
                    writer, room = self._next(), self.limit
                room -= size
                writer.write_table(self._table(block))
        finally:
            if writer:
                writer.close()

    def verified(self) -> tuple[Path, ...]:
        """The chunks, each read back as a file of its own. Raises LakehouseError if one lacks rows."""
        for path, rows in self._written.items():
            if (found := parquet.read_metadata(path).num_rows) != rows:
                raise LakehouseError(f"{path} holds {found:,} records, and {rows:,} were written", hint="run again")
        return tuple(self._written)

    def _next(self) -> Any:
        name = re.sub(r"[^\w.-]", "_", self.file.path.name)
        path = self.folder / f"part-{len(self._written) + 1:05}-{name}.parquet"  # Spark skips names that begin with _
        self._written[path] = 0
        return parquet.ParquetWriter(path, SCHEMA, compression="lz4", use_dictionary=SAME, write_statistics=False)

    def _table(self, block: Records) -> pa.Table:
        count = len(block.text)
        rows = np.arange(self.records + 1, self.records + count + 1)
        faults: list[str | None] = [None] * count
        for place, why in block.faults.items():
            faults[place] = why
        if block.faults and self.first_fault is None:
            self.first_fault = int(block.lines[min(block.faults)])
        self.records += count
        self.set_aside += len(block.faults)
        self._written[list(self._written)[-1]] += count
        same = [pa.repeat(value, count) for value in (self.file.path.name, self.file.hash, self.file.purpose)]
        cells = block.cells if block.cells is not None else pa.nulls(count, SCHEMA.field("cells").type)
        lines = pa.array(block.lines, mask=block.lines < 1)  # Avro has none
        return pa.table([rows, lines, block.text, cells, pa.array(faults, pa.string()), *same], schema=SCHEMA)


def _parts(block: Records, limit: int) -> Iterator[Records]:
    """The block in halves, of halves, until they fit into a chunk."""
    count = len(block.text)
    if count < 2 or block.text.nbytes <= limit:
        yield block
        return
    for start, stop in ((0, count // 2), (count // 2, count)):
        yield from _parts(block.part(start, stop), limit)
