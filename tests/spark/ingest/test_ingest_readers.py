from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from pyspark.sql import SparkSession

from lakehouse_nlp import ingest
from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.ingest import files, ledger
from lakehouse_nlp.ingest.readers import read
from lakehouse_nlp.ingest.staged import Wanted
from lakehouse_nlp.ingest.staging import stage

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

COLUMNS = ("id", "title", "body", "stars", "day", "price")
MakeSettings = Callable[..., Settings]
MakeContext = Callable[..., Context]
Row = tuple[Any, ...]


class Reader:
    """Writes a file and reads it as ingest does."""

    def __init__(self, spark: SparkSession, folder: Path, make_settings: MakeSettings) -> None:
        self.spark, self.folder, self.make = spark, folder, make_settings

    def __call__(self, name: str, content: bytes, *columns: str, **settings: Any) -> list[Row]:
        """The rows in the order of the file, by default `id`, `title`, `_rescued` and `_corrupt`."""
        path = self.folder / name
        path.write_bytes(content)
        made = self.make(**settings)
        file = files.identify(path, "train")
        sources = tuple(column.source or name for name, column in made.columns.items())
        staged = stage(file, made.ingest, Wanted(sources, ()), self.folder / "chunks" / file.hash)
        (frame,) = read(self.spark, [staged], made)
        about = ["_row", "_line", "_purpose", "_file", "_file_hash"]
        assert frame.columns == [*made.columns, "_rescued", "_corrupt", "_fault", *about]
        assert {kind for name, kind in frame.dtypes if name not in ("_row", "_line")} == {"string"}
        rows = sorted(frame.collect(), key=lambda row: int(row["_row"]))
        assert [row["_row"] for row in rows] == list(range(1, staged.records + 1))
        return [tuple(row[name] for name in columns or ("id", "title", "_rescued", "_corrupt")) for row in rows]


@pytest.fixture
def rows(spark: SparkSession, tmp_path: Path, make_settings: MakeSettings) -> Reader:
    return Reader(spark, tmp_path, make_settings)


def _parquet(table: dict[str, Any]) -> bytes:
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(table), sink)
    return sink.getvalue().to_pybytes()


# -- one content, every format ---------------------------------------------------------------------------------------

CONTENT: list[dict[str, str | None]] = [
    {"id": "1", "title": "plain", "more": "x"},
    {"id": "2", "title": 'ü 😀, "quoted"; and\ttab | pipe', "more": None},
    {"id": "3", "title": "two\nlines", "more": '{"a":1}'},
    {"id": "4", "title": None, "more": "é"},
    {"id": "5", "title": "\\back\\slash\\", "more": "\\"},
]
WANTED = [
    (row["id"], row["title"], None, None if row["more"] is None else {"more": row["more"]}, None) for row in CONTENT
]


def _delimited(separator: str) -> bytes:
    def cell(text: str | None) -> str:
        return "" if text is None else '"' + text.replace('"', '""') + '"'

    lines = [separator.join(("id", "title", "more"))]
    lines += [separator.join(cell(row[name]) for name in ("id", "title", "more")) for row in CONTENT]
    return ("\n".join(lines) + "\n").encode()


