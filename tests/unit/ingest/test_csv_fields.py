"""Fields of regular delimited text: those that Python's csv finds, wherever blocks end."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records_told import Row, told

from lakehouse_nlp.ingest.csv_fields import split
from lakehouse_nlp.ingest.dialect import Dialect
from lakehouse_nlp.ingest.records import Records, Splitter, Unruly

pytestmark = pytest.mark.unit

POOL = ThreadPoolExecutor(2)
CSV = Dialect(",", '"', None, True, ("a", "b"))
ONE = Dialect(",", '"', None, True, ("a",))
FEW, MANY = "1 field, where 2 are wanted", "3 fields, where 2 are wanted"


def rows(text: bytes, dialect: Dialect = CSV, size: int = 1 << 20) -> list[Row]:
    """(line, fields or text, fault) of every row."""
    blocks = (text[start : start + size] for start in range(0, len(text), size))
    return [
        row
        for block in Splitter(1 << 20, dialect, mixed=True).split(blocks, POOL)
        for row in told(split(block, dialect))
    ]


CASES: dict[str, tuple[bytes, Dialect, list[Row]]] = {
    "quoted": (b'"say ""hi""","b\nc"\n1,\n', CSV, [(1, ['say "hi"', "b\nc"], None), (3, ["1", ""], None)]),
    "line ends": (b'1,"a\r\nb"\r\n2,"c\rd"\r3,x\n4,y', CSV,
                  [(1, ["1", "a\r\nb"], None), (3, ["2", "c\rd"], None), (5, ["3", "x"], None), (6, ["4", "y"], None)]),
    "ragged": (b"1\n1,2\n\n1,2,3\n,\n", CSV,
               [(1, "1\n", FEW), (2, ["1", "2"], None), (4, "1,2,3\n", MANY), (5, ["", ""], None)]),
    "all ragged": (b"1\n2\n", CSV, [(1, "1\n", FEW), (2, "2\n", FEW)]),
    "words for nothing": (b"NULL,nan\nN/A,#N/A\n", CSV, [(1, ["NULL", "nan"], None), (2, ["N/A", "#N/A"], None)]),
    "numbers and dates": (b"007,1e5\n2024-01-01,true\n", CSV,
                          [(1, ["007", "1e5"], None), (2, ["2024-01-01", "true"], None)]),
    "blanks": (b' 1 ,\t2\n', CSV, [(1, [" 1 ", "\t2"], None)]),
    "one column": (b'\n \n""\nx\n', ONE, [(2, [" "], None), (3, [""], None), (4, ["x"], None)]),
    "a mark that is a character": ("\ufeff1,2\n\ufeff3,4\n".encode(), CSV,
                                   [(1, ["\ufeff1", "2"], None), (2, ["\ufeff3", "4"], None)]),
    "another delimiter and quote": (b"'a;b';'it''s'\n", replace(CSV, delimiter=";", quote="'"),
                                    [(1, ["a;b", "it's"], None)]),
    "other bytes": (b"1,\xc3\xa4\n\xfc,x\n", CSV,
                    [(1, ["1", "ä"], None), (2, "\\xfc,x\n", "bytes that are no UTF-8, at byte 1 of the row")]),
    "nothing": (b"", CSV, []),
}  # fmt: skip


@pytest.mark.parametrize("size", [1, 5, 1 << 20])
@pytest.mark.parametrize("name", CASES)
def test_fields_are_strings_as_they_stand(name: str, size: int) -> None:
    text, dialect, wanted = CASES[name]
    assert rows(text, dialect, size) == wanted


@given(st.text(st.sampled_from('a,"\n\r 1é\ufeff'), max_size=20), st.sampled_from([CSV, ONE]))
@settings(max_examples=400)
def test_what_is_regular_is_read_as_pythons_csv_reads_it(text: str, dialect: Dialect) -> None:
    try:
        blocks = list(Splitter(1 << 20, dialect).split([text.encode()], POOL))
        found = [row for block in blocks for row in told(split(block, dialect))]
    except Unruly:
        return
    texts = [text for block in blocks for text in block.text.to_pylist()]
    wanted = [next(csv.reader(io.StringIO(text, newline=""))) for text in texts]
    assert [row[1] for row in found if row[2] is None] == [
        cells for cells, row in zip(wanted, found, strict=True) if row[2] is None
    ]


def test_rows_that_arrow_does_not_find_are_read_the_slow_way() -> None:
    said_to_be_one = Records(pa.array(["1,2\n3,4\n"]), np.array([1]))
    with pytest.raises(Unruly):
        split(said_to_be_one, CSV)


def test_a_row_of_a_wrong_width_that_nobody_saw_is_no_row() -> None:
    with pytest.raises(Unruly):
        split(Records(pa.array(["1,2\n", "3\n"]), np.array([1, 2])), CSV)


def test_rows_within_a_larger_array() -> None:
    texts = pa.array(["0,0\n", "1,2\n", "bad\n", "3,4\n", "5,5\n"])
    part = Records(texts, np.arange(1, 6), {2: "bad"}).part(1, 4)
    assert told(split(part, CSV)) == [(2, ["1", "2"], None), (3, "bad\n", "bad"), (4, ["3", "4"], None)]
