"""JSON as the world writes it: lines, arrays, documents, one after the other; every value as it was written."""

from __future__ import annotations

import json

from nasty.case import Case

ANY = r"\S"

LAYOUTS = (
    Case("lines", "a.jsonl", b'{"id": "1", "title": "a"}\n{"id": "2", "title": "b"}\n',
         rows=((1, "1", "a"), (2, "2", "b"))),
    Case("lines_crlf", "a.jsonl", b'{"id": "1", "title": "a"}\r\n{"id": "2", "title": "c"}\r\n',
         rows=((1, "1", "a"), (2, "2", "c"))),
    Case("lines_and_blank_ones", "a.ndjson", b'\n{"id": "1", "title": "a"}\n\n  \n{"id": "2", "title": "d"}',
         rows=((2, "1", "a"), (5, "2", "d"))),
    Case("lines_named_json", "a.json", b'{"id": "1", "title": "e"}\n{"id": "2", "title": "b"}\n',
         rows=((1, "1", "e"), (2, "2", "b"))),
    Case("lines_named_csv", "a.csv", b'{"id": "1", "title": "f, g"}\n{"id": "2", "title": "b"}\n',
         rows=((1, "1", "f, g"), (2, "2", "b"))),
    Case("lines_named_nothing", "a", b'{"id": "1", "title": "h"}\n', rows=((1, "1", "h"),)),
    Case("lines_named_txt", "a.txt", b'{"id": "1", "title": "i"}\n', rows=((1, "1", "i"),)),
    Case("lines_marked", "a.jsonl", b'\xef\xbb\xbf{"id": "1", "title": "j"}\n', rows=((1, "1", "j"),)),
    Case("array_in_a_line", "a.json", b'[{"id": "1", "title": "a"}, {"id": "2", "title": "k"}]',
         rows=((1, "1", "a"), (1, "2", "k"))),
    Case("array_over_lines", "a.json", b'[\n{"id": "1", "title": "a"},\n{"id": "2", "title": "l"}\n]\n',
         rows=((2, "1", "a"), (3, "2", "l"))),
    Case("array_indented", "a.json",
         json.dumps([{"id": "1", "title": "a"}, {"id": "2", "title": "m"}], indent=4).encode(),
         rows=((2, "1", "a"), (6, "2", "m"))),
    Case("array_of_commas_first", "a.json", b'[ {"id": "1", "title": "a"}\n, {"id": "2", "title": "n"}\n]',
         rows=((1, "1", "a"), (2, "2", "n"))),
    Case("array_marked", "a.json", b'\xef\xbb\xbf [{"id": "1", "title": "o"}]', rows=((1, "1", "o"),)),
    Case("array_named_jsonl", "a.jsonl", b'[{"id": "1", "title": "p"}]', rows=((1, "1", "p"),)),
    Case("one_object", "a.json", b'{"id": "1", "title": "q"}', rows=((1, "1", "q"),)),
    Case("one_object_indented", "a.json", b'\n{\n  "id": "1",\n  "title": "r"\n}\n', rows=((2, "1", "r"),)),
    Case("objects_one_after_the_other", "a.json", b'{"id": "1", "title": "a"}{"id": "2", "title": "s"}',
         rows=((1, "1", "a"), (1, "2", "s"))),
    Case("objects_indented_one_after_the_other", "a.json",
         b'{\n "id": "1", "title": "a"\n}\n{\n "id": "2",\n "title": "t"\n}\n{ "id": "3",\n "title": "u" }\n',
         rows=((1, "1", "a"), (4, "2", "t"), (8, "3", "u"))),
    Case("two_objects_in_a_line", "a.jsonl", b'{"id": "1", "title": "a"} {"id": "2", "title": "v"}\n{"id": "3"}\n',
         rows=((1, "1", "a"), (1, "2", "v"), (2, "3"))),
)  # fmt: skip


def _line(name: str, title: str, text: str | None) -> Case:
    """A value as it is written, and the text that it has to come as; a plain row below."""
    content = f'{{"id": "1", "title": {title}}}\n{{"id": "2", "title": "{name}"}}\n'
    return Case(f"value_{name}", f"{name}.jsonl", content.encode(), rows=((1, "1", text), (2, "2", name)))


VALUES = (
    *(
        _line(f"number_{number}", number, number)
        for number in ("1.10", "12345678901234567890", "123456789012345678", "1e400", "1E-7", "-0", "-0.0", "0.1",
                       "1.0", "20e1", "3.141592653589793238462643383279", "100000000000000000000000000000000000001")
    ),
    _line("true", "true", "true"),
    _line("false", "false", "false"),
    _line("null", "null", None),
    _line("nested_object", '{"a" : [1, {"b": null}] , "c" : "\\u00fc"}', '{"a":[1,{"b":null}],"c":"ü"}'),
    _line("nested_array", '[ 1 , "x" , true ]', '[1,"x",true]'),
    _line("nested_numbers", '{"n": [1.10, 12345678901234567890, 1e400]}', '{"n":[1.10,12345678901234567890,1e400]}'),
    _line("nested_empty", '{"a": {}, "b": []}', '{"a":{},"b":[]}'),
    _line("nested_deep", "[" * 200 + "]" * 200, "[" * 200 + "]" * 200),
    _line("escapes", '"\\" \\\\ \\/ \\b \\f \\n \\r \\t"', '" \\ / \b \f \n \r \t'),
    _line("escaped_letters", '"\\u0041\\u00e9\\u65e5"', "Aé日"),
    _line("escaped_pair", '"\\ud83d\\ude00"', "😀"),
    _line("escaped_nul", '"a\\u0000b"', "a\x00b"),
    _line("text_of_json", '"{\\"a\\": 1}"', '{"a": 1}'),
    _line("text_with_brackets", '"}{][ ,:"', "}{][ ,:"),
    _line("blanks_around", '\t "x" ', "x"),
    _line("delete_character", '"\x7f"', "\x7f"),
)  # fmt: skip

