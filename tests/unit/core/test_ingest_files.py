from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from lakehouse_nlp.ingest import files
from lakehouse_nlp.ingest.files import Fault, RawFile
from lakehouse_nlp.ingest.ledger import Ledger

pytestmark = pytest.mark.unit

CSV = b"id,title\n1,a\n2,b\n"
Put = Callable[[str, bytes], RawFile]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def _put(name: str, content: bytes) -> RawFile:
        path = tmp_path / name
        path.write_bytes(content)
        return files.identify(path, "train")

    return _put


def _fault(
    file: RawFile, required: Sequence[str] = ("id", "title"), delimiter: str | None = None, encoding: str = "UTF-8"
) -> Fault | None:
    return files.fault(file, required, delimiter, encoding)


def _parquet(columns: dict[str, list[object]]) -> bytes:
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


# -- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "csv"), ("a.tsv", "tsv"), ("a.json", "json"), ("a.jsonl", "jsonl"), ("a.ndjson", "jsonl"),
        ("a.parquet", "parquet"), ("a.csv.gz", "csv"), ("a.jsonl.gz", "jsonl"), ("A.CSV", "csv"), ("A.Json.GZ", "json"),
        ("a.b.csv", "csv"), ("a.csv.b.gz", None), ("a.csv.bak", None), ("a.gz", None), ("a", None), ("csv", None),
        ("a.xlsx", None), ("a.csv.zip", None), ("ü [1] %20+.csv", "csv"),
    ],
)  # fmt: skip
def test_the_format_is_told_by_the_name(name: str, kind: str | None) -> None:
    assert RawFile(Path("raw") / name, "train", "", 1).format == kind


def test_a_file_is_known_by_its_content(put: Put) -> None:
    first, second, other = put("a.csv", CSV), put("b.csv", CSV), put("c.csv", CSV + b"3,c\n")
    assert first.hash == second.hash != other.hash
    assert (len(first.hash), first.bytes) == (64, len(CSV))


# -- faults ----------------------------------------------------------------------------------------------------------

