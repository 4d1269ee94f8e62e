"""Text cut into records: the same ones wherever blocks end."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakehouse_nlp.ingest.dialect import Dialect
from lakehouse_nlp.ingest.faults import Fault
from lakehouse_nlp.ingest.records import OtherBytes, Splitter, Unruly

pytestmark = pytest.mark.unit

POOL = ThreadPoolExecutor(2)

CSV = Dialect(",", '"', None, True, ("a", "b"))
TSV = Dialect("\t", '"', None, True, ("a", "b"))
ONE = Dialect(",", '"', None, True, ("a",))
Row = tuple[int, str, str | None]
FEW, MANY = "1 field, where 2 are wanted", "3 fields, where 2 are wanted"


def rows(
    text: bytes, size: int = 1 << 20, dialect: Dialect | None = CSV, limit: int = 1 << 20, **more: Any
) -> list[Row]:
    """(line, text, fault) of every record."""
    blocks = (text[start : start + size] for start in range(0, len(text), size))
    found: list[Row] = []
    for block in Splitter(limit, dialect, **more).split(blocks, POOL):
        texts = block.text.to_pylist()
        found += [
            (int(line), text, block.faults.get(n))
            for n, (line, text) in enumerate(zip(block.lines, texts, strict=True))
        ]
    return found


def outcome(*args: Any, **more: Any) -> Any:
    """The rows, or what is raised in their place."""
    try:
        return rows(*args, **more)
    except Fault as fault:
        return fault.check, fault.found, fault.line
    except (Unruly, OtherBytes) as error:
        return type(error)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1 << 20])
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b"", []),
        (b"a,b\n1,2\n", [(1, "a,b\n", None), (2, "1,2\n", None)]),
        (b"a,b\r\n1,2", [(1, "a,b\r\n", None), (2, "1,2\n", None)]),
        (b"a,b\r1,2\r", [(1, "a,b\r", None), (2, "1,2\r", None)]),
        (b"a,b\r\r\n1,2\n\r3,4", [(1, "a,b\r", None), (3, "1,2\n", None), (5, "3,4\n", None)]),
        (b'1,"a\nb"\n2,c\n', [(1, '1,"a\nb"\n', None), (3, "2,c\n", None)]),
        (b'1,"a\r\nb\rc"\r\n2,c', [(1, '1,"a\r\nb\rc"\r\n', None), (4, "2,c\n", None)]),
        (b'"say ""hi""",b\n"""",""\n', [(1, '"say ""hi""",b\n', None), (2, '"""",""\n', None)]),
        (b'"a,b",c\n"\n",","\n', [(1, '"a,b",c\n', None), (2, '"\n",","\n', None)]),
        (b"\n\r\n \t\n1,2\n\n", [(4, "1,2\n", None)]),
        (b"1\n1,2,3\n1,2\n", [(1, "1\n", FEW), (2, "1,2,3\n", MANY), (3, "1,2\n", None)]),
        (b'\n"",\n""\n,\n', [(2, '"",\n', None), (3, '""\n', FEW), (4, ",\n", None)]),
        (b'\n1\n\n"x\n"\n\n1,2\n', [(2, "1\n", FEW), (4, '"x\n"\n', FEW), (7, "1,2\n", None)]),
        ("ä,“ö”\n".encode(), [(1, "ä,“ö”\n", None)]),
    ],
)
def test_rows_are_cut_where_they_end(text: bytes, wanted: list[Row], size: int) -> None:
    assert rows(text, size) == wanted


def test_a_row_of_empty_fields_between_tabs_is_a_row() -> None:
    assert rows(b"\t\n \t \n \n\n", dialect=TSV) == [(1, "\t\n", None), (2, " \t \n", None)]


def test_one_column_of_blanks_is_a_row_and_an_empty_line_is_none() -> None:
    assert rows(b'a\n \n\n""\n', dialect=ONE) == [(1, "a\n", None), (2, " \n", None), (4, '""\n', None)]


@pytest.mark.parametrize("size", [1, 3, 1 << 20])
def test_lines_without_a_dialect_know_no_quotes(size: int) -> None:
    assert rows(b'{"a": "\r\n"x\n \n\r"', size, None) == [(1, '{"a": "\r\n', None), (2, '"x\n', None), (5, '"\n', None)]
    assert rows(b"a\n\n\rb", size, None, blanks=True) == [
        (1, "a\n", None),
        (2, "\n", None),
        (3, "\r", None),
        (4, "b\n", None),
    ]


NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])
FIELD = st.one_of(
    st.text("ab ä😀", max_size=3),
    st.text('a,"\n\rä', max_size=4).map(lambda text: '"' + text.replace('"', '""') + '"'),
)
RECORD = st.one_of(st.lists(FIELD, min_size=2, max_size=2), st.lists(FIELD, max_size=4)).map(",".join)
TEXT = st.lists(st.tuples(RECORD, NEWLINES).map("".join), max_size=6).flatmap(
    lambda records: st.sampled_from(["".join(records), "".join(records).rstrip("\r\n")])
)


@given(TEXT, st.integers(1, 7))
@example('a,"\r\n"\r\n1,2', 1)
@settings(max_examples=300)
def test_blocks_of_any_size_make_the_same_rows(text: str, size: int) -> None:
    whole = outcome(text.encode())
    assert outcome(text.encode(), size) == whole
    read = [
        row
        for row in csv.reader(io.StringIO(text, newline=""))
        if row and not (len(row) == 1 and row[0] == " " * len(row[0]))
    ]
    if isinstance(whole, list) and '""' not in text:
        assert [next(csv.reader(io.StringIO(record, newline=""))) for _, record, _ in whole] == read
        assert [fault is None for _, _, fault in whole] == [len(row) == 2 for row in read]


@given(st.text('a,"\n\r ', max_size=12), st.integers(1, 5), st.sampled_from([CSV, ONE, TSV, None]))
@settings(max_examples=500)
def test_blocks_of_any_size_make_the_same_of_any_text(text: str, size: int, dialect: Dialect | None) -> None:
    assert outcome(text.encode(), size, dialect) == outcome(text.encode(), dialect=dialect)


@given(st.binary(max_size=9), st.integers(1, 5))
@settings(max_examples=300)
def test_mixed_bytes_are_the_same_in_blocks_of_any_size(text: bytes, size: int) -> None:
    assert outcome(text, size, mixed=True) == outcome(text, mixed=True)


@pytest.mark.parametrize("size", [1, 4, 1 << 20])
@pytest.mark.parametrize(
    "text",
    [b'5" disk,b\n', b'a,"b\n1,2\n', b'"a"b,c\n', b'a,"x" \n', b'a, "x"\n', b'a,"say \\"hi\\""\n', b'a,""b"\n', b'"'],
)
def test_quotes_in_other_places_are_unruly(text: bytes, size: int) -> None:
    assert outcome(b"1,2\n" + text, size) is Unruly


LONG = b"1,2\n" * 3 + b"1," + b"x" * 60 + b"\n1,2\n"


@pytest.mark.parametrize("size", [1, 7, 50, 1 << 20])
@pytest.mark.parametrize(
    ("text", "dialect", "wanted"),
    [
        (LONG, CSV, ("size", "a quote that is never closed, or a record of more than 50 bytes", 4)),
        (LONG, None, ("size", "a line of more than 50 bytes", 4)),
        (LONG.replace(b"\n", b"\r\n"), None, ("size", "a line of more than 50 bytes", 4)),
        (b'1,2\n\n1,"' + b"x\n" * 40 + b'"\n', CSV,
         ("size", "a quote that is never closed, or a record of more than 50 bytes", 3)),
    ],
)  # fmt: skip
def test_a_row_that_is_too_long_is_named_by_its_line(
    text: bytes, dialect: Dialect | None, wanted: Any, size: int
) -> None:
    assert outcome(text, size, dialect, limit=50) == wanted


def test_a_quote_in_a_field_is_unruly_before_it_is_too_long() -> None:
    assert outcome(b'5" disk,b\n' + b"1,2\n" * 50, 10, limit=100) is Unruly


@pytest.mark.parametrize("size", [1, 6, 1 << 20])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_rows_of_other_bytes_are_set_aside(end: bytes, size: int) -> None:
    text = end.join(["ä,ö".encode(), b"\xfc,x", b"1", "1,ü".encode(), b""])
    shown = end.decode()
    assert rows(text, size, mixed=True) == [
        (1, f"ä,ö{shown}", None),
        (2, f"\\xfc,x{shown}", "bytes that are no UTF-8, at byte 1 of the row"),
        (3, f"1{shown}", FEW),
        (4, f"1,ü{shown}", None),
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(("before", "mixed"), [("äöüß", True), ("plain", False)], ids=["among UTF-8", "among ASCII"])
def test_other_bytes_are_named_by_their_line(before: str, mixed: bool, end: bytes) -> None:
    text = end.join([b"a,b", before.encode(), b"1,2", b"\xfc,x", b"3,4"])
    with pytest.raises(OtherBytes) as caught:
        rows(text)
    assert (caught.value.line, caught.value.mixed) == (4, mixed)


def test_utf8_that_was_seen_in_earlier_blocks_counts() -> None:
    text = "ä,ö\n".encode() + b"plain,text\n" * 9 + b"\xfc,x\n"
    with pytest.raises(OtherBytes) as caught:
        rows(text, 8)
    assert (caught.value.line, caught.value.mixed) == (11, True)


def test_a_part_has_its_own_faults() -> None:
    (block,) = Splitter(99, CSV).split([b"1,2\n1\n3,4\n2\n"], POOL)
    part = block.part(1, 3)
    assert (part.text.to_pylist(), part.lines.tolist(), part.faults) == (["1\n", "3,4\n"], [2, 3], {0: FEW})
    assert block.after_first().faults == {0: FEW, 2: FEW}