ALIKE = {
    "a.csv": _delimited(","),
    "semicolon.csv": _delimited(";"),
    "pipe.csv": _delimited("|"),
    "bom.csv": b"\xef\xbb\xbf" + _delimited(","),
    "crlf.csv": _delimited(",").replace(b'"\n', b'"\r\n').replace(b"more\n", b"more\r\n").replace(b",\n", b",\r\n"),
    "a.tsv": _delimited("\t"),
    "a.jsonl": "\n".join(json.dumps(row) for row in CONTENT).encode(),
    "raw.ndjson": ("\n\n".join(json.dumps(row, ensure_ascii=False) for row in CONTENT) + "\n").encode(),
    "crlf.jsonl": "\r\n".join(json.dumps(row) for row in CONTENT).encode(),
    "bom.jsonl": b"\xef\xbb\xbf" + "\n".join(json.dumps(row) for row in CONTENT).encode(),
    "lines.json": "\n".join(json.dumps(row) for row in CONTENT).encode(),
    "array.json": json.dumps(CONTENT).encode(),
    "indented.json": json.dumps(CONTENT, indent=2, ensure_ascii=False).encode(),
    "bom.json": b"\xef\xbb\xbf" + json.dumps(CONTENT, indent=2).encode(),
    "a.parquet": _parquet({name: [row[name] for row in CONTENT] for name in ("id", "title", "more")}),
}
PACKED = {f"{name}.gz": gzip.compress(ALIKE[name]) for name in ("a.csv", "a.tsv", "a.jsonl", "array.json")}
PACKED |= {"UPPER.CSV": ALIKE["a.csv"], "UPPER.CSV.GZ": PACKED["a.csv.gz"], "Upper.Jsonl.Gz": PACKED["a.jsonl.gz"]}


@pytest.mark.parametrize("name", [*ALIKE, *PACKED])
def test_the_same_rows_come_from_every_format(rows: Reader, name: str) -> None:
    found = rows(name, {**ALIKE, **PACKED}[name], "id", "title", "body", "_rescued", "_corrupt")
    given = [(*row[:3], json.loads(row[3]) if row[3] else None, row[4]) for row in found]
    nulls_left_out = [
        (*row[:3], {k: v for k, v in (row[3] or {}).items() if v is not None} or None, row[4]) for row in given
    ]
    assert nulls_left_out == WANTED


def test_a_json_document_that_is_one_object_is_one_row(rows: Reader) -> None:
    assert rows("a.json", json.dumps({"id": 1, "title": "a"}, indent=2).encode()) == [("1", "a", None, None)]
    assert rows("b.json", b'{"id": 1, "title": "a"}') == [("1", "a", None, None)]


# -- columns ---------------------------------------------------------------------------------------------------------


def test_columns_have_other_names_in_files_where_settings_say_so(rows: Reader) -> None:
    columns = {"id": {"type": "string", "source": "Review ID"}, "title": {"type": "string", "source": "a.b"}}
    other: dict[str, Any] = {"columns": columns, "text": ["title"], "label": "title"}
    wanted = [("1", "x", '{"title":"mine","id":"no"}', None)]
    assert rows("a.csv", b"Review ID,a.b,title,id\n1,x,mine,no\n", **other) == wanted
    line = b'{"Review ID": 1, "a.b": "x", "title": "mine", "id": "no"}'
    assert rows("a.jsonl", line, **other) == wanted
    assert rows("a.json", b"[" + line + b"]", **other) == wanted
    table = {"Review ID": ["1"], "a.b": ["x"], "title": ["mine"], "id": ["no"]}
    assert rows("a.parquet", _parquet(table), **other) == wanted


@pytest.mark.parametrize(
    ("name", "content", "rescued"),
    [
        ("index.csv", b",id,title\n0,1,a\n", {"column_1": "0"}),
        ("trailing.csv", b"id,title,\n1,a,x\n", {"column_3": "x"}),
        ("odd.csv", b"id,title,`a`.b c,_corrupt\n1,a,x,y\n", {"`a`.b c": "x", "_corrupt": "y"}),
        ("odd.jsonl", b'{"id": "1", "title": "a", "_row": 7, "": 0}', {"_row": "7", "": "0"}),
        ("twice.csv", b"id,title,more,more\n1,a,x,y\n", None),
    ],
)
def test_columns_nobody_declared_are_kept(
    rows: Reader, name: str, content: bytes, rescued: dict[str, str] | None
) -> None:
    found = rows(name, content)
    assert [(row[0], row[1], row[3]) for row in found] == [("1", "a", None)]
    if rescued is None:  # two columns of one name: both values are there, whatever they are called
        assert '"x"' in found[0][2]
        assert '"y"' in found[0][2]
    else:
        assert json.loads(found[0][2]) == rescued


