"""Delimited text whose quotes are unruly."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records_told import Row, told

from lakehouse_nlp.ingest import pool
from lakehouse_nlp.ingest.csv_text import UNCLOSED, CsvText, escape_of
from lakehouse_nlp.ingest.dialect import Dialect
from lakehouse_nlp.ingest.faults import Fault
from lakehouse_nlp.ingest.records import Records, Splitter, Unruly

pytestmark = pytest.mark.unit

POOL = ThreadPoolExecutor(2)

CSV = Dialect(",", '"', None, True, ("a", "b"))
ESCAPED = Dialect(",", '"', "\\", True, ("a", "b"))
ONE = Dialect(",", '"', None, True, ("a",))
FEW, MANY = "1 field, where 2 are wanted", "3 fields, where 2 are wanted"


def rows(text: str | bytes, dialect: Dialect = CSV, limit: int = 1 << 20, size: int = 1 << 20) -> list[Row]:
    """(line, cells or text, fault) of every row."""
    given = text.encode() if isinstance(text, str) else text
    blocks = (given[start : start + size] for start in range(0, len(given), size))
    lines = Splitter(limit, None, mixed=True, blanks=True).split(blocks, POOL)
    return [row for block in CsvText(dialect, limit).records(lines) for row in told(block)]


CASES: dict[str, tuple[str | bytes, Dialect, list[Row]]] = {
    "inches": ('5" disk,b\n1,2\n', CSV, [(1, ['5" disk', "b"], None), (2, ["1", "2"], None)]),
    "quotes that close early": ('"a"b,c\n"x" y,"z"\n', CSV, [(1, ["ab", "c"], None), (2, ["x y", "z"], None)]),
    "doubled": ('"say ""hi""","b\nc"\n1,2', CSV, [(1, ['say "hi"', "b\nc"], None), (3, ["1", "2"], None)]),
    "line ends": ('1,"a\r\nb"\r\n2,"c\rd"\r3,x\n', CSV,
                  [(1, ["1", "a\r\nb"], None), (3, ["2", "c\rd"], None), (5, ["3", "x"], None)]),
    "ragged": ("1\n1,2,3\n,\n", CSV, [(1, "1", FEW), (2, "1,2,3", MANY), (3, ["", ""], None)]),
    "blank lines": ('\n \t\r\n1,2\n\n""\n', CSV, [(3, ["1", "2"], None), (5, '""', FEW)]),
    "one column": ('\n \n""\nx"y\n', ONE, [(2, [" "], None), (3, [""], None), (4, ['x"y'], None)]),
    "no-break blanks": ("\u00a0\n1,2\n", CSV, [(1, "\u00a0", FEW), (2, ["1", "2"], None)]),
    "unclosed": ('1,2\n3,"open\n4,5\n6,7\n', CSV,
                 [(1, ["1", "2"], None), (2, '3,"open', UNCLOSED), (3, ["4", "5"], None), (4, ["6", "7"], None)]),
    "unclosed twice": ('3,"open\n5" disk,x\n4,"open\n6,7\n', CSV,
                       [(1, '3,"open\n5" disk,x', MANY), (3, '4,"open', UNCLOSED), (4, ["6", "7"], None)]),
    "unclosed at the end": ('1,2\n3,"', CSV, [(1, ["1", "2"], None), (2, '3,"', UNCLOSED)]),
    "unclosed after an odd quote": ('1,2\n"a"b,"open\n4,5\n', CSV,
                                    [(1, ["1", "2"], None), (2, '"a"b,"open', UNCLOSED), (3, ["4", "5"], None)]),
    "unclosed, then blank": ('3,"open\n\n4,5\n\n', CSV, [(1, '3,"open', UNCLOSED), (3, ["4", "5"], None)]),
    "closed by the last quote": ('1,"a\n2,b\n3,c"\n', CSV, [(1, ["1", "a\n2,b\n3,c"], None)]),
    "escaped quotes": ('"say \\"hi\\"",b\n"\\\\",c\n', ESCAPED, [(1, ['say "hi"', "b"], None), (2, ["\\", "c"], None)]),
    "escaped delimiters": ("a\\,b,c\n", ESCAPED, [(1, ["a,b", "c"], None)]),
    "backslashes that escape nothing": ('"C:\\new",\\d+\n', ESCAPED, [(1, ["C:\\new", "\\d+"], None)]),
    "escaped and doubled": ('"a ""b"" \\"c\\"",d\n', ESCAPED, [(1, ['a "b" "c"', "d"], None)]),
    "escaped and never closed": ('1,"a\\"\n2,b\n', ESCAPED, [(1, '1,"a\\"', UNCLOSED), (2, ["2", "b"], None)]),
    "other bytes": (b'5",\xc3\xa4\n\xfc",x\n', CSV,
                    [(1, ['5"', "ä"], None), (2, '\\xfc",x', "bytes that are no UTF-8, at byte 1 of the row")]),
    "nothing": ("", CSV, []),
}  # fmt: skip


