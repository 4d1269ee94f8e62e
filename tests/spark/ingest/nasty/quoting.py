"""Quotes, newlines and blanks in delimited text: RFC 4180's rules, and what spreadsheets and people make of them."""

from __future__ import annotations

from nasty.case import Case, csv

ANY = r"\S"  # some reason is given


def _one(name: str, cell: str, title: str | None) -> Case:
    """A row with this cell, between two plain ones that have to stay as they are."""
    below = 4 + cell.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    rows = ((2, "1", "before"), (3, "2", title), (below, "3", name))
    return Case(name, f"{name}.csv", csv("1,before", f"2,{cell}", f"3,{name}"), rows=rows)


CELLS = (
    _one("quoted_comma", '"a,b"', "a,b"),
    _one("quoted_plain", '"a"', "a"),
    _one("doubled_inside", '"say ""hi"" twice"', 'say "hi" twice'),
    _one("doubled_at_start", '"""hi"" he said"', '"hi" he said'),
    _one("doubled_at_end", '"he said ""hi"""', 'he said "hi"'),
    _one("doubled_alone", '""""', '"'),
    _one("doubled_twice", '""""""', '""'),
    _one("doubled_beside_commas", '",""a"",b,"', ',"a",b,'),
    _one("quoted_json", '"{""kind"": ""Point"", ""at"": [1, 2.5]}"', '{"kind": "Point", "at": [1, 2.5]}'),
    _one("quoted_line_feed", '"a\nb"', "a\nb"),
    _one("quoted_crlf", '"a\r\nb"', "a\r\nb"),
    _one("quoted_carriage_return", '"a\rb"', "a\rb"),
    _one("quoted_all_line_ends", '"a\n\r\n\rb"', "a\n\r\n\rb"),
    _one("quoted_blank_lines", '"a\n\n\n b"', "a\n\n\n b"),
    _one("quoted_line_feed_only", '"\n"', "\n"),
    _one("quoted_lines_like_rows", '"a\n7,b\nid,title\n"', "a\n7,b\nid,title\n"),
    _one("quoted_blanks_only", '"   "', "   "),
    _one("quoted_empty", '""', None),
    _one("empty", "", None),
    _one("blanks_only", "   ", "   "),
    _one("blanks_around", "  a b  ", "  a b  "),
    _one("quoted_blanks_around", '"  a b  "', "  a b  "),
    _one("tabs_around", "\ta\t", "\ta\t"),
    _one("inches", '5" disk', '5" disk'),
    _one("quoted_word_inside", 'a "quoted" word', 'a "quoted" word'),
    _one("quote_at_the_end", 'a"', 'a"'),
    _one("doubled_in_an_unquoted_field", 'a""b', 'a""b'),
    _one("quotes_after_a_blank", ' "a"', ' "a"'),
    _one("apostrophes", "'it''s'", "'it''s'"),
    _one("backslash_at_the_end", '"C:\\"', "C:\\"),
    _one("backslashes", "\\n \\t \\N \\\\ \\", "\\n \\t \\N \\\\ \\"),
    _one("quoted_backslashes", '"\\n \\\\ \\d"', "\\n \\\\ \\d"),
    _one("hash", "# no comment", "# no comment"),
)