# -- values ----------------------------------------------------------------------------------------------------------


def test_numbers_keep_their_digits_and_nested_values_stay_json(rows: Reader) -> None:
    line = (
        b'{"id": 123456789012345678, "title": {"a": [1, {"b": null}], "c": "\\u00fc"}, "body": [1, "x"], '
        b'"stars": 5, "day": true, "price": 19.99, "tags": ["a"]}'
    )
    wanted = [
        ("123456789012345678", '{"a":[1,{"b":null}],"c":"ü"}', '[1,"x"]', "5", "true", "19.99", '{"tags":"[\\"a\\"]"}')
    ]
    for name, content in {"a.jsonl": line, "a.json": b"[" + line + b"]"}.items():
        assert rows(name, content, *COLUMNS, "_rescued") == wanted
    table = {
        "id": pa.array([123456789012345678], pa.int64()), "title": pa.array([{"a": [1], "c": "ü"}]),
        "body": pa.array([[1, 2]]),
        "stars": pa.array([5.0]), "day": pa.array([19727], pa.date32()),
        "price": pa.array(["19.99"]).cast(pa.decimal128(10, 2)),
        "at": pa.array([1704164645000000], pa.timestamp("us", "UTC")), "none": pa.nulls(1, pa.string()),
    }  # fmt: skip
    assert rows("a.parquet", _parquet(table), *COLUMNS, "_rescued") == [
        (
            "123456789012345678",
            '{"a":[1],"c":"ü"}',
            "[1,2]",
            "5.0",
            "2024-01-05",
            "19.99",
            '{"at":"2024-01-02 03:04:05"}',
        )
    ]


def test_what_looks_like_a_number_in_a_text_stays_as_it_is(rows: Reader) -> None:
    texts = ["007", "1e5", "1.10", "NaN", "null", "true", " padded ", "-", "#5", "'x'"]
    csv = "id,title\n" + "".join(f"{n},{text}\n" for n, text in enumerate(texts))
    assert [row[1] for row in rows("a.csv", csv.encode())] == texts
    lines = "\n".join(json.dumps({"id": n, "title": text}) for n, text in enumerate(texts))
    assert [row[1] for row in rows("a.jsonl", lines.encode())] == texts


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "cp1252"])
@pytest.mark.parametrize("form", ["a.csv", "a.jsonl", "a.json"])
def test_another_encoding_is_read_as_such(rows: Reader, form: str, encoding: str) -> None:
    text = {
        "a.csv": "id,title\n1,Größe é\n",
        "a.jsonl": '{"id": "1", "title": "Größe é"}\n',
        "a.json": '[\n{"id": "1", "title": "Größe é"}]\n',
    }[form]
    found = rows(form, text.encode(encoding), ingest={"encoding": encoding})
    assert found == [("1", "Größe é", None, None)]


# -- rows that are none ----------------------------------------------------------------------------------------------

CORRUPT: dict[str, tuple[bytes, list[Row]]] = {
    "broken.jsonl": (
        b'{"id": "1", "title": "a"}\n{"id": "2", "tit\nplain text\n[1, 2]\n"text"\n7\n   \n\n'
        b'{"id": "3", "title": "c"}\n',
        [("1", "a", None), (None, None, '{"id": "2", "tit'), (None, None, "plain text"), (None, None, "[1, 2]"),
         (None, None, '"text"'), (None, None, "7"), ("3", "c", None)],
    ),
    "two_in_a_line.jsonl": (
        b'{"id": "1", "title": "a"}{"id": "2", "title": "b"}\n{"id": "3", "title": "c"}\n',
        [("1", "a", None), ("2", "b", None), ("3", "c", None)],
    ),
    "no_object.json": (
        b'[{"id": "1", "title": "a"}, 5, {"id": "3", "title": "c"}]',
        [("1", "a", None), (None, None, "5"), ("3", "c", None)],
    ),
    "fields.csv": (
        b"id,title\n1,a\n2\n3,c,too,many\n4,d\n",
        [("1", "a", None), (None, None, "2"), (None, None, "3,c,too,many"), ("4", "d", None)],
    ),
    "fields.tsv": (b"id\ttitle\n1\ta\tb\n2\tb\n", [(None, None, "1\ta\tb"), ("2", "b", None)]),
}  # fmt: skip