PACKED = gzip.compress(b"id,title\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(2000)), mtime=0)
GOOD = {
    "plain.csv": CSV,
    "packed.csv.gz": gzip.compress(CSV),
    "tabs.tsv": CSV.replace(b",", b"\t"),
    "more.csv": b"id,other,title\n1,2,3\n",
    "bom.csv": b"\xef\xbb\xbf" + CSV,
    "crlf.csv": CSV.replace(b"\n", b"\r\n"),
    "no_newline.csv": b"id,title\n1,a",
    "quoted.csv": b'"id","title"\n1,"a\nb"\n',
    "two_lines.csv": b'id,"title"\n\n1,a\n',
    "lines.jsonl": b'{"id": 1, "title": "a"}\n',
    "bom.jsonl": b'\xef\xbb\xbf{"id": 1, "title": "a"}\n',
    "spread.jsonl": b'{"id": 1}\n{"title": "a"}\n',
    "one_broken.jsonl": b'{"id": \n{"id": 1, "title": "a"}\n',
    "blank_first.jsonl": b'\n\n{"id": 1, "title": "a"}\n',
    "array.json": b'[{"id": 1, "title": "a"}]',
    "indented.json": json.dumps([{"id": 1, "title": "a"}], indent=2).encode(),
    "object.json": json.dumps({"id": 1, "title": "a"}, indent=2).encode(),
    "bom.json": b'\xef\xbb\xbf[{"id": 1, "title": "a"}]',
    "in_truth_lines.json": b'{"id": 1, "title": "a"}\n{"id": 2, "title": "b"}\n',
    "table.parquet": _parquet({"id": [1], "title": ["a"]}),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_has_no_fault(put: Put, name: str) -> None:
    assert _fault(put(name, GOOD[name])) is None


CUT = "EOFError: Compressed file ended before the end-of-stream marker was reached"
BAD: dict[str, tuple[bytes, str, str, str]] = {
    "a.xlsx": (b"PK", "format", "a.xlsx",
               "a name that ends in .csv .tsv .json .jsonl .ndjson .parquet, or in .gz after these"),
    "empty.csv": (b"", "size", "0 bytes", "at least one row"),
    "empty.jsonl": (b"", "size", "0 bytes", "at least one row"),
    "truncated.csv.gz": (PACKED[: len(PACKED) // 2], "readable",
                         CUT, "a whole gzip file"),
    "last_byte_gone.csv.gz": (PACKED[:-1], "readable",
                              CUT,
                              "a whole gzip file"),
    "no_gzip.csv.gz": (CSV, "readable", "BadGzipFile: Not a gzipped file (b'id')", "a whole gzip file"),
    "packed_nothing.csv.gz": (gzip.compress(b""), "rows", "no row that can be read", "at least one row"),
    "header_only.csv": (b"id,title\n", "rows", "no row that can be read", "at least one row"),
    "header_and_blank_line.csv": (b"id,title\n\n", "rows", "no row that can be read", "at least one row"),
    "header_only.tsv": (b"id\ttitle", "rows", "no row that can be read", "at least one row"),
    "no_object.jsonl": (b"[1]\n2\n{broken\n", "rows", "no row that can be read", "at least one row"),
    "no_object.json": (b"[1, 2]", "rows", "no row that can be read", "at least one row"),
    "no_rows.json": (b"[]", "rows", "no row that can be read", "at least one row"),
    "no_rows.parquet": (_parquet({"id": [], "title": []}), "rows", "no row that can be read", "at least one row"),
    "column_missing.csv": (b"id,name\n1,a\n", "columns", "id, name", "also title"),
    "columns_missing.csv": (b"x,y\n1,a\n", "columns", "x, y", "also id, title"),
    "letter_case.csv": (b"ID,title\n1,a\n", "columns", "ID, title", "also id"),
    "column_missing.jsonl": (b'{"id": 1}\n', "columns", "id", "also title"),
    "column_missing.parquet": (_parquet({"id": [1]}), "columns", "id", "also title"),
    "latin.csv": ("id,title\n1,ü\n".encode("latin-1"), "readable",
                  "bytes that are no UTF-8: invalid start byte at byte 11", "text in UTF-8"),
    "latin.jsonl": ('{"id": 1, "title": "ü"}\n'.encode("latin-1"), "readable",
                    "bytes that are no UTF-8: invalid start byte at byte 20", "text in UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_fails_by_the_first_check(put: Put, name: str) -> None:
    content, *wanted = BAD[name]
    assert _fault(put(name, content)) == Fault(*wanted)


def test_a_fault_reads_as_a_sentence() -> None:
    assert str(Fault("size", "0 bytes", "at least one row")) == "size: found 0 bytes, wanted at least one row"


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("flipped.csv.gz", PACKED[:600] + bytes([PACKED[600] ^ 0xFF]) + PACKED[601:], "a whole gzip file"),
        ("checksum.csv.gz", PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], "a whole gzip file"),
        ("no_footer.parquet", _parquet({"id": [1], "title": ["a"]})[:-8], "a parquet file"),
        ("in_truth.parquet", CSV, "a parquet file"),
        ("broken.json", b'[{"id": 1, "title": "a"},', "a json file"),
        ("in_truth_csv.json", CSV, "a json file"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_it_ought_to_be(put: Put, name: str, content: bytes, wanted: str) -> None:
    found = _fault(put(name, content))
    assert found is not None
    assert (found.check, found.wanted) == ("readable", wanted)


def test_bytes_that_are_no_text_are_found_anywhere_in_the_file(put: Put) -> None:
    late = CSV + b"3,c\n" * 5000 + "4,ü\n".encode("latin-1")
    found = _fault(put("late.csv", late))
    assert found is not None
    assert (found.check, found.wanted) == ("readable", "text in UTF-8")


@pytest.mark.parametrize("encoding", ["latin-1", "ISO-8859-1", "cp1252"])
def test_another_encoding_is_read_where_it_is_set(put: Put, encoding: str) -> None:
    assert _fault(put("a.csv", "id,größe\n1,ü\n".encode(encoding)), ["id", "größe"], encoding=encoding) is None


def test_columns_nobody_requires_may_be_missing(put: Put) -> None:
    assert _fault(put("a.csv", b"id\n1\n"), ["id"]) is None


# -- headers, layouts, separators ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("a,b,c", ","), ("a;b;c", ";"), ("a\tb", "\t"), ("a|b|c", "|"), ("a", ","), ("", ","),
        ("a,b;c", ","), ("a;b;c,d", ";"), ('"a;b;c",d,e', ","), ('"last, first";"born, in";id', ";"),
    ],
)  # fmt: skip
def test_the_separator_is_the_one_that_splits_the_header_best(put: Put, header: str, wanted: str) -> None:
    assert files.separator(put("a.csv", f"{header}\n1\n".encode()), None, "UTF-8") == wanted


@pytest.mark.parametrize(
    ("name", "set_to", "wanted"), [("a.csv", ";", ";"), ("a.tsv", None, "\t"), ("a.tsv", ";", ";")]
)
def test_a_separator_that_is_set_stands(put: Put, name: str, set_to: str | None, wanted: str) -> None:
    assert files.separator(put(name, b"a,b,c;d\n"), set_to, "UTF-8") == wanted


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("a.json", b'{"a": 1}\n{"a": 2}\n', "jsonl"), ("a.json", b'\n \n{"a": 1}', "jsonl"),
        ("a.json", b'[{"a": 1}]', "json"),
        ("a.json", b'{\n"a": 1}', "json"), ("a.json", b'\xef\xbb\xbf{"a": 1}', "jsonl"), ("a.jsonl", b"[1]", "jsonl"),
        ("a.csv", b"a", "csv"), ("a.parquet", b"", "parquet"),
    ],
)  # fmt: skip
def test_the_layout_of_json_is_told_by_its_content(put: Put, name: str, content: bytes, wanted: str) -> None:
    assert files.layout(put(name, content), "UTF-8") == wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("bom.csv", ["id", "title"]), ("bom.jsonl", ["id", "title"]), ("spread.jsonl", ["id", "title"])],
)
def test_columns_have_no_byte_order_mark_in_their_names(put: Put, name: str, wanted: list[str]) -> None:
    assert files.columns(put(name, GOOD[name]), None, "UTF-8") == wanted


