"""Files that are no tables, or too little of one, or hold a record that nobody can mean."""

from __future__ import annotations

import io
import random
import zipfile

from nasty.case import Case, csv


def _office(folder: str) -> bytes:
    """What spreadsheets and letters are: a zip of XML."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr(f"{folder}/main.xml", "<x/>")
    return sink.getvalue()


NOISE = random.Random("noise").randbytes(5000)
BINARY = {
    "spreadsheet.xlsx": _office("xl"),
    "spreadsheet_named.csv": _office("xl/worksheets"),
    "letter.docx": _office("word"),
    "old_spreadsheet.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "paper.pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n",
    "paper.csv": b"%PDF-1.4\nid,title\n1,a\n",
    "picture.png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + NOISE[:300],
    "picture.csv": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + NOISE[300:600],
    "picture.gif": b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + NOISE[600:700],
    "noise.csv": NOISE,
    "noise": NOISE[1000:3000],
    "noughts.csv": bytes(4096),
    "program.csv": b"\x7fELF\x02\x01\x01" + bytes(9) + NOISE[3000:4000],
    "database.csv": b"SQLite format 3\x00" + NOISE[2000:2500],
    "packed.7z": b"7z\xbc\xaf\x27\x1c\x00\x04" + NOISE[2500:2800],
    "packed.csv.xz": b"\xfd7zXZ\x00\x00\x04" + NOISE[2800:3000],
}
FORMAT = tuple(
    Case(f"no_table_{name}", name, content, refused=("format|rows" if name.startswith("noughts") else "format", r"\S"))
    for name, content in BINARY.items()
)  # fmt: skip

LITTLE = (
    Case("nothing", "a.csv", b"", refused=("size", "0")),
    Case("header_alone", "a.csv", b"id,title\n", refused=("rows", "0|no ")),
    Case("header_alone_unended", "a.csv", b"id,title", refused=("rows", "0|no ")),
    Case("header_and_blank_lines", "a.csv", b"id,title\n\n  \n\r\n", refused=("rows", "0|no ")),
    Case("blank_lines_alone", "a.csv", b"\n\n  \n", refused=("rows|columns", "")),
    Case("mark_alone", "a.csv", b"\xef\xbb\xbf", refused=("rows|size", "")),
    Case("empty_array", "a.json", b"[]", refused=("rows", "0|no ")),
    Case("empty_array_spread", "a.json", b" [\n\n ]\n", refused=("rows", "0|no ")),
    Case("other_header_alone", "a.csv", b"x,y\n", refused=("rows", "0|no ")),
    Case("page", "a.html", b"<!DOCTYPE html>\n<html><body>Not found</body></html>\n", refused=("columns", "")),
    Case("prose", "a.txt", b"Dear all,\nplease find the file attached.\n", refused=("columns", "")),
    Case("objects_lack_one", "a.jsonl", b'{"id": 1, "name": "a"}\n{"id": 2}\n', refused=("columns", "name")),
    Case("array_lacks_one", "a.json", b'[{"id": 1}, {"id": 2, "name": "b"}]', refused=("columns", "name")),
    Case("columns_lack_two", "a.csv", b"x,y\n1,a\n", refused=("columns", "x")),
)  # fmt: skip

LIMITS = {"min_bytes": 30, "min_rows": 3, "max_record_bytes": 65_536}
BIG = "x" * 70_000
SIZES = (
    Case("too_few_bytes", "a.csv", csv("1,a", "2,b", "3,c"), refused=("size", "21"), settings=LIMITS),
    Case("too_few_rows", "a.csv", csv("1,long enough", "2,for bytes"), refused=("rows", "2"), settings=LIMITS),
    Case("enough", "a.csv", csv("1,long enough", "2,b", "3,c"), settings=LIMITS,
         rows=((2, "1", "long enough"), (3, "2", "b"), (4, "3", "c"))),
    Case("newlines_are_no_rows", "a.csv", csv('1,"long\n\nenough"', "2,b"), refused=("rows", "2"), settings=LIMITS),
    Case("too_long_quoted", "a.csv", csv("1,a", '2,"b\nc"', f'3,"{BIG}"', "4,d"), settings=LIMITS,
         refused=("size", r"\d", 5)),
    Case("too_long_line", "a.csv", csv("1,a", f"2,{BIG}", "3,c"), settings=LIMITS, refused=("size", r"\d", 3)),
    Case("too_long_last_line", "a.csv", csv("1,a", "2,b")[:-1] + BIG.encode(), settings=LIMITS,
         refused=("size", r"\d", 3)),
    Case("too_long_object", "a.jsonl", f'{{"id": 1}}\n{{"id": 2, "title": "{BIG}"}}\n{{"id": 3}}\n'.encode(),
         settings=LIMITS, refused=("size", r"\d", 2)),
    Case("too_long_in_an_array", "a.json", f'[{{"id": 1, "title": "a"}},\n{{"id": 2, "title": "{BIG}"}}]'.encode(),
         settings=LIMITS, refused=("size", r"\d", 2)),
    Case("long_in_sum", "a.csv", csv("1," + BIG[:40_000], "2," + BIG[:40_000], "3,c"), settings=LIMITS,
         rows=((2, "1", BIG[:40_000]), (3, "2", BIG[:40_000]), (4, "3", "c"))),
)  # fmt: skip

CASES = (*FORMAT, *LITTLE, *SIZES)