LINES = (
    Case("no_newline_at_the_end", "a.csv", b"id,title\n1,no newline", rows=((2, "1", "no newline"),)),
    Case("quoted_and_no_newline_at_the_end", "a.csv", b'id,title\n1,"last\none"', rows=((2, "1", "last\none"),)),
    Case("empty_cell_and_no_newline_at_the_end", "a.csv", b"id,title\n1,", rows=((2, "1", None),)),
    Case("crlf", "a.csv", csv("1,c", "2,d", end="\r\n"), rows=((2, "1", "c"), (3, "2", "d"))),
    Case("lone_cr", "a.csv", csv("1,e", '2,"f"', end="\r"), rows=((2, "1", "e"), (3, "2", "f"))),
    Case(
        "line_ends_mixed", "a.csv", b'id,title\r\n1,a\n2,b\r3,"c\r\nd\re"\n4,f\r\n',
        rows=((2, "1", "a"), (3, "2", "b"), (4, "3", "c\r\nd\re"), (7, "4", "f")),
    ),
    Case("blank_lines", "a.csv", b"id,title\n\n\n1,a\n\r\n2,b\n\n\n", rows=((4, "1", "a"), (6, "2", "b"))),
    Case("lines_of_blanks", "a.csv", b"id,title\n   \n1,a\n \t \n2,b\n  ", rows=((3, "1", "a"), (5, "2", "b"))),
    Case("blank_lines_above_the_header", "a.csv", b"\n\r\nid,title\n1,above\n", rows=((4, "1", "above"),)),
    Case("empty_cells_only", "a.csv", b'id,title\n,\n"",""\n1,a\n', rows=((2,), (3,), (4, "1", "a"))),
    Case("first_cell_quoted_over_lines", "a.csv", b'id,title\n"1\n1",a\n2,b\n', rows=((2, "1\n1", "a"), (4, "2", "b"))),
    Case(
        "separators_that_end_no_line", "a.csv", csv("1,a\x0bb\x0cc", "2,a\x1cb\x1dc\x1ed", "3,a\x85b\u2028c\u2029d"),
        rows=((2, "1", "a\x0bb\x0cc"), (3, "2", "a\x1cb\x1dc\x1ed"), (4, "3", "a\x85b\u2028c\u2029d")),
    ),
    Case("nul", "a.csv", b'id,title\n1,a\x00b\n2,"\x00"\n3,\x00\x00c\n',
         rows=((2, "1", "a\x00b"), (3, "2", "\x00"), (4, "3", "\x00\x00c"))),
    Case("megabyte_cell", "a.csv", csv("1," + "x" * 1_000_000, '2,"' + "y\n" * 1000 + '"', "3,z"),
         rows=((2, "1", "x" * 1_000_000), (3, "2", "y\n" * 1000), (1004, "3", "z"))),
)  # fmt: skip

UNCLOSED = (
    Case("unclosed_quote", "a.csv", b'id,title\n1,"a\n2,b\n', rows=((3, "2", "b"),), aside=((2, '1,"a', ANY),)),
    Case("unclosed_quote_last", "a.csv", b'id,title\n1,a\n2,"b', rows=((2, "1", "a"),), aside=((3, '2,"b', ANY),)),
    Case("unclosed_quote_crlf", "a.csv", b'id,title\r\n1,"a\r\n2,bb\r\n', rows=((3, "2", "bb"),),
         aside=((2, '1,"a', ANY),)),
    Case("unclosed_quote_of_two", "a.csv", b'id,title\n1,"a ""b\n2,c\n3,d\n', rows=((3, "2", "c"), (4, "3", "d")),
         aside=((2, '1,"a ""b', ANY),)),
    Case("unclosed_quote_after_good_ones", "a.csv", b'id,title\n1,"a\nb"\n2,"c\n3,d\n4,e\n',
         rows=((2, "1", "a\nb"), (5, "3", "d"), (6, "4", "e")), aside=((4, '2,"c', ANY),)),
    Case("unclosed_quote_and_ragged_rows", "a.csv", b'id,title\n1,"a\n2\n3,c\n', rows=((4, "3", "c"),),
         aside=((2, '1,"a', ANY), (3, "2", ANY))),
)  # fmt: skip

ONE_COLUMN = tuple(
    Case(f"one_column_{name}", f"{name}.csv", content, rows=rows, columns=("title",))
    for name, content, rows in (
        ("plain", b"title\na\nb\n", ((2, "a"), (3, "b"))),
        ("blank_lines", b"title\n\na\n\nc\n", ((3, "a"), (5, "c"))),
        ("quoted_empty", b'title\na\n""\nd\n', ((2, "a"), (3, None), (4, "d"))),
        ("lines_of_blanks", b"title\n  \na \n", ((2, "  "), (3, "a "))),
        ("quoted_commas", b'title\n"a,b"\n"c\nd"\n', ((2, "a,b"), (3, "c\nd"))),
    )
)

CASES = (*CELLS, *LINES, *UNCLOSED, *ONE_COLUMN)