@pytest.mark.parametrize("name", CORRUPT)
def test_a_row_that_is_none_is_kept_as_its_text(rows: Reader, name: str) -> None:
    content, wanted = CORRUPT[name]
    found = rows(name, content, "id", "title", "_corrupt")
    assert [row[2] for row in found] == [row[2] for row in wanted]
    assert [row for row in found if row[2] is None] == [row for row in wanted if row[2] is None]


QUOTED: dict[str, tuple[bytes, list[Row]]] = {
    "newline": (b'id,title\n1,"a\nb\n\nc"\n2,d\n', [("1", "a\nb\n\nc"), ("2", "d")]),
    "doubled": (b'id,title\n1,"say ""hi"""\n2,""""\n', [("1", 'say "hi"'), ("2", '"')]),
    "inside": (b'id,title\n1,15" screen\n2,b\n', [("1", '15" screen'), ("2", "b")]),
    "delimiter": (b'id;title\n1;"a;b"\n2;c,d\n', [("1", "a;b"), ("2", "c,d")]),
    "empty_lines": (b"id,title\n\n1,a\n\n\n2,b\n\n", [("1", "a"), ("2", "b")]),
    "empty_fields": (b'id,title\n1,\n,b\n3,""\n', [("1", None), (None, "b"), ("3", None)]),
    "no_newline_at_end": (b"id,title\n1,a", [("1", "a")]),
    "backslash": (b'id,title\n1,"a\\"\n2,\\b\n', [("1", "a\\"), ("2", "\\b")]),
    "comment": (b"id,title\n#1,a\n", [("#1", "a")]),
    "header_over_two_lines": (b'id,title,"mo\nre"\n1,a,x\n', [("1", "a")]),
}


@pytest.mark.parametrize("case", QUOTED)
def test_quotes_and_empty_places_in_csv(rows: Reader, case: str) -> None:
    content, wanted = QUOTED[case]
    assert [(row[0], row[1] or None) for row in rows("a.csv", content, "id", "title")] == wanted
    assert [row[0] for row in rows("a.csv", content, "_corrupt")] == [None] * len(wanted)


# -- names of files --------------------------------------------------------------------------------------------------

NAMES = (
    "a b",
    "a[1]",
    "a+b",
    "ü",
    "a%20b",
    "{a,b}",
    "a*?",
    "a#b&c=d;e",
    "a\\b",
    "it's",
    "2024-01-02T10:11:12",
    "[x] 1:2",
)


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_are_read_and_read_alone(rows: Reader, name: str) -> None:
    (rows.folder / "a1.csv").write_bytes(b"id,title\n9,other\n")
    assert rows(f"{name}.csv", b"id,title\n1,a\n") == [("1", "a", None, None)]
    if name in ("a[1]", "2024-01-02T10:11:12", "a%20b"):
        assert rows(f"{name}.jsonl", b'{"id": "1", "title": "a"}') == [("1", "a", None, None)]
        assert rows(f"{name}.parquet", _parquet({"id": ["1"], "title": ["a"]})) == [("1", "a", None, None)]


@pytest.mark.usefixtures("elsewhere")
def test_files_are_read_here_where_spark_s_paths_are_of_another_file_system(rows: Reader) -> None:
    assert rows("a b.csv", b"id,title\n1,a\n") == [("1", "a", None, None)]
    assert rows("a.parquet", _parquet({"id": ["1"], "title": ["a"]})) == [("1", "a", None, None)]


# -- the stage -------------------------------------------------------------------------------------------------------


