"""Files above `max_bytes`, worked on in several chunks: the rows, their places and their lines are those of one."""

from __future__ import annotations

import bz2
import gzip
import json

import pyarrow as pa
from nasty.case import Case
from nasty.columnar import in_parquet

SMALL = {"max_bytes": 4096}
COUNT = 400


def _title(number: int) -> str:
    """Some of them over lines, some with quotes, some long."""
    if number % 7 == 0:
        return f"line {number}\nid,title\r\n{number},x\n"
    return f'say "{number}", ' + "ü" * (number % 50)


def _delimited(name: str, encoding: str = "utf-8", end: str = "\n") -> tuple[bytes, tuple[tuple[int, str, str], ...]]:
    lines, rows, line = ["id,title"], [], 2
    for number in range(COUNT):
        title = f"{name} {_title(number)}"
        lines.append('{},"{}"'.format(number, title.replace('"', '""')))
        rows.append((line, str(number), title))
        line += 1 + title.count("\n")
    return "".join(line + end for line in lines).encode(encoding), tuple(rows)


def _csv(name: str, filename: str, encoding: str = "utf-8", end: str = "\n", pack: object = bytes) -> Case:
    assert callable(pack)
    content, rows = _delimited(name, encoding, end)
    return Case(f"chunks_{name}", filename, pack(content), rows=rows, settings=SMALL, told={"chunks": range(2, 100)})


OBJECTS = [{"id": str(n), "title": _title(n)} for n in range(COUNT)]
LINES = "".join(json.dumps(row) + "\n" for row in OBJECTS).encode()
MIXED = [f"{n},{'a,b' if n % 50 == 0 else 'a'}" for n in range(3000)]

CASES = (
    _csv("lf", "a.csv"),
    _csv("crlf", "a.csv", end="\r\n"),
    _csv("gz", "a.csv.gz", pack=gzip.compress),
    _csv("bz2", "a.csv.bz2", pack=bz2.compress),
    _csv("utf_16", "a.csv", "utf-16"),
    _csv("utf_32_unmarked", "a.csv", "utf-32-le"),
    Case("chunks_ragged", "a.csv", ("id,title\n" + "".join(line + "\n" for line in MIXED)).encode(), settings=SMALL,
         rows=tuple((n + 2, str(n), "a") for n in range(3000) if n % 50),
         aside=tuple((n + 2, MIXED[n], r"\S") for n in range(0, 3000, 50)), told={"chunks": range(2, 100)}),
    Case("chunks_without_header", "a.csv", "".join(f"{n},title {n},b\n" for n in range(1000)).encode(), settings=SMALL,
         rows=tuple((n + 1, str(n), f"title {n}", "b") for n in range(1000)), told={"chunks": range(2, 100)}),
    Case("chunks_lines", "a.jsonl", LINES, settings=SMALL, told={"chunks": range(2, 100)},
         rows=tuple((n + 1, row["id"], row["title"]) for n, row in enumerate(OBJECTS))),
    Case("chunks_array", "a.json", json.dumps(OBJECTS).encode(), settings=SMALL,
         rows=tuple((1, row["id"], row["title"]) for row in OBJECTS)),
    Case("chunks_indented", "a.json", json.dumps(OBJECTS, indent=1).encode(), settings=SMALL,
         rows=tuple((n * 4 + 2, row["id"], row["title"]) for n, row in enumerate(OBJECTS))),
    Case("chunksin_parquet", "a.parquet", settings=SMALL,
         content=in_parquet(pa.Table.from_pylist(OBJECTS), row_group_size=50, compression="none"),
         rows=tuple((None, row["id"], row["title"]) for row in OBJECTS)),
    Case("chunks_record_longer_than_one", "a.csv", b"id,title\n1,a\n2," + b"x" * 20_000 + b"\n3,c\n", settings=SMALL,
         rows=((2, "1", "a"), (3, "2", "x" * 20_000), (4, "3", "c"))),
    Case("chunks_unclosed_quote", "a.csv", b'id,title\n1,"a\n' + b"".join(b"%d,b\n" % n for n in range(2000)),
         settings=SMALL, rows=tuple((n + 3, str(n), "b") for n in range(2000)), aside=((2, '1,"a', r"\S"),)),
    Case("chunks_refused", "a.csv.gz", gzip.compress(_delimited("cut")[0])[:-100], settings=SMALL,
         refused=("readable", "")),
)  # fmt: skip