KEYS = (
    Case("key_escaped", "a.jsonl", b'{"\\u0069d": "1", "t\\u0069tle": "w"}', rows=((1, "1", "w"),)),
    Case("keys_in_any_order", "a.jsonl", b'{"body": "x", "title": "y", "id": 1}', rows=((1, "1", "y", "x"),)),
    Case("keys_undeclared", "a.jsonl", b'{"id": 1, "title": "z", "_row": 7, "a.b": "c", "tags": ["d", 1.10]}',
         rows=((1, "1", "z", None, {"_row": "7", "a.b": "c", "tags": '["d",1.10]'}),)),
    Case("keys_here_and_there", "a.jsonl", b'{"id": "1"}\n{"title": "ab"}\n{}\n',
         rows=((1, "1"), (2, None, "ab"), (3,))),
    Case("key_in_another_case", "a.jsonl", b'{"id": "1", "title": "ac", "ID": "2", "Title": "ad"}',
         rows=((1, "1", "ac", None, {"ID": "2", "Title": "ad"}),)),
)  # fmt: skip


def _aside(name: str, record: str, fault: str = ANY) -> Case:
    """A record that is none between two good ones."""
    good = '{"id": "1", "title": "a"}', f'{{"id": "3", "title": "{name}"}}'
    lines = "\n".join((good[0], record, good[1])).encode()
    rows = ((1, "1", "a"), (3, "3", name))
    return Case(f"aside_{name}", f"{name}.jsonl", lines, rows=rows, aside=((2, record, fault),))


ASIDE = (
    _aside("key_twice", '{"id": "2", "title": "x", "title": "y"}', "twice"),
    _aside("undeclared_key_twice", '{"id": "2", "title": "x", "more": 1, "more": 1}', "twice"),
    _aside("lone_high_surrogate", '{"id": "2", "title": "\\ud800"}'),
    _aside("lone_low_surrogate", '{"id": "2", "title": "\\udc00x"}'),
    _aside("surrogates_in_wrong_order", '{"id": "2", "title": "\\ude00\\ud83d"}'),
    _aside("nan", '{"id": "2", "title": NaN}'),
    _aside("infinity", '{"id": "2", "title": Infinity}'),
    _aside("minus_infinity", '{"id": "2", "title": -Infinity}'),
    _aside("comma_at_the_end", '{"id": "2", "title": "x",}'),
    _aside("comma_at_the_end_of_a_list", '{"id": "2", "title": [1,]}'),
    _aside("two_commas", '{"id": "2",, "title": "x"}'),
    _aside("line_comment", '{"id": "2", "title": "x"} // why'),
    _aside("block_comment", '{"id": "2", /* why */ "title": "x"}'),
    _aside("apostrophes", "{'id': '2', 'title': 'x'}"),
    _aside("bare_keys", '{id: "2", title: "x"}'),
    _aside("bare_value", '{"id": "2", "title": x}'),
    _aside("python_words", '{"id": "2", "title": None}'),
    _aside("leading_nought", '{"id": 02, "title": "x"}'),
    _aside("plus_sign", '{"id": +2, "title": "x"}'),
    _aside("bare_point", '{"id": 2., "title": "x"}'),
    _aside("point_first", '{"id": .2, "title": "x"}'),
    _aside("hexadecimal", '{"id": 0x2, "title": "x"}'),
    _aside("cut_exponent", '{"id": 2e, "title": "x"}'),
    _aside("colon_missing", '{"id" "2", "title": "x"}'),
    _aside("unknown_escape", '{"id": "2", "title": "\\x41"}'),
    _aside("cut_escape", '{"id": "2", "title": "\\u00g0"}'),
    _aside("raw_tab", '{"id": "2", "title": "a\tb"}'),
    _aside("raw_control_character", '{"id": "2", "title": "a\x01b"}'),
    _aside("cut_off", '{"id": "2", "tit'),
    _aside("plain_text", "plain text"),
    _aside("scalar_number", "5"),
    _aside("scalar_text", '"text"'),
    _aside("scalar_null", "null"),
    _aside("nested_list", '[{"id": "2", "title": "x"}]'),
)  # fmt: skip

ARRAYS = (
    Case("array_of_more_than_objects", "a.json", b'[{"id": "1", "title": "a"},\n5,\nnull,\n[1],\n"x",\n{"id": "2"}]',
         rows=((1, "1", "a"), (6, "2")),
         aside=((2, "5", ANY), (3, "null", ANY), (4, "[1]", ANY), (5, '"x"', ANY))),
    Case("array_with_a_key_twice", "a.json", b'[{"id": "1", "title": "ae"},\n{"id": "2", "id": "3"}]',
         rows=((1, "1", "ae"),), aside=((2, '{"id": "2", "id": "3"}', "twice"),)),
    Case("array_cut_in_an_element", "a.json",
         b'[{"id": "1", "title": "a"},\n{"id": "2", "title": "b"},\n{"id": "3", "ti',
         rows=((1, "1", "a"), (2, "2", "b")), aside=((3, '{"id": "3", "ti', ANY),)),
    Case("array_cut_in_a_text", "a.json", b'[\n  {"id": "1", "title": "af"},\n  {"id": "2", "title": "b',
         rows=((2, "1", "af"),), aside=((3, '{"id": "2", "title": "b', ANY),)),
)  # fmt: skip

CASES = (*LAYOUTS, *VALUES, *KEYS, *ASIDE, *ARRAYS)