@pytest.mark.parametrize("size", [1, 5, 1 << 20])
@pytest.mark.parametrize("name", CASES)
def test_rows_are_read_from_the_beginning(name: str, size: int) -> None:
    text, dialect, wanted = CASES[name]
    assert rows(text, dialect, size=size) == wanted


def test_batches_are_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "BATCH", 2)
    text = "".join(f'{n}",x\n' for n in range(1, 6))
    assert rows(text) == [(n, [f'{n}"', "x"], None) for n in range(1, 6)]


@pytest.mark.parametrize("start", ["", '1"2,3\n\n'])
def test_a_row_that_is_too_long_is_named_by_its_line(start: str) -> None:
    with pytest.raises(Fault) as caught:
        rows(start + '1,"' + "x\n" * 100, limit=100)
    assert (caught.value.check, caught.value.line) == ("size", 1 + start.count("\n"))
    assert caught.value.found == "a quote that is never closed, or a record of more than 100 characters"


def test_many_short_rows_are_not_too_long() -> None:
    assert len(rows('1",2\n' * 100, limit=20)) == 100


@given(st.text('a,"\n\r 1', max_size=20))
@settings(max_examples=400)
def test_what_is_regular_is_read_alike(text: str) -> None:
    try:
        blocks = list(Splitter(1 << 20, CSV).split([text.encode()], POOL))
    except Unruly:
        return
    found = [
        (int(n), record) for block in blocks for n, record in zip(block.lines, block.text.to_pylist(), strict=True)
    ]
    faults = [block.faults.get(place) for block in blocks for place in range(len(block.text))]
    cells = [next(csv.reader(io.StringIO(record, newline=""))) for _, record in found]
    read = rows(text)
    assert [(line, fault) for line, _, fault in read] == [
        (line, fault) for (line, _), fault in zip(found, faults, strict=True)
    ]
    assert [given for _, given, fault in read if fault is None] == [
        one for one, fault in zip(cells, faults, strict=True) if fault is None
    ]


@given(st.text('ab,"\n', max_size=30))
@settings(max_examples=300)
def test_no_line_is_lost(text: str) -> None:
    """Every line that is not blank belongs to one row."""
    lines = text.split("\n")
    begun = [line for line, _, _ in rows(text, limit=1 << 20)]
    assert begun == sorted(set(begun))
    first = next((number for number, line in enumerate(lines, 1) if line.strip()), None)
    assert (begun[0] if begun else None) == first


@pytest.mark.parametrize(
    ("text", "escape"),
    [
        ('"say \\"hi\\", you",b\n1,2\n', "\\"),
        ('"C:\\",b\n1",2\n', None),
        ('5" disk,b\n', None),
        ("a\\b,c\n", None),
    ],
)
def test_backslashes_are_found_by_the_rows_that_they_make(text: str, escape: str | None) -> None:
    assert escape_of(text.encode(), CSV) == escape


def test_a_line_with_a_fault_makes_a_row_of_it() -> None:
    lines = Records(pa.array(['1,"a\n', 'b"\n']), np.array([7, 8]), {1: "bad"})
    (found,) = CsvText(CSV, 99).records([lines])
    assert told(found) == [(7, '1,"a\nb"', "bad")]
