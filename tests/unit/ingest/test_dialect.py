"""Delimiters, headers and names of columns, found in the first rows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakehouse_nlp.core.settings.models import Ingest
from lakehouse_nlp.ingest.dialect import Dialect, found, named

pytestmark = pytest.mark.unit


def dialect(head: str, declared: str = "id title", hint: str | None = None, **options: Any) -> Dialect:
    return found(head, Ingest(**options), tuple(declared.split()), hint)


@pytest.mark.parametrize("delimiter", list(",;\t|:^~\x01\x1f"))
@pytest.mark.parametrize("header", ["id{}title\n", '"id"{}"title"\r\n', "title{}x{}id\n", " id {} title\n"])
def test_the_delimiter_is_the_one_that_finds_the_columns(delimiter: str, header: str) -> None:
    made = dialect(header.replace("{}", delimiter) + f"1{delimiter}a, b; c|d:e\n")
    assert (made.delimiter, made.header) == (delimiter, True)
    assert {"id", "title"} <= set(made.columns)


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("a,b,c", ","), ("a;b;c", ";"), ("a\tb", "\t"), ("a|b|c", "|"), ("a", ","), ("", ","), ("a;b;c,d", ";"),
        ('"a;b;c",a,b', ","), ('"a, b";"c, d";a', ";"), ("'a;b',c", ","),
    ],
)  # fmt: skip
def test_delimiters_in_quotes_do_not_count(header: str, wanted: str) -> None:
    assert dialect(f"{header}\n", "a b c").delimiter == wanted


@pytest.mark.parametrize(
    ("hint", "options", "wanted"),
    [(None, {"delimiter": ";"}, ";"), ("\t", {}, ","), ("\t", {"delimiter": ";"}, ";"), (None, {}, ",")],
)
def test_a_delimiter_that_is_set_stands_and_one_that_a_name_promises_is_seen_first(
    hint: str | None, options: dict[str, str], wanted: str
) -> None:
    assert dialect("id,title,c;d\n", hint=hint, **options).delimiter == wanted


@pytest.mark.parametrize(
    ("head", "options", "header", "columns"),
    [
        ("id,title\n1,a\n", {}, True, "id title"),
        ("1,a\n2,b\n", {}, False, "id title"),
        ("1;a, b\n2;c\n", {}, False, "id title"),
        ("\n \n1,a\n", {}, False, "id title"),
        ("\n \nid,title\n", {}, True, "id title"),
        ("1,a,x\n", {}, True, "1 a x"),
        ("x,title\n", {}, True, "x title"),
        ("id,title\n", {"header": False}, False, "id title"),
        ("1,2\n", {"header": True}, True, "1 2"),
        ("1,2,3\n", {"header": False}, False, "column_1 column_2 column_3"),
        ('"id\nx",title\n1,a\n', {}, True, "id\nx title"),
        ("id,title", {}, True, "id title"),
    ],
)
def test_the_first_row_names_the_columns_if_one_of_them_is_declared(
    head: str, options: dict[str, Any], header: bool, columns: str
) -> None:
    made = dialect(head, **options)
    assert (made.header, made.columns, made.width) == (header, tuple(columns.split(" ")), columns.count(" ") + 1)


@pytest.mark.parametrize(
    ("first", "wanted"),
    [
        (["id", "title"], ["id", "title"]),
        ([" id ", "title\t"], ["id", "title"]),
        ([" x ", "y"], [" x ", "y"]),
        (["id", "id"], ["id", "id#1"]),
        (["id", " id"], ["id", "id#1"]),
        (["x", "x", "x"], ["x", "x#1", "x#2"]),
        (["x#2", "x", "x"], ["x#2", "x", "x#2#2"]),
        (["", "a", ""], ["column_1", "a", "column_3"]),
        (["column_2", ""], ["column_2", "column_2#1"]),
        ([" padded "], [" padded "]),
        ([], []),
    ],
)
def test_every_column_has_a_name_of_its_own(first: list[str], wanted: list[str]) -> None:
    assert named(first, ("id", "title", " padded ")) == wanted


def test_declared_names_may_have_blanks() -> None:
    assert named([" id ", "id"], (" id ", "id")) == [" id ", "id"]


@pytest.mark.parametrize(
    ("options", "plain"),
    [
        ({}, True),
        ({"quote": "'"}, True),
        ({"escape": "\\"}, False),
        ({"delimiter": "§"}, False),
        ({"quote": "„"}, False),
    ],
)
def test_text_is_cut_by_bytes_where_that_is_safe(options: dict[str, Any], plain: bool) -> None:
    made = dialect("id,title\n", **options)
    assert made.plain == plain


def test_the_ledger_s_form_is_json_without_the_columns() -> None:
    assert json.loads(dialect("id;title\n").to_json()) == {
        "delimiter": ";", "quote": '"', "escape": None, "header": True
    }  # fmt: skip


@pytest.mark.parametrize("head", ['"' * 99, "\0,\0", "a\rb\rc", '"unclosed\n' * 60, "x" * 200_000 + ",y\n"])
def test_no_text_is_too_odd(head: str) -> None:
    assert dialect(head).width >= 0