def _put(ctx: Context, name: str, *ids: str, purpose: str = "train") -> Path:
    path = ctx.folder / "raw" / purpose / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("id,title,body,stars\n" + "".join(f"{i},t,b,5\n" for i in ids))
    return path


def _ids(ctx: Context) -> list[str]:
    return [row["id"] for row in duck.rows(ctx.root, "SELECT id FROM tiny.bronze ORDER BY id", only=["tiny.bronze"])]


def _states(ctx: Context) -> list[tuple[Any, ...]]:
    query = "SELECT name, state, batch, rows FROM ops.files ORDER BY recorded_at, name"
    return [tuple(row.values()) for row in duck.rows(ctx.root, query, only=["ops.files"])]


def test_files_end_in_one_place_and_their_rows_come_once(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home)
    _put(ctx, "a.csv", "1", "2")
    (ctx.folder / "raw" / "train" / "bad.csv").write_bytes(b"x\n1\n")
    ctx.sign("ingest")
    result = ingest.run(ctx)
    assert (result.written, result.rejected) == (2, 1)
    assert result.refused == ("bad.csv went to errors/: columns: found x, wanted also id, title, body, stars (line 1)",)
    assert sorted(path.name for path in (ctx.folder / "errors").iterdir()) == ["bad.csv", "bad.csv.report.json"]
    report = json.loads((ctx.folder / "errors" / "bad.csv.report.json").read_text())
    assert (report["check"], report["found"], report["wanted"]) == ("columns", "x", "also id, title, body, stars")
    assert ingest.due(ctx) is None

    _put(ctx, "again.csv", "1", "2")
    assert ingest.run(ctx).written == 0
    _put(ctx, "b.csv", "3")
    assert ingest.run(ctx).written == 1
    assert _ids(ctx) == ["1", "2", "3"]
    assert _states(ctx)[-1] == ("b.csv", "loaded", 2, 1)
    assert sorted(path.name for path in (ctx.folder / "processed").iterdir()) == ["a.csv", "again.csv", "b.csv"]


def test_a_killed_batch_is_finished_from_its_own_files_whatever_lies_under_their_names(
    home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home)
    ctx.sign("ingest")
    ctx.tables.ensure("bronze", dict.fromkeys(COLUMNS, "STRING"))
    claimed = files.identify(_put(ctx, "a.csv", "1"), "train")
    ledger.write(ctx, [ledger.event(ctx, claimed, "claimed", batch=1)])
    files.settle(claimed.path, ctx.folder / "processed", claimed.hash)  # killed before the ledger was told
    _put(ctx, "a.csv", "2")
    assert ingest.due(ctx) == "1 file in raw/, 1 left unfinished by an earlier run"
    assert ingest.run(ctx).written == 2
    assert _ids(ctx) == ["1", "2"]
    assert sorted(path.name for path in (ctx.folder / "processed").iterdir()) == [
        "a.csv", f"a~{_hash(ctx, '2')[:8]}.csv"
    ]  # fmt: skip
    assert ingest.due(ctx) is None


def test_a_file_that_a_killed_run_wrote_and_somebody_took_away_does_not_double_when_it_comes_back(
    home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home)
    ctx.sign("ingest")
    path = _put(ctx, "a.csv", "1")
    kept = shutil.copy(path, home / "kept.csv")
    ingest.run(ctx)
    (ctx.folder / "processed" / "a.csv").unlink()
    claimed = files.RawFile(path, "train", files.identify(Path(kept), "train").hash, Path(kept).stat().st_size)
    ledger.write(ctx, [ledger.event(ctx, claimed, "claimed", batch=1)])  # as if killed before `loaded`
    ingest.run(ctx)
    shutil.copy(kept, path)
    ingest.run(ctx)
    assert _ids(ctx) == ["1"]


def _hash(ctx: Context, key: str) -> str:
    path = ctx.folder / f"{key}.tmp"
    path.write_text(f"id,title,body,stars\n{key},t,b,5\n")
    return files.identify(path, "train").hash
