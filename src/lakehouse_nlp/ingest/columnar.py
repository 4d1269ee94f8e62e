"""Files of typed columns: Parquet and ORC, which Spark reads itself once they are seen to be whole, and Avro."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lakehouse_nlp.core.errors import LakehouseError
from lakehouse_nlp.ingest.chunks import Chunks
from lakehouse_nlp.ingest.faults import Fault
from lakehouse_nlp.ingest.files import RawFile
from lakehouse_nlp.ingest.json_text import exactly
from lakehouse_nlp.ingest.packing import opened
from lakehouse_nlp.ingest.pool import batched, ordered
from lakehouse_nlp.ingest.records import Records
from lakehouse_nlp.ingest.staged import Room, Staged

PIECE = 1 << 22


def stage(file: RawFile, kind: str, room: Room) -> Staged:
    """The file read to its end, and put where Spark reads it. Raises Fault if it is not whole."""
    whole = room.folder / f"whole.{kind}"
    with opened(file.path) as stream, whole.open("wb") as copy:
        while piece := stream.read(PIECE):
            copy.write(piece)
    try:
        return _avro(file, whole, room) if kind == "avro" else {"parquet": _parquet, "orc": _orc}[kind](file, whole)
    except Exception as error:  # of whatever kind the library raises for bytes that make no sense
        if isinstance(error, LakehouseError) or getattr(error, "errno", None):  # a full disk, say: not the file's fault
            raise
        raise Fault("readable", f"{type(error).__name__}: {str(error)[:200]}", f"a whole {kind} file") from error


def _parquet(file: RawFile, path: Path) -> Staged:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as source:
        rows = sum(batch.num_rows for batch in source.iter_batches())
        return Staged(file, "parquet", "parquet: Spark", tuple(source.schema_arrow.names), rows, (path,))


def _orc(file: RawFile, path: Path) -> Staged:
    from pyarrow import orc

    source = orc.ORCFile(path)
    rows = sum(source.read_stripe(place).num_rows for place in range(source.nstripes))
    return Staged(file, "orc", "orc: Spark", tuple(source.schema.names), rows, (path,))


def _avro(file: RawFile, path: Path, room: Room) -> Staged:
    """Spark reads Avro by a jar of its own; as JSON, its records go the way of all others."""
    import fastavro

    chunks = Chunks(room.folder / "records", file, PIECE * 4, room.pool)
    chunks.folder.mkdir()
    with path.open("rb") as source:
        found = fastavro.reader(source)
        schema: Any = found.writer_schema
        columns = tuple(field["name"] for field in schema.get("fields", []))
        chunks.write(ordered(room.pool, exactly, _records(iter(found))))
    path.unlink()
    return Staged(file, "json", "avro: fastavro", columns, chunks.records, chunks.verified())


def _records(found: Iterator[Any]) -> Iterator[Records]:
    for batch in batched(found):
        yield Records.of([_text(record) for record in batch], [-1] * len(batch))


def _text(record: Any) -> str:
    try:
        return json.dumps(record, default=_plain, ensure_ascii=False, allow_nan=False)
    except ValueError:  # NaN and Infinity: as strings, or JSON's readers would set the row aside
        loose = json.loads(json.dumps(record, default=_plain), parse_constant=str)
        return json.dumps(loose, ensure_ascii=False)


def _plain(value: Any) -> str:
    """Values that JSON has no word for, as Spark would write them."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        return str(value.replace(tzinfo=None))  # UTC
    return str(value)  # decimals, dates, times
