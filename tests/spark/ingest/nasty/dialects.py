"""Delimiters, quotes, escapes and headers that are found, or set."""

from __future__ import annotations

from nasty.case import Case, counts


def _found(name: str, delimiter: str, ending: str = "csv") -> Case:
    """The same small table with another delimiter, of which the cells hold other ones."""
    lines = ["id", "title"], ["1", f'"{name}{delimiter}, ; | ""x"""'], ["2", "3.5"]
    content = "".join(delimiter.join(line) + "\n" for line in lines).encode()
    return Case(
        f"delimiter_{name}", f"{name}.{ending}", content,
        rows=((2, "1", f'{name}{delimiter}, ; | "x"'), (3, "2", "3.5")), told={"dialect": delimiter},
    )  # fmt: skip


DELIMITERS = (
    _found("comma", ","),
    _found("semicolon", ";"),
    _found("tab", "\t"),
    _found("tab_in_tsv", "\t", "tsv"),
    _found("tab_in_txt", "\t", "txt"),
    _found("pipe", "|"),
    _found("caret", "^"),
    _found("tilde", "~"),
    _found("colon", ":"),
    _found("control_a", "\x01"),
    Case("comma_in_tsv", "a.tsv", b"id,title\n1,comma in tsv\n", rows=((2, "1", "comma in tsv"),)),
    Case("semicolons_and_decimal_commas", "a.csv", b"id;title\n1;3,5\n2;1.000,25\n",
         rows=((2, "1", "3,5"), (3, "2", "1.000,25"))),
    Case("more_commas_than_delimiters", "a.csv", b"id;title;a,b,c,d\n1;x;y,z\n",
         rows=((2, "1", "x", None, {"a,b,c,d": "y,z"}),)),
    Case("commas_quoted_in_the_header", "a.csv", b'id;"a,b,c,d";title\n1;x;y\n',
         rows=((2, "1", "y", None, {"a,b,c,d": "x"}),)),
)  # fmt: skip

SET = {"delimiter": "|", "quote": "'", "escape": "\\"}
DIALECT_SET = tuple(
    Case(f"set_{name}", f"{name}.txt", content, rows=rows, aside=aside, settings=SET)
    for name, content, rows, aside in (
        ("quote", b"id|title\n1|'a|b'\n2|\"c\"\n", ((2, "1", "a|b"), (3, "2", '"c"')), ()),
        ("escaped_quote", b"id|title\n1|'it\\'s'\n2|it\\'s\n", ((2, "1", "it's"), (3, "2", "it's")), ()),
        ("escaped_escape", b"id|title\n1|'a\\\\'\n2|b\\\\c\n", ((2, "1", "a\\"), (3, "2", "b\\c")), ()),
        ("escaped_delimiter", b"id|title\n1|a\\|b\n2|'c\\|d'\n", ((2, "1", "a|b"), (3, "2", "c|d")), ()),
        ("escaped_newline", b"id|title\n1|a\\\nb\n2|c\n", ((2, "1", "a\nb"), (4, "2", "c")), ()),
        ("other_backslashes", b"id|title\n1|C:\\new\\table\n2|'\\d+'\n", ((2, "1", "C:\\new\\table"), (3, "2", "\\d+")),
         ()),
        ("quoted_newline", b"id|title\n1|'a\nb'\n2|c,d\n", ((2, "1", "a\nb"), (4, "2", "c,d")), ()),
        ("ragged", b"id|title\n1|a|b\n2|c\n", ((3, "2", "c"),), ((2, "1|a|b", counts(3, 2)),)),
    )
)  # fmt: skip

BACKSLASHES = (
    Case("backslash_found", "a.csv", b'id,title\n1,"say \\"hi\\", then go"\n2,"b"\n',
         rows=((2, "1", 'say "hi", then go'), (3, "2", "b"))),
    Case("backslash_found_twice", "a.csv", b'id,title\n1,"a \\"b\\""\n2,"c:\\\\d"\n3,"\\\\"\n',
         rows=((2, "1", 'a "b"'), (3, "2", "c:\\d"), (4, "3", "\\"))),
    Case("backslash_found_and_kept", "a.csv", b'id,title\n1,"\\"a\\" \\w+ \\n"\n2,"b, c"\n',
         rows=((2, "1", '"a" \\w+ \\n'), (3, "2", "b, c"))),
    Case("backslash_found_over_lines", "a.csv", b'id,title\n1,"a \\"\nb\\" c"\n2,d\n',
         rows=((2, "1", 'a "\nb" c'), (4, "2", "d"))),
    Case("doubled_beside_backslashes", "a.csv", b'id,title\n1,"C:\\dir\\"\n2,"say ""x"""\n',
         rows=((2, "1", "C:\\dir\\"), (3, "2", 'say "x"'))),
)  # fmt: skip

