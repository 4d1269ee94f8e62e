"""JSON: layouts, elements at every block size, and fields exactly as they are written."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse_nlp.ingest import pool
from lakehouse_nlp.ingest.faults import Fault
from lakehouse_nlp.ingest.json_text import elements, exact, fields, keys, layout
from lakehouse_nlp.ingest.records import OtherBytes

pytestmark = pytest.mark.unit

Row = tuple[int, str, str | None]
OPEN = "a bracket or a quote that opens here is never closed"
SIZES = [1, 2, 3, 5, 8, 1 << 20]


def rows(text: str | bytes, size: int = 1 << 20, limit: int = 1 << 20, mixed: bool = False) -> list[Row]:
    """(line, text, fault) of every element."""
    given = text.encode() if isinstance(text, str) else text
    blocks = [given[start : start + size] for start in range(0, len(given), size)]
    return [
        (int(line), text, block.faults.get(place))
        for block in elements(blocks, limit, mixed)
        for place, (line, text) in enumerate(zip(block.lines, block.text.to_pylist(), strict=True))
    ]


@pytest.mark.parametrize(
    ("name", "head", "wanted"),
    [
        ("a.json", '{"a": 1}\n{"a": 2}\n', "jsonl"), ("a.json", '\n \n{"a": 1}', "jsonl"),
        ("a.csv", '{"a": 1}\n', "jsonl"),
        ("a.json", '[{"a": 1}]', "json"), ("a.json", '{\n"a": 1}', "json"), ("a.json", '{"a": 1} {"a": 2}\n', "json"),
        ("a.json", "[\n1]", "json"), ("a.json", "[]", "json"), ("a.jsonl", "{broken\n" + '{"a": 1}\n', "jsonl"),
        ("a.jsonl.gz", '\n{"a": \n{"a": 1}\n', "jsonl"), ("a.json", '[{"a":\n{}}]', "json"), ("a.csv", "{}", "jsonl"),
        ("a.json", "id,title\n1,a\n", None), ("a.csv", "id,title\n", None), ("a.csv", "[draft] id,title\n", None),
        ("a.csv", "{id},title\n", None), ("a.json", "", None),
    ],
)  # fmt: skip
def test_layouts_are_told_by_the_text(name: str, head: str, wanted: str | None) -> None:
    assert layout(head, Path(name)) == wanted


CASES: dict[str, tuple[str, list[Row]]] = {
    "array": ('[{"a": 1}, {"b": [2]}]', [(1, '{"a": 1}', None), (1, '{"b": [2]}', None)]),
    "array on lines": ('[\r\n{"a": 1},\r\n{"a": 2}\r\n]\r\n', [(2, '{"a": 1}', None), (3, '{"a": 2}', None)]),
    "old line ends": ('[\r{"a": 1},\r\r{"a": 2}]', [(2, '{"a": 1}', None), (4, '{"a": 2}', None)]),
    "in a row": ('{"a":1}{"a":2} {"a":3}\n{"a":4}', [
        (1, '{"a":1}', None), (1, '{"a":2}', None), (1, '{"a":3}', None), (2, '{"a":4}', None)]),
    "arrays in a row": ('[{"a":1}]\n[{"a":2}]', [(1, '{"a":1}', None), (2, '{"a":2}', None)]),
    "indented": ('{\n "a": {\n  "b": 1\n }\n}\n{\n "a": 2\n}\n', [
        (1, '{\n "a": {\n  "b": 1\n }\n}', None), (6, '{\n "a": 2\n}', None)]),
    "brackets in strings": ('[{"a": "}]{["}, {"]": "\\"}"}]', [(1, '{"a": "}]{["}', None), (1, '{"]": "\\"}"}', None)]),
    "escapes": ('[{"a": "\\\\"}, {"a": "\\\\\\""}]', [(1, '{"a": "\\\\"}', None), (1, '{"a": "\\\\\\""}', None)]),
    "characters of many bytes": ('[{"ä": "😀“"}, {"a": "ö"}]', [(1, '{"ä": "😀“"}', None), (1, '{"a": "ö"}', None)]),
    "nested arrays": ('[[1, 2], [{"a": 1}]]', [(1, "[1, 2]", None), (1, '[{"a": 1}]', None)]),
    "scalars": ('[1.50, "a, \\"b\\" ]", null, {"a": 1}, -2]', [
        (1, "1.50", None), (1, '"a, \\"b\\" ]"', None), (1, "null", None), (1, '{"a": 1}', None), (1, "-2", None)]),
    "scalars on lines": ('[\n"a",\n"b,c"\n]', [(2, '"a"', None), (3, '"b,c"', None)]),
    "a string that is never closed": ('["a,\n{"a": 1}]', [(1, '"a,', None), (2, '{"a": 1}', None)]),
    "truncated in a string": ('[{"a": 1},\n{"a": 2},\n{"a": "x, {', [
        (1, '{"a": 1}', None), (2, '{"a": 2}', None), (3, '{"a": "x, {', OPEN)]),
    "truncated in an object": ('[{"a": 1}, {"a": {"b": 2}', [(1, '{"a": 1}', None), (1, '{"a": {"b": 2}', OPEN)]),
    "truncated in an escape": ('[{"a": 1}, {"a": "\\', [(1, '{"a": 1}', None), (1, '{"a": "\\', OPEN)]),
    "truncated, indented": ('[\n {\n  "a": 1\n },\n {\n  "a": 2,\n  "b', [
        (2, '{\n  "a": 1\n }', None), (5, '{\n  "a": 2,\n  "b', OPEN)]),
    "truncated between elements": ('[{"a": 1},\n', [(1, '{"a": 1}', None)]),
    "one that is not closed": ('{"a": {\n{"a": 2}\n{"a": 3}', [
        (1, '{"a": {', OPEN), (2, '{"a": 2}', None), (3, '{"a": 3}', None)]),
    "stray brackets": ('{"a": 1}]}', [(1, '{"a": 1}', None), (1, "]", None), (1, "}", None)]),
    "nothing": ("", []), "blanks": (" \n ", []), "no elements": ("[]", []), "commas": ("[,,]", []),
}  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CASES)
def test_elements_are_the_same_in_blocks_of_any_size(name: str, size: int) -> None:
    text, wanted = CASES[name]
    assert rows(text, size) == wanted


@given(st.text('{}[]",\\: a\n\rä1', max_size=16), st.integers(1, 5))
@settings(max_examples=1000)
def test_any_text_makes_the_same_elements_in_blocks_of_any_size(text: str, size: int) -> None:
    assert rows(text, size) == rows(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=6,
)  # fmt: skip
OBJECT = st.dictionaries(st.text(max_size=4), JSON, max_size=4)


@given(st.lists(OBJECT, max_size=4), st.sampled_from([None, 1]), st.booleans(), st.integers(1, 9))
@settings(max_examples=200)
def test_elements_of_an_array_are_its_elements(objects: list[Any], indent: int | None, plain: bool, size: int) -> None:
    text = json.dumps(objects, indent=indent, ensure_ascii=plain)
    found = rows(text, size)
    assert [json.loads(row) for _, row, _ in found] == objects
    assert all(fault is None for _, _, fault in found)
    if indent and "\r" not in text:
        assert [line for line, _, _ in found] == [
            n for n, line in enumerate(text.split("\n"), 1) if line.startswith(" {")
        ]


@pytest.mark.parametrize("text", ['[{"a": 1},\n{"a": "' + "x" * 50, '[{"a": 1},\n{"a": [' + "1, " * 30 + "]}]"])
def test_an_element_that_is_too_long_is_named_by_its_line(text: str) -> None:
    with pytest.raises(Fault) as caught:
        rows(text, 5, limit=40)
    assert (caught.value.check, caught.value.line, caught.value.wanted) == ("size", 2, "at most 40")


def test_many_short_elements_are_not_too_long() -> None:
    assert len(rows('{"a": 1}\n' * 99, 5, limit=20)) == 99


@pytest.mark.parametrize("size", [3, 7, 20, 1 << 20])
@pytest.mark.parametrize(("before", "mixed"), [("äöü“”", True), ("plain", False)])
def test_other_bytes_are_named_by_their_line(before: str, mixed: bool, size: int) -> None:
    text = f'[{{"a": "{before}"}},\n{{"a":\n\n"plain",\n"b": "'.encode() + b'\xfc"}]'
    with pytest.raises(OtherBytes) as caught:
        rows(text, size)
    assert (caught.value.line, caught.value.mixed) == (5, mixed)


@pytest.mark.parametrize("size", SIZES)
def test_other_bytes_among_utf8_are_escaped(size: int) -> None:
    text = '[{"a": "ä"},\n'.encode() + b'{"a": "\xfc"}]'
    assert rows(text, size, mixed=True) == [(1, '{"a": "ä"}', None), (2, '{"a": "\\xfc"}', None)]
    assert exact('{"a": "\\xfc"}')[1]


def test_a_file_that_ends_within_a_character_is_utf8_with_a_bad_end() -> None:
    with pytest.raises(OtherBytes) as caught:
        rows('[{"a": "äöüß"},\n{"a": "ä'.encode()[:-1], 4)
    assert (caught.value.line, caught.value.mixed) == (2, True)


def test_batches_are_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "BATCH", 2)
    assert [line for line, _, _ in rows('{"a": 1}\n' * 5)] == [1, 2, 3, 4, 5]


def test_long_strings_take_no_longer() -> None:
    begun = time.process_time()
    assert len(rows('[{"a": "' + "x" * 4_000_000 + '"}, "' + "y" * 4_000_000 + '"]', limit=1 << 24)) == 2
    assert time.process_time() - begun < 3


def test_keys_are_those_of_the_objects_in_their_order() -> None:
    texts = ['{"b": 1}', "{broken", "[1]", '{"a": {"c": 1}, "b": 2}', "[" * 9999, "1" * 9999]
    assert keys(pa.array(texts)) == ["b", "a"]


# -- fields exactly as they are written --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"a": 1.10, "b": -0, "c": 1E5, "d": 12345678901234567890.0}',
         {"a": "1.10", "b": "-0", "c": "1E5", "d": "12345678901234567890.0"}),
        ('{"a": null, "b": true, "c": false, "d": ""}', {"a": None, "b": "true", "c": "false", "d": ""}),
        ('{"a": [1.0, {"b": "x y"}, null], "c": { }}', {"a": '[1.0,{"b":"x y"},null]', "c": "{}"}),
        ('{"a": "\\u00e4\\n\\"\\ud83d\\ude00"}', {"a": 'ä\n"😀'}),
        (' \r\n\t{ }\n', {}),
        ('{"": 0}', {"": "0"}),
        ('{"a": ' + "9" * 5000 + "}", {"a": "9" * 5000}),
    ],
)  # fmt: skip
def test_values_are_kept_as_they_are_written(text: str, wanted: dict[str, str | None]) -> None:
    assert fields(text) == wanted
    assert json.loads(exact(text)[0]) == wanted


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON object"), ("[1]", "no JSON object"), ('"a"', "no JSON object"), ("null", "no JSON object"),
        ('{"a": 1, "a": 2}', "the field 'a' comes twice"), ('{"a": 1, "\\u0061": 2}', "the field 'a' comes twice"),
        ('{"a": "\\ud83d"}', "half of a surrogate pair"), ('{"\\ude00": 1}', "half of a surrogate pair"),
        ('{"a": NaN}', "NaN is no JSON"), ('{"a": [-Infinity]}', "-Infinity is no JSON"),
        ('{"a": 1} {"b": 2}', "more than one value: '{\"b\": 2}' follows"),
        ('{"a": ' + "[" * 100_000, "nested too deeply"),
        ('{"a": 1,}', "'\"' is wanted at character 9, found '}'"), ("{,}", "'\"' is wanted at character 2, found ',}'"),
        ('{"a" 1}', "':' is wanted at character 6, found '1}'"), ('{"a": 1 "b": 2}', "',' is wanted at character 9"),
        ('{"a": }', "Expecting value"), ('{"a": 01}', "',' is wanted"), ('{"a": "x\ny"}', "Invalid control character"),
        ('{"a": "\\x"}', "Invalid \\escape"), ('{"a": "x', "Unterminated string"), ('{"a": 1', "',' is wanted"),
        ("{'a': 1}", "'\"' is wanted"), ('{"a": .5}', "Expecting value"), ("{", "'\"' is wanted"),
        ('{"a":', "Expecting value"), ('{"a": [1, 2', "Expecting ',' delimiter"),
    ],
)  # fmt: skip
def test_what_is_no_object_says_why(text: str, why: str) -> None:
    assert str(exact(text)[1]).startswith(why)


@given(OBJECT, st.booleans(), st.sampled_from([None, 0, 2]))
@settings(max_examples=300)
def test_fields_are_those_that_python_reads(given: dict[str, Any], plain: bool, indent: int | None) -> None:
    text = json.dumps(given, ensure_ascii=plain, indent=indent)
    found = json.loads(exact(text)[0])
    assert list(found) == list(given)
    for name, value in given.items():
        if isinstance(value, str) or value is None:
            assert found[name] == value
        else:
            assert found[name] == json.dumps(value, ensure_ascii=plain, separators=(",", ":"))


@given(st.text('{}[]":,\\u 01ea.-ntrulfs\n', max_size=14).map(lambda text: '{"a":' + text))
@settings(max_examples=500)
def test_what_python_refuses_is_refused(text: str) -> None:
    try:
        strict = json.loads(text, parse_constant=lambda name: 1 / 0)
    except (ValueError, ZeroDivisionError):
        assert exact(text)[1]
    else:
        found, _ = exact(text)
        assert found.startswith("{") == ("comes twice" not in found and "surrogate" not in found)
        assert not found.startswith("{") or json.loads(found).keys() == strict.keys()


@given(
    st.from_regex(r"-?(0|[1-9]\d{0,20})(\.\d{1,12})?([eE][+-]?\d{1,3})?", fullmatch=True, alphabet="0123456789.eE+-")
)
def test_numbers_are_strings_of_their_digits(number: str) -> None:
    assert fields(f'{{"a": {number} }}') == {"a": number}
    assert math.isfinite(float(number)) or "e" in number.lower()
