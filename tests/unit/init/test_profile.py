"""What `profile` sees in files, and what it says of files it cannot read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from lakehouse_nlp.core.errors import DataError, LakehouseError, UsageError
from lakehouse_nlp.init import ColumnProfile, profile

pytestmark = pytest.mark.unit
ROWS = [{"id": f"r{i}", "stars": f"{i % 5 + 1}.0", "text": f"words about thing {i}"} for i in range(20)]


def csv_text(rows: list[dict[str, str]], mark: str) -> str:
    return "\n".join([mark.join(rows[0]), *(mark.join(row.values()) for row in rows)]) + "\n"


def write_rows(folder: Path, name: str) -> Path:
    """The rows in the format that the name asks for."""
    path, plain = folder / name, name.removesuffix(".gz")
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    if plain.endswith(".parquet"):
        (folder / "rows.jsonl").write_text(lines)
        duckdb.sql(f"copy (from read_json('{folder}/rows.jsonl')) to '{path}'")
        return path
    texts = {".csv": csv_text(ROWS, ","), ".tsv": csv_text(ROWS, "\t"), ".json": json.dumps(ROWS)}
    data = texts.get(Path(plain).suffix, lines).encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def column(folder: Path, values: list[str | None]) -> ColumnProfile:
    file = folder / "one.jsonl"
    file.write_text("".join(json.dumps({"c": value}) + "\n" for value in values))
    return profile(file).columns[0]


@pytest.mark.parametrize(
    "name",
    ["a.csv", "a.csv.gz", "a.tsv", "a.tsv.gz", "a.json", "a.json.gz", "a.jsonl", "a.jsonl.gz", "a.ndjson", "a.parquet"],
)
def test_every_format_tells_the_same(tmp_path: Path, name: str) -> None:
    found = profile(write_rows(tmp_path, name))

    assert found.rows == 20
    assert [(c.name, c.type, c.distinct, c.empty) for c in found.columns] == [
        ("id", "string", 20, 0),
        ("stars", "double", 5, 0),
        ("text", "string", 20, 0),
    ]
    assert (found.columns[1].low, found.columns[1].high) == (1, 5)
    assert found.columns[1].values == ("1.0", "2.0", "3.0", "4.0", "5.0")
    assert found.columns[2].mean_length == 19.5


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-2", "30"], ("int", None)),
        (["1", "2000000000"], ("bigint", None)),
        (["1", "2.5", "1e3", ".5"], ("double", None)),
        (["123456789012345678", "123456789012345679"], ("string", None)),
        (["01234", "12345"], ("string", None)),
        (["1", "n/a"], ("string", None)),
        (["1", None, ""], ("int", None)),
        (["nan", "inf"], ("string", None)),
        (["true", "False"], ("boolean", None)),
        (["yes", "no"], ("string", None)),
        ([None, ""], ("string", None)),
        (["2024-01-31", "2024-02-01"], ("date", None)),
        (["2024-01-31", "2024-02-30"], ("string", None)),
        (["2024-01-31 10:00:00", "2024-02-01T09:30:00Z"], ("timestamp", None)),
        (["March 23, 2005", "May 1, 2014"], ("date", "MMMM d, yyyy")),
        (["Mar 23, 2005", "Sep 1, 2014"], ("date", "MMM d, yyyy")),
        (["23 March 2005"], ("date", "d MMMM yyyy")),
        (["23.3.2005"], ("date", "d.M.yyyy")),
        (["23/03/2005", "01/02/2006"], ("date", "d/M/yyyy")),
        (["03/23/2005", "1/2/2006"], ("date", "M/d/yyyy")),
        (["03/04/2005", "01/02/2006"], ("string", None)),
        (["23/03/05"], ("string", None)),
    ],
)
def test_types(tmp_path: Path, values: list[str | None], expected: tuple[str, str | None]) -> None:
    found = column(tmp_path, values)
    assert (found.type, found.format) == expected


def test_types_of_a_typed_file(tmp_path: Path) -> None:
    select = "123456789012345678::bigint as id, 1.5::decimal(9,2) as price, true as ok, date '2024-01-01' as day, "
    select += "now()::timestamptz as at, 1::tinyint as n, [1, 2] as many"
    duckdb.sql(f"copy (select {select}) to '{tmp_path}/a.parquet'")

    found = profile(tmp_path / "a.parquet")

    kinds = ["bigint", "decimal(9,2)", "boolean", "date", "timestamp", "int", "string"]
    assert [c.type for c in found.columns] == kinds


def test_nested_and_mixed_json_is_text(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"a": 1, "b": {"c": 2}}\n{"a": "x", "d": 5}\n')
    assert [(c.name, c.type, c.values[0], c.empty) for c in profile(file).columns] == [
        ("a", "string", "1", 0),
        ("b", "string", '{"c":2}', 0.5),
        ("d", "int", "5", 0.5),
    ]


def test_csv_with_quotes_newlines_and_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text('\ufeffid;text\n1;"two\nlines; ""so"""\n2;x\n', encoding="utf-8")
    found = profile(file)
    assert [(c.name, c.values) for c in found.columns] == [("id", ("1", "2")), ("text", ('two\nlines; "so"', "x"))]


