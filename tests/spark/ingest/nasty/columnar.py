"""Parquet, ORC and Avro: typed values as text, none of them through a float; broken ones refused."""

from __future__ import annotations

import json
import zlib
from datetime import date
from decimal import Decimal

import pyarrow as pa
from nasty.case import Case
from pyarrow import orc, parquet

EXACT = pa.table(
    {
        "id": pa.array([123456789012345678, 9223372036854775807, None], pa.int64()),
        "title": pa.array([Decimal("12345678901234567890.1234567890"), Decimal("-0.0000010000"), None],
                          pa.decimal128(38, 10)),
        "body": pa.array([True, False, None]),
    }
)  # fmt: skip
EXACT_ROWS = (
    (None, "123456789012345678", "12345678901234567890.1234567890", "true"),
    (None, "9223372036854775807", "-0.0000010000", "false"),
    (None,),
)
NESTED = pa.table(
    {
        "id": ["1", "2"],
        "title": pa.array([{"a": 1, "b": ["x", "ü"]}, None]),
        "body": pa.array([[1, 2], []], pa.list_(pa.int64())),
    }
)
NESTED_ROWS = ((None, "1", '{"a":1,"b":["x","ü"]}', "[1,2]"), (None, "2", None, "[]"))
TEXTS = pa.table(
    {"title": ['a, "b"\n\r\nc', "  ", "\x00", "😀"], "id": ["1", "2", "3", "4"], "more": ["x", None, "", "z"]}
)
TEXTS_ROWS = (
    (None, "1", 'a, "b"\n\r\nc', None, {"more": "x"}),
    (None, "2", "  "),
    (None, "3", "\x00", None, {"more": ""}),
    (None, "4", "😀", None, {"more": "z"}),
)
CODED = pa.table({"id": ["1"] * 3, "title": pa.array(["d"] * 3).dictionary_encode()})
DAYS = pa.table({"id": ["1"], "title": pa.array([date(2024, 2, 29)]), "body": pa.array([1.5])})
DAYS_ROWS = ((None, "1", "2024-02-29", "1.5"),)


def in_parquet(table: pa.Table, **options: object) -> bytes:
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, **options)
    return bytes(sink.getvalue().to_pybytes())


def in_orc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    orc.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())


# -- Avro, byte by byte: a header with the schema, then a block of rows ---------------------------------------------

MARK = bytes(range(16))


def _long(number: int) -> bytes:
    """Zigzag, seven bits a byte, the lowest first."""
    number, found = (number << 1) ^ (number >> 63), bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _sized(content: bytes) -> bytes:
    return _long(len(content)) + content


def _avro(rows: list[tuple[int, str, str | None]], codec: str = "null") -> bytes:
    """Rows of a long, a text, and a text or null."""
    fields = [{"name": "id", "type": "long"}, {"name": "title", "type": "string"},
              {"name": "body", "type": ["null", "string"]}]  # fmt: skip
    schema = json.dumps({"type": "record", "name": "row", "fields": fields}).encode()
    about = {b"avro.schema": schema, b"avro.codec": codec.encode()}
    head = _long(len(about)) + b"".join(_sized(key) + _sized(value) for key, value in about.items()) + _long(0)
    body = b"".join(
        _long(number) + _sized(title.encode()) + (_long(0) if more is None else _long(1) + _sized(more.encode()))
        for number, title, more in rows
    )
    if codec == "deflate":
        packer = zlib.compressobj(wbits=-15)
        body = packer.compress(body) + packer.flush()
    return b"Obj\x01" + head + MARK + _long(len(rows)) + _sized(body) + MARK


AVRO = [(123456789012345678, 'a, "b"\nc', None), (-1, "😀", "x"), (9223372036854775807, "", "y")]
AVRO_ROWS = (
    (None, "123456789012345678", 'a, "b"\nc'),
    (None, "-1", "😀", "x"),
    (None, "9223372036854775807", "", "y"),
)


def _empty(table: pa.Table) -> pa.Table:
    return table.slice(0, 0)


def _middle(content: bytes, part: bytes = b"\xff" * 64) -> bytes:
    """The file with its first data spoilt."""
    return content[:8] + part + content[8 + len(part) :]


GOOD = (
    Case("parquet_exact", "a.parquet", in_parquet(EXACT), rows=EXACT_ROWS),
    Case("parquet_nested", "a.parquet", in_parquet(NESTED), rows=NESTED_ROWS),
    Case("parquet_texts", "a.parquet", in_parquet(TEXTS), rows=TEXTS_ROWS),
    Case("parquet_days", "a.parquet", in_parquet(DAYS), rows=DAYS_ROWS),
    Case("parquet_named_csv", "a.csv", in_parquet(TEXTS.slice(0, 1)), rows=TEXTS_ROWS[:1]),
    Case("parquet_zstd_in_groups", "a.parquet", in_parquet(TEXTS, compression="zstd", row_group_size=1),
         rows=TEXTS_ROWS),
    Case("parquet_dictionary", "a", in_parquet(CODED), rows=((None, "1", "d"),) * 3),
    Case("orc_exact", "a.orc", in_orc(EXACT), rows=EXACT_ROWS),
    Case("orc_nested", "a.orc", in_orc(NESTED), rows=NESTED_ROWS),
    Case("orc_texts", "a.orc", in_orc(TEXTS), rows=TEXTS_ROWS),
    Case("orc_named_nothing", "a", in_orc(TEXTS.slice(0, 2)), rows=TEXTS_ROWS[:2]),
    Case("avro", "a.avro", _avro(AVRO), rows=AVRO_ROWS),
    Case("avro_deflated", "a.avro", _avro(AVRO, "deflate"), rows=AVRO_ROWS),
    Case("avro_named_nothing", "a", _avro(AVRO[:1]), rows=AVRO_ROWS[:1]),
)  # fmt: skip

BAD = (
    Case("parquet_cut", "a.parquet", in_parquet(TEXTS)[:-30], refused=("readable", "")),
    Case("parquet_first_bytes_alone", "a.parquet", b"PAR1", refused=("readable", "")),
    Case("parquet_spoilt", "a.parquet", _middle(in_parquet(TEXTS, compression="gzip")), refused=("readable", "")),
    Case("parquet_footer_spoilt", "a.parquet", in_parquet(DAYS)[:-60] + b"\xff" * 52 + b"\x20\x00\x00\x00PAR1",
         refused=("readable", "")),
    Case("parquet_locked", "a.parquet", b"PARE" + bytes(range(200)) + b"\x50\x00\x00\x00PARE",
         refused=("readable", "(?i)encrypt")),
    Case("parquet_of_no_rows", "a.parquet", in_parquet(_empty(TEXTS)), refused=("rows", "0|no ")),
    Case("parquet_column_less", "a.parquet", in_parquet(pa.table({"id": ["1"], "name": ["a"]})),
         refused=("columns", "name")),
    Case("orc_cut", "a.orc", in_orc(TEXTS)[:-20], refused=("readable", "")),
    Case("orc_of_no_rows", "a.orc", in_orc(_empty(TEXTS)), refused=("rows", "0|no ")),
    Case("orc_column_less", "a.orc", in_orc(pa.table({"id": ["1"], "name": ["b"]})), refused=("columns", "name")),
    Case("avro_cut", "a.avro", _avro(AVRO)[:-20], refused=("readable", "")),
    Case("avro_wrong_mark", "a.avro", _avro(AVRO)[:-1] + b"\xff", refused=("readable", "")),
    Case("avro_of_no_rows", "a.avro", _avro([]), refused=("rows", "0|no ")),
)  # fmt: skip

CASES = (*GOOD, *BAD)