HEADERS = (
    Case("no_header", "a.csv", b"1,a,x\n2,b,y\n", rows=((1, "1", "a", "x"), (2, "2", "b", "y"))),
    Case("no_header_quoted", "a.csv", b'"1","a\nb","x"\n"2","c",""\n', rows=((1, "1", "a\nb", "x"), (3, "2", "c"))),
    Case("no_header_semicolon", "a.csv", b"1;a;x\n2;b;y\n", rows=((1, "1", "a", "x"), (2, "2", "b", "y"))),
    Case("no_header_ragged", "a.csv", b"1,a,x\n2,b\n3,c,z\n", rows=((1, "1", "a", "x"), (3, "3", "c", "z")),
         aside=((2, "2,b", counts(2, 3)),)),
    Case("no_header_and_other_width", "a.csv", b"1,a\n2,b\n", refused=("columns", "")),
    Case("header_of_other_names", "a.csv", b"number,name\n1,a\n", refused=("columns", "number")),
    Case("header_lacks_one", "a.csv", b"id,name\n1,b\n", refused=("columns", "name")),
    Case("header_quoted", "a.csv", b'"id","title"\n"1","q"\n', rows=((2, "1", "q"),)),
    Case("header_padded", "a.csv", b" id , title\n1,p\n", rows=((2, "1", "p"),)),
    Case("header_padded_and_exact", "a.csv", b"id,title, title\n1,exact,padded\n",
         rows=((2, "1", "exact", None, {"title#2": "padded"}),)),
    Case("header_in_other_order", "a.csv", b"body,title,id\nx,o,1\n", rows=((2, "1", "o", "x"),)),
    Case("header_over_lines", "a.csv", b'id,title,"mo\nre"\n1,h,x\n', rows=((3, "1", "h", None, {"mo\nre": "x"}),)),
    Case("header_twice_undeclared", "a.csv", b"id,title,more,more\n1,t,x,y\n",
         rows=((2, "1", "t", None, {"more": "x", "more#3": "y"}),)),
    Case("header_twice_declared", "a.csv", b"id,title,title\n1,first,second\n",
         rows=((2, "1", "first", None, {"title#2": "second"}),)),
    Case("header_empty_first", "a.csv", b",id,title\n0,1,e\n", rows=((2, "1", "e", None, {"column_1": "0"}),)),
    Case("header_empty_last", "a.csv", b"id,title,\n1,e,z\n", rows=((2, "1", "e", None, {"column_3": "z"}),)),
    Case("header_empty_twice", "a.csv", b"id,,title,\n1,w,e,z\n",
         rows=((2, "1", "e", None, {"column_2": "w", "column_4": "z"}),)),
    Case("header_odd_names", "a.csv", b"id,title,a.b,`c`,d e,_corrupt,_row,*\n1,o,1,2,3,4,5,6\n",
         rows=((2, "1", "o", None,
                {"a.b": "1", "`c`": "2", "d e": "3", "_corrupt": "4", "_row": "5", "*": "6"}),)),
    Case("header_unicode_names", "a.csv", "id,title,größe,名前,😀\n1,u,a,b,c\n".encode(),
         rows=((2, "1", "u", None, {"größe": "a", "名前": "b", "😀": "c"}),)),
    Case("header_like_json", "a.csv", b"[x],id,title\n0,1,j\n", rows=((2, "1", "j", None, {"[x]": "0"}),)),
    Case("header_of_many", "a.csv",
         ("id,title," + ",".join(f"c{n}" for n in range(300)) + "\n1,m" + ",v" * 300 + "\n").encode(),
         rows=((2, "1", "m", None, {f"c{n}": "v" for n in range(300)}),)),
    Case("header_false", "a.csv", b"id,title,body\n1,a,b\n", settings={"header": False},
         rows=((1, "id", "title", "body"), (2, "1", "a", "b"))),
    Case("header_false_and_other_width", "a.csv", b"id,title\n1,a\n", settings={"header": False},
         refused=("columns", "")),
)  # fmt: skip

RAGGED = (
    Case("too_few", "a.csv", b"id,title\n1\n2,b\n", rows=((3, "2", "b"),), aside=((2, "1", counts(1, 2)),)),
    Case("too_many", "a.csv", b"id,title\n1,a,b,c\n2,c\n", rows=((3, "2", "c"),),
         aside=((2, "1,a,b,c", counts(4, 2)),)),
    Case("delimiter_at_the_end", "a.csv", b"id,title\n1,a,\n2,d\n", rows=((3, "2", "d"),),
         aside=((2, "1,a,", counts(3, 2)),)),
    Case("too_many_quoted", "a.csv", b'id,title\n1,"a\r\nb",c\n2,e\n', rows=((4, "2", "e"),),
         aside=((2, '1,"a\r\nb",c', counts(3, 2)),)),
    Case("too_few_crlf", "a.csv", b"id,title,body\r\n1,a\r\n2,b,x\r\n3\r\n", rows=((3, "2", "b", "x"),),
         aside=((2, "1,a", counts(2, 3)), (4, "3", counts(1, 3)))),
    Case("too_few_at_the_end", "a.csv", b"id,title,body\n1,a,f\n2,b", rows=((2, "1", "a", "f"),),
         aside=((3, "2,b", counts(2, 3)),)),
    Case("comma_unquoted", "a.csv", b"id,title\n1,Hello, world\n2,g\n", rows=((3, "2", "g"),),
         aside=((2, "1,Hello, world", counts(3, 2)),)),
    Case("quoted_comma_after_a_blank", "a.csv", b'id,title\n1, "a,b"\n2,h\n', rows=((3, "2", "h"),),
         aside=((2, '1, "a,b"', counts(3, 2)),)),
    Case("total_below", "a.csv", b"id,title,body\n1,a,x\n2,b,y\nTotal: 2 rows\n",
         rows=((2, "1", "a", "x"), (3, "2", "b", "y")), aside=((4, "Total: 2 rows", counts(1, 3)),)),
)  # fmt: skip

CASES = (*DELIMITERS, *DIALECT_SET, *BACKSLASHES, *HEADERS, *RAGGED)