def test_names_become_names_that_tables_take(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(",Review Text,_x,A.b,review_text,ID,id\n0,a,b,c,d,e,f\n")
    found = profile(file)
    assert found.unnamed == 1
    assert [(c.name, c.source) for c in found.columns] == [
        ("review_text", "Review Text"),
        ("x", "_x"),
        ("a_b", "A.b"),
        ("review_text_2", "review_text"),
        ("ID", "ID"),
        ("id_2", "id"),
    ]


def test_the_sample_is_of_the_whole_file_and_always_the_same(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,kind\n" + "".join(f"{i},{i // 40_000}\n" for i in range(80_000)))
    first, second = profile(file), profile(file)
    assert first == second
    assert first.rows == 50_000
    assert first.columns[1].distinct == 2


def _truncated(path: Path) -> None:
    path.write_bytes(gzip.compress(b"id,text\n" * 5000)[:-30])


def _nothing(path: Path) -> None:
    """No file."""


@pytest.mark.parametrize(
    ("name", "make", "kind", "message"),
    [
        ("a.csv", _nothing, UsageError, "no such file: {path}"),
        ("a.csv", Path.mkdir, UsageError, "not a file but a folder: {path}"),
        ("a.xlsx", Path.touch, UsageError, "unknown format: {path}; there are .csv, .tsv, "),
        ("a.parquet.gz", Path.touch, UsageError, "unknown format: {path}; "),
        ("a", Path.touch, UsageError, "unknown format: {path}; "),
        (".a.csv", Path.touch, UsageError, "a name that starts with '.' or '_' is passed over by ingest: {path}"),
        ("a.csv", Path.touch, DataError, "empty file: {path}"),
        ("a.csv.gz", lambda p: p.write_bytes(gzip.compress(b"")), DataError, "empty file: {path}"),
        (
            "a.csv.gz",
            lambda p: p.write_bytes(b"id,text\n1,a\n"),
            DataError,
            "cannot be unpacked: {path}: Not a gzipped",
        ),
        ("a.csv.gz", _truncated, DataError, "cannot be unpacked: {path}: Compressed file ended before"),
        ("a.csv", lambda p: p.write_bytes(b"id,t\n1,caf\xe9\n"), DataError, "not UTF-8: {path}, byte 10: "),
        ("a.csv", lambda p: p.write_text("id,text\n"), DataError, "no rows: {path}"),
        ("a.jsonl", lambda p: p.write_text("\n"), DataError, "empty file: {path}"),
        ("a.json", lambda p: p.write_text("[1, 2]"), DataError, "cannot be read as json: {path}: "),
        ("a.parquet", lambda p: p.write_text("id"), DataError, "cannot be read as parquet: {path}: "),
        ("a.csv", lambda p: p.write_text("a,b,a\n1,2,3\n"), DataError, "two columns are called 'a': {path}"),
        ("a.csv", lambda p: p.write_text(",\n1,2\n"), DataError, "no column has a name: {path}"),
    ],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, name: str, make: Callable[[Path], object], kind: type[LakehouseError], message: str
) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(kind) as refused:
        profile(path)
    assert refused.value.message.startswith(message.format(path=path))
    assert refused.value.hint