# -- raw/ and where files end ----------------------------------------------------------------------------------------


def test_files_wait_oldest_first_by_purpose_and_hidden_ones_do_not(tmp_path: Path) -> None:
    for purpose, name, age in [
        ("inference", "new.csv", 5), ("train", "b.csv", 10), ("train", "a.csv", 10), ("train", "z.csv", 20),
        ("train", ".part.csv", 30), ("train", "_tmp.csv", 30),
    ]:  # fmt: skip
        path = tmp_path / "raw" / purpose / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CSV)
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "raw" / "train" / "folder.csv").mkdir()
    assert [(path.name, purpose) for path, purpose in files.waiting(tmp_path)] == [
        ("z.csv", "train"), ("a.csv", "train"), ("b.csv", "train"), ("new.csv", "inference")
    ]  # fmt: skip


def test_where_there_is_no_raw_folder_nothing_waits(tmp_path: Path) -> None:
    assert list(files.waiting(tmp_path)) == []


def test_a_file_is_moved_under_its_own_name_where_that_is_free(put: Put, tmp_path: Path) -> None:
    file = put("a.csv.gz", CSV)
    place = files.settle(file.path, tmp_path / "processed", file.hash)
    assert place == tmp_path / "processed" / "a.csv.gz"
    assert (place.read_bytes(), file.path.exists()) == (CSV, False)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("a.csv.gz", "a~{0}.csv.gz"), ("a.csv", "a~{0}.csv"), ("2024.01.02.csv", "2024~{0}.01.02.csv"),
     ("plain", "plain~{0}")],
)  # fmt: skip
def test_two_files_of_one_name_are_both_kept(put: Put, tmp_path: Path, name: str, wanted: str) -> None:
    first = put(name, b"first")
    files.settle(first.path, tmp_path / "processed", first.hash)
    second = put(name, b"second")
    place = files.settle(second.path, tmp_path / "processed", second.hash)
    assert place.name == wanted.format(second.hash[:8])
    assert (tmp_path / "processed" / name).read_bytes() == b"first"
    assert place.read_bytes() == b"second"


# -- the ledger ------------------------------------------------------------------------------------------------------


def _row(state: str, batch: int | None) -> dict[str, object]:
    return {"state": state, "batch": batch}


@pytest.mark.parametrize(
    ("states", "batch"),
    [
        ([], 1),
        ([("loaded", 1)], 2),
        ([("loaded", 1), ("loaded", 3), ("rejected", None)], 4),
        ([("claimed", 7)], 8),
        ([("rejected", None)], 1),
    ],
)
def test_the_next_batch_has_a_number_of_its_own(states: list[tuple[str, int | None]], batch: int) -> None:
    found = Ledger({(str(n), "train"): _row(*state) for n, state in enumerate(states)})
    assert found.next_batch == batch


def test_claimed_files_are_unfinished_by_batch() -> None:
    rows = [_row("claimed", 3), _row("loaded", 1), _row("claimed", 2), _row("claimed", 3), _row("rejected", None)]
    found = Ledger({(str(n), "train"): row for n, row in enumerate(rows)})
    assert {number: len(batch) for number, batch in found.unfinished.items()} == {2: 1, 3: 2}
    assert list(found.unfinished) == [2, 3]


@pytest.mark.parametrize(
    ("state", "known"), [("loaded", True), ("duplicate", True), ("claimed", False), ("rejected", False)]
)
def test_a_file_is_known_once_it_is_in_bronze_and_for_its_purpose_only(state: str, known: bool) -> None:
    found = Ledger({("h", "train"): _row(state, 1)})
    assert (found.loaded(RawFile(Path("a.csv"), "train", "h", 1)) is not None) == known
    assert found.loaded(RawFile(Path("a.csv"), "inference", "h", 1)) is None
    assert found.loaded(RawFile(Path("a.csv"), "train", "other", 1)) is None
