"""Files staged from beginning to end: what they are taken for, their chunks, and why they are turned away."""

from __future__ import annotations

import gzip
import io
import json
import math
import random
from collections.abc import Callable
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from pyarrow import orc, parquet

from lakehouse_nlp.core.settings.models import Ingest
from lakehouse_nlp.ingest import chunks, files, formats, staging
from lakehouse_nlp.ingest.faults import Fault
from lakehouse_nlp.ingest.files import RawFile
from lakehouse_nlp.ingest.staged import Growing, Staged, Wanted
from lakehouse_nlp.ingest.staging import stage

pytestmark = pytest.mark.unit

CSV = b"id,title\n1,a\n2,b\n"
BOTH = Wanted(("id", "title"), ("id", "title"))


class Bench:
    """Stages files of given bytes in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.raw, self.room = folder / "raw", folder / "chunks"
        self.raw.mkdir()

    def file(self, name: str, content: bytes) -> RawFile:
        (self.raw / name).write_bytes(content)
        return files.identify(self.raw / name, "train")

    def stage(self, name: str, content: bytes, wanted: Wanted = BOTH, **options: Any) -> Staged:
        return stage(self.file(name, content), Ingest(**options), wanted, self.room)

    def fault(self, name: str, content: bytes, wanted: Wanted = BOTH, **options: Any) -> Fault:
        with pytest.raises(Fault) as caught:
            self.stage(name, content, wanted, **options)
        assert not self.room.exists()
        return caught.value


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def records(staged: Staged) -> list[dict[str, Any]]:
    return [row for chunk in staged.chunks for row in parquet.read_table(chunk).to_pylist()]


def texts(staged: Staged) -> list[str]:
    return [row["text"] for row in records(staged)]


def fields(staged: Staged) -> list[list[str | None]]:
    return [[value for name, value in row.items() if name.startswith("c")] for row in records(staged)]


def _parquet(columns: dict[str, list[Any]]) -> bytes:
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue().to_pybytes())


def _orc(columns: dict[str, list[Any]]) -> bytes:
    sink = pa.BufferOutputStream()
    orc.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue().to_pybytes())


def _avro(rows: list[dict[str, Any]], **kinds: Any) -> bytes:
    sink = io.BytesIO()
    schema = {"type": "record", "name": "r", "fields": [{"name": name, "type": kind} for name, kind in kinds.items()]}
    fastavro.writer(sink, schema, rows)
    return sink.getvalue()


TABLE = {"id": list(range(500)), "title": [str(n) for n in range(500)]}
PARQUET, ORC = _parquet(TABLE), _orc(TABLE)
AVRO = _avro([{"id": n, "title": str(n)} for n in range(500)], id="long", title="string")
OBJECT = b'{"id": 1, "title": "a"}'

GOOD: dict[str, tuple[bytes, str, int]] = {
    "plain.csv": (CSV, "csv", 2),
    "any.name": (CSV, "csv", 2),
    "packed.csv.gz": (gzip.compress(CSV), "csv", 2),
    "packed.csv": (gzip.compress(CSV), "csv", 2),
    "no_gzip.csv.gz": (CSV, "csv", 2),
    "tabs.tsv": (CSV.replace(b",", b"\t"), "csv", 2),
    "more.csv": (b"id,other,title\n1,2,3\n", "csv", 1),
    "bom.csv": (b"\xef\xbb\xbf" + CSV, "csv", 2),
    "crlf.csv": (CSV.replace(b"\n", b"\r\n"), "csv", 2),
    "cr.csv": (CSV.replace(b"\n", b"\r"), "csv", 2),
    "no_newline.csv": (b"id,title\n1,a", "csv", 1),
    "no_header.csv": (b"1,a\n2,b\n", "csv", 2),
    "quoted.csv": (b'"id","title"\n1,"a\nb"\n', "csv", 1),
    "blank_lines.csv": (b'\n \nid,"title"\n\n1,a\n\n', "csv", 1),
    "inches.csv": (b'id,title\n1,5" disk\n2,b\n', "csv", 2),
    "backslashes.csv": (b'id,title\n1,"say \\"hi\\", you"\n', "csv", 1),
    "orcid.csv": (b"ORCID,id,title\n0000,1,a\n", "csv", 1),
    "lines.jsonl": (OBJECT + b"\n", "json", 1),
    "bom.jsonl": (b"\xef\xbb\xbf" + OBJECT + b"\n", "json", 1),
    "spread.jsonl": (b'{"id": 1}\n{"title": "a"}\n', "json", 2),
    "one_broken.jsonl": (b'{"id": \n' + OBJECT, "json", 2),
    "blank_first.jsonl": (b"\n\n" + OBJECT + b"\n", "json", 1),
    "array.json": (b"[" + OBJECT + b"]", "json", 1),
    "indented.json": (json.dumps([{"id": 1, "title": "a"}], indent=2).encode(), "json", 1),
    "object.json": (json.dumps({"id": 1, "title": "a"}, indent=2).encode(), "json", 1),
    "bom.json": (b"\xef\xbb\xbf[" + OBJECT + b"]", "json", 1),
    "in_truth_lines.json": (OBJECT + b"\n" + OBJECT + b"\n", "json", 2),
    "in_truth_csv.json": (CSV, "csv", 2),
    "in_truth_csv.parquet": (CSV, "csv", 2),
    "wide.jsonl": ('{"id": 1, "title": "ä😀"}\n'.encode("utf-16"), "json", 1),
    "table.parquet": (PARQUET, "parquet", 500),
    "table.orc": (ORC, "orc", 500),
    "table.avro": (AVRO, "json", 500),
    "table.parquet.gz": (gzip.compress(PARQUET), "parquet", 500),
    "x" * 240 + ".csv": (CSV, "csv", 2),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_files_are_staged(bench: Bench, name: str) -> None:
    content, kind, count = GOOD[name]
    staged = bench.stage(name, content)
    assert (staged.kind, staged.records, staged.file.path.name) == (kind, count, name)
    assert {"id", "title"} <= set(staged.columns)
    assert sum(parquet.read_metadata(chunk).num_rows for chunk in staged.chunks if kind not in ("orc",)) in (count, 0)


CUT = "EOFError: Compressed file ended before the end-of-stream marker was reached"
PACKED = gzip.compress(b"id,title\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(2000)), mtime=0)
LATIN = "id,title\n1,ü\n".encode("latin-1")
UTF8 = {"encoding": "UTF-8"}
BAD: dict[str, tuple[bytes, dict[str, Any], tuple[str, str, str, int | None]]] = {
    "empty.csv": (b"", {}, ("size", "0 bytes", "1 or more", None)),
    "small.csv": (CSV, {"min_bytes": 99}, ("size", "17 bytes", "99 or more", None)),
    "picture.csv": (b"\x89PNG\r\n", {}, ("format", "a PNG picture", staging.formats.WANTED, None)),
    "half.csv.gz": (PACKED[: len(PACKED) // 2], {}, ("readable", CUT, "a whole gz file", None)),
    "last_byte_gone.csv.gz": (PACKED[:-1], {}, ("readable", CUT, "a whole gz file", None)),
    "packed_nothing.csv.gz": (gzip.compress(b""), {}, ("rows", "no row that can be read", "1 or more", None)),
    "header_only.csv": (b"id,title\n", {}, ("rows", "no row that can be read", "1 or more", None)),
    "header_and_blank.csv": (b"id,title\n\n", {}, ("rows", "no row that can be read", "1 or more", None)),
    "header_only.tsv": (b"id\ttitle", {}, ("rows", "no row that can be read", "1 or more", None)),
    "blank.csv": (b"\n \r\n\t", {}, ("rows", "no row that can be read", "1 or more", None)),
    "zeros.csv": (b"\0" * 9999, {}, ("format", "100% control characters: no text", formats.WANTED, None)),
    "mark_only.csv": (b"\xef\xbb\xbf", {}, ("rows", "no row that can be read", "1 or more", None)),
    "few.csv": (CSV, {"min_rows": 3}, ("rows", "2 rows", "3 or more", None)),
    "no_object.jsonl": (b"[1]\n2\n{broken\n", {}, ("rows", "no row that is a JSON object", "1 or more", 1)),
    "no_object.json": (b"[1, 2]", {}, ("rows", "no row that is a JSON object", "1 or more", 1)),
    "no_rows.json": (b"[]", {}, ("rows", "no row that can be read", "1 or more", None)),
    "no_rows.parquet": (_parquet({"id": [], "title": []}), {}, ("rows", "no row that can be read", "1 or more", None)),
    "no_rows.avro": (_avro([], id="int"), {}, ("rows", "no row that can be read", "1 or more", None)),
    "column_missing.csv": (b"id,name\n1,a\n", {}, ("columns", "id, name", "also title", 1)),
    "columns_missing.csv": (b"x,y,z\n1,a,b\n", {}, ("columns", "x, y, z", "also id, title", 1)),
    "letter_case.csv": (b"ID,title\n1,a\n", {}, ("columns", "ID, title", "also id", 1)),
    "column_missing.jsonl": (b'{"id": 1}\n', {}, ("columns", "id", "also title", None)),
    "column_missing.parquet": (_parquet({"id": [1]}), {}, ("columns", "id", "also title", None)),
    "column_missing.orc": (_orc({"id": [1]}), {}, ("columns", "id", "also title", None)),
    "column_missing.avro": (_avro([{"id": 1}], id="int"), {}, ("columns", "id", "also title", None)),
    "no_header.csv": (b"1,a,x\n", {"header": False},
                      ("columns", "3 fields and no header", "2 fields: id, title", 1)),
    "latin.csv": (LATIN, UTF8, ("readable", "bytes that are no UTF-8", "text in UTF-8", 2)),
    "latin.jsonl": (OBJECT + '\n{"id": 1, "title": "ü"}\n'.encode("latin-1"), UTF8,
                    ("readable", "bytes that are no UTF-8", "text in UTF-8", 2)),
    "latin.json": ('[\n{"id": 1,\n"title": "ü"}]\n'.encode("latin-1"), UTF8,
                   ("readable", "bytes that are no UTF-8", "text in UTF-8", 3)),
    "late.csv": (CSV + b"3,c\n" * 5000 + "4,ü\n".encode("latin-1"), UTF8,
                 ("readable", "bytes that are no UTF-8", "text in UTF-8", 5004)),
    "long.csv": (CSV + b"3," + b"x" * 2000 + b"\n4,d\n", {"max_record_bytes": 1024},
                 ("size", "a quote that is never closed, or a record of more than 1,024 bytes", "at most 1,024", 4)),
    "unclosed.csv": (CSV + b'3,"' + b"4,d\n" * 500, {"max_record_bytes": 1024},
                     ("size", "a quote that is never closed, or a record of more than 1,024 bytes",
                      "at most 1,024", 4)),
    "long.jsonl": (OBJECT + b'\n{"id": "' + b"x" * 2000 + b'"}\n', {"max_record_bytes": 1024},
                   ("size", "a line of more than 1,024 bytes", "at most 1,024", 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_fails_by_the_first_check(bench: Bench, name: str) -> None:
    content, options, wanted = BAD[name]
    fault = bench.fault(name, content, **options)
    assert (fault.check, fault.found, fault.wanted, fault.line) == wanted


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        (Fault("size", "0 bytes", "1 or more"), "size: found 0 bytes, wanted 1 or more"),
        (Fault("columns", "a", "also b", 1234), "columns: found a, wanted also b (line 1,234)"),
    ],
)
def test_a_fault_reads_as_a_sentence(fault: Fault, wanted: str) -> None:
    assert str(fault) == wanted


FLIPPED = bytes(byte ^ 0xFF if 600 < place < 640 else byte for place, byte in enumerate(AVRO))


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("no_footer.parquet", PARQUET[:-8], "a whole parquet file"),
        ("half.parquet", PARQUET[: len(PARQUET) // 2], "a whole parquet file"),
        ("half.orc", ORC[: len(ORC) // 2], "a whole orc file"),
        ("but_for_a_byte.orc", ORC[:-1], "a whole orc file"),
        ("half.avro", AVRO[: len(AVRO) // 2], "a whole avro file"),
        ("but_for_a_byte.avro", AVRO[:-1], "a whole avro file"),
        ("flipped.csv.gz", PACKED[:600] + bytes([PACKED[600] ^ 0xFF]) + PACKED[601:], "a whole gz file"),
    ],
)
def test_files_that_are_not_whole_say_so(bench: Bench, name: str, content: bytes, wanted: str) -> None:
    fault = bench.fault(name, content)
    assert (fault.check, fault.wanted) == ("readable", wanted)


def test_checks_come_in_their_order(bench: Bench) -> None:
    """A file with every fault but those of the checks before."""
    limits: dict[str, Any] = {"min_bytes": 10_000, "min_rows": 9}
    found = [
        bench.fault("a.csv", random.Random(1).randbytes(4096), **limits),
        bench.fault("a.csv.gz", gzip.compress(b"x,y,z\n1,2,3\n")[:-1], **limits),
        bench.fault("a.csv", b"x,y,z\n1,2,\xff\n", **limits, **UTF8),
        bench.fault("a.csv", b"x,y,z\n1,2,3\n", **limits),
        bench.fault("a.jsonl", b"[1]\n", **limits),
        bench.fault("a.csv", b"\n\n", **limits),
        bench.fault("a.csv", b"x,y,z\n1,2,3\n", min_rows=9),
        bench.fault("a.csv", b"x,y,z\n", min_bytes=2),
        bench.fault("a.csv", b"x,y,z\n1,2,3\n"),
    ]
    assert [fault.check for fault in found] == [
        "format", "readable", "readable", "size", "size", "size", "rows", "rows", "columns"
    ]  # fmt: skip


def test_columns_nobody_requires_may_be_missing(bench: Bench) -> None:
    assert bench.stage("a.csv", b"id\n1\n", Wanted(("id", "title"), ("id",))).columns == ("id",)


@pytest.mark.parametrize("encoding", ["latin-1", "ISO-8859-1", "cp1252", "utf-16", "cp037"])
def test_an_encoding_that_is_set_is_taken(bench: Bench, encoding: str) -> None:
    content = "id,größe\n1,ü\n".encode(encoding)
    staged = bench.stage("a.csv", content, Wanted(("id", "größe"), ("größe",)), encoding=encoding)
    assert (fields(staged), staged.encoding) == ([["1", "ü"]], encoding)


GERMAN = "id,title\n" + "".join(f"{n},Größe für Bücher über Straßen\n" for n in range(50))


@pytest.mark.parametrize("name", ["utf-8", "cp1252", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_an_encoding_is_found(bench: Bench, name: str) -> None:
    staged = bench.stage("a.csv", GERMAN.encode(name))
    assert fields(staged) == [line.split(",") for line in GERMAN.splitlines()[1:]]
    assert (staged.encoding, staged.set_aside) == (name, 0)


@pytest.mark.parametrize("end", ["", '51,5" disk\n'])
def test_rows_of_other_bytes_in_a_utf8_file_are_set_aside(bench: Bench, end: str) -> None:
    staged = bench.stage("a.csv", GERMAN.encode() + b"x,\xfc\n" + (GERMAN.partition("\n")[2] + end).encode())
    (bad,) = (row for row in records(staged) if row["_fault"])
    assert (staged.records, staged.set_aside, staged.line) == (101 + bool(end), 1, 52)
    assert staged.encoding == "utf-8 with rows of other bytes"
    assert (bad["text"].strip(), bad["_line"], bad["_row"]) == ("x,\\xfc", 52, 51)
    assert bad["_fault"] == "bytes that are no UTF-8, at byte 3 of the row"


def test_many_rows_of_other_bytes_take_no_longer(bench: Bench) -> None:
    staged = bench.stage("a.csv", b"id,title\n" + "1,äöüßäöüß\n".encode() * 30_000 + b"x,\xfc\n" * 30_000)
    assert (staged.records, staged.set_aside) == (60_000, 30_000)


def test_a_chunk_has_a_record_a_row(bench: Bench) -> None:
    staged = bench.stage("a.csv", b'id,title\n\n1,"a\nb"\n2\n3,"",\n,\n')
    file = {"_file": "a.csv", "_file_hash": staged.file.hash, "_purpose": "train"}
    good, bad = {"text": None, "_fault": None} | file, {"c0": None, "c1": None} | file
    assert records(staged) == [
        {"_row": 1, "_line": 3, "c0": "1", "c1": "a\nb"} | good,
        {"_row": 2, "_line": 5, "text": "2", "_fault": "1 field, where 2 are wanted"} | bad,
        {"_row": 3, "_line": 6, "text": '3,"",', "_fault": "3 fields, where 2 are wanted"} | bad,
        {"_row": 4, "_line": 7, "c0": "", "c1": ""} | good,
    ]
    assert (staged.set_aside, staged.line, staged.reader) == (2, 5, "csv: Arrow")


def test_unruly_rows_are_read_by_python(bench: Bench) -> None:
    staged = bench.stage("a.csv", b'id,title\n1,5" disk\n2\n3,"open\n4,""\n')
    assert [(row["_line"], row["c0"], row["c1"], row["text"], row["_fault"]) for row in records(staged)] == [
        (2, "1", '5" disk', None, None),
        (3, None, None, "2", "1 field, where 2 are wanted"),
        (4, None, None, '3,"open', "a quote that opens here is never closed"),
        (5, "4", "", None, None),
    ]
    assert (staged.kind, staged.reader, staged.set_aside, staged.line) == ("csv", "csv: Python's csv", 2, 3)


@pytest.mark.parametrize(
    ("options", "title", "escape"),
    [({}, 'say "hi", you', "\\"), ({"escape": "\\"}, 'say "hi", you', "\\"), ({"escape": '"'}, None, None)],
)
def test_backslashes_are_found_unless_quotes_are_set_to_be_doubled(
    bench: Bench, options: dict[str, str], title: str | None, escape: str | None
) -> None:
    staged = bench.stage("a.csv", b'id,title\n1,"say \\"hi\\", you"\n', **options)
    (row,) = records(staged)
    assert (row["c0"], row["c1"]) == (title and "1", title)
    assert staged.dialect is not None
    assert staged.dialect.escape == escape


def test_a_truncated_array_keeps_its_complete_elements(bench: Bench) -> None:
    staged = bench.stage("a.json", b"[" + OBJECT + b",\n" + OBJECT + b',\n{"id": 3, "ti')
    assert [(row["_line"], row["_fault"] is None) for row in records(staged)] == [(1, True), (2, True), (3, False)]
    assert (staged.set_aside, staged.line, texts(staged)[2]) == (1, 3, '{"id": 3, "ti')


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_large_files_come_in_chunks_of_whole_rows(bench: Bench, name: str) -> None:
    rows = [(n, "x" * (n % 300)) for n in range(3000)]
    content = {
        "a.csv": "id,title\n" + "".join(f'{n},"{text}\n"\n' for n, text in rows),
        "a.jsonl": "".join(json.dumps({"id": n, "title": text}) + "\n" for n, text in rows),
        "a.json": json.dumps([{"id": n, "title": text} for n, text in rows]),
    }[name]
    staged = bench.stage(name, content.encode(), max_bytes=1 << 16)
    assert len(staged.chunks) > 5
    assert [row["_row"] for row in records(staged)] == list(range(1, 3001))
    assert all(_size(chunk) < 90_000 for chunk in staged.chunks)
    if name == "a.csv":
        assert fields(staged) == [[str(n), f"{text}\n"] for n, text in rows]
        assert [row["_line"] for row in records(staged)] == [2 + 2 * n for n in range(3000)]
    else:
        assert [json.loads(text)["title"] for text in texts(staged)] == [text for _, text in rows]


def _size(chunk: Path) -> int:
    """Bytes of what came from the file."""
    table = parquet.read_table(chunk)
    return sum(table[name].nbytes for name in ("text", "c0", "c1") if name in table.column_names)


def test_avro_comes_as_json(bench: Bench) -> None:
    when = datetime(2024, 5, 1, 12, 30, 0, 250_000, tzinfo=timezone.utc)
    content = _avro(
        [{"id": 1, "title": "ä", "price": Decimal("1.10"), "day": date(2024, 5, 1), "at": when, "raw": b"\x00\xff",
          "none": None, "parts": {"a": [1.5]}}],
        id="long", title="string", raw="bytes", none=["null", "string"], parts={"type": "map", "values": {
            "type": "array", "items": "double"}}, day={"type": "int", "logicalType": "date"},
        at={"type": "long", "logicalType": "timestamp-micros"},
        price={"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
    )  # fmt: skip
    staged = bench.stage("a.avro", content)
    assert json.loads(texts(staged)[0]) == {
        "id": 1, "title": "ä", "price": "1.10", "day": "2024-05-01", "at": "2024-05-01 12:30:00.250000", "raw": "AP8=",
        "none": None, "parts": {"a": [1.5]},
    }  # fmt: skip
    assert (staged.reader, records(staged)[0]["_line"]) == ("avro: fastavro", None)


# -- files that change -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [lambda path: path.write_bytes(CSV + b"3,c\n"), lambda path: path.unlink(), lambda path: path.write_bytes(b"")],
)
@pytest.mark.parametrize("content", [CSV, b"x\n"], ids=["good", "bad"])
def test_a_file_that_changes_is_growing(bench: Bench, content: bytes, change: Callable[[Path], None]) -> None:
    file = bench.file("a.csv", content)
    change(file.path)
    with pytest.raises(Growing):
        stage(file, Ingest(), BOTH, bench.room)
    assert not bench.room.exists()


def test_an_error_of_the_machine_is_no_fault_of_the_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(chunks.Chunks, "write", full)
    for name, content in {"a.csv": CSV, "a.csv.gz": gzip.compress(CSV), "a.avro": AVRO}.items():
        with pytest.raises(OSError, match="No space left") as caught:
            bench.stage(name, content)
        assert not isinstance(caught.value, Fault)
        assert not bench.room.exists()


def test_avro_s_numbers_that_json_lacks_are_text(bench: Bench) -> None:
    content = _avro([{"id": math.nan, "title": "a"}, {"id": -math.inf, "title": "b"}], id="double", title="string")
    assert [json.loads(text)["id"] for text in texts(bench.stage("a.avro", content))] == ["NaN", "-Infinity"]
