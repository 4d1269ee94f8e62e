"""JSON text: the layout of a file, its elements cut out by their brackets, and fields exactly as they are written."""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterable, Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse_nlp.ingest.encodings import mostly_utf8
from lakehouse_nlp.ingest.faults import Fault
from lakehouse_nlp.ingest.pool import batched
from lakehouse_nlp.ingest.records import OtherBytes, Records

NAMES = {".json", ".jsonl", ".ndjson"}
LIKE_JSON = re.compile(r"\s*(\{\s*(\"|\}|$)|\[\s*([\[{\]\"\d-]|$))")
STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
TOKEN = re.compile(STRING + r'|["{}\[\]]', re.DOTALL)
NEWLINE = re.compile(r"\r\n|\r|\n")
BETWEEN = re.compile(r"[\s,]*")
SCALAR = re.compile(r'(?:"[^"\\\r\n]*(?:\\[^\r\n][^"\\\r\n]*)*"|"[^\r\n]*|[^,\]\r\n{\["]+)+|.')  # in one line
AGAIN = re.compile(r"(?:\r\n|\r|\n)(?=\{)")
BLANK = re.compile(rf"({STRING})|\s+", re.DOTALL)
# Numbers that are not written as Java writes doubles, and halves of surrogate pairs: what Spark's parser would change.
CHANGED = (
    r"[:\[,]\s*(?:-?(?:\d{8,}\.|\d+\.\d{9,}|\d+\.\d+0\s*[,}\]]|0\.00|\d+(?:\.\d+)?[eE])|-0\s*[,}\]])"
    r"|\\u[dD][89a-fA-F]"
)
LOOKED_AT = 10  # lines
PEEKED = 1000  # objects

_exactly = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=lambda name: _no(f"{name} is no JSON"))


def layout(head: str, path: Path) -> str | None:
    """`jsonl` (an object a line), `json` (anything else: arrays, documents, objects in a row), or None for no JSON."""
    named = NAMES & {suffix.lower() for suffix in path.suffixes[-2:]}
    if not LIKE_JSON.match(head) and not (named and re.search(r"(?m)^\s*[{\[]", head)):
        return None
    lines = [line for line in NEWLINE.split(head) if line.strip()][:LOOKED_AT]
    return "jsonl" if _alone(lines) else "json"


def _alone(lines: list[str]) -> bool:
    """Whether lines are objects, each by itself; a broken one among them does not matter."""
    found = [_look(line) for line in lines]
    if "several" in found or not lines:
        return False
    whole = lines[0].strip()
    return found[0] == "one" or ("one" in found and not whole.startswith("[") and not whole.endswith(("{", "[", ",")))


def _look(line: str) -> str:
    try:
        return "one" if isinstance(json.loads(line), dict) else "none"
    except json.JSONDecodeError as error:
        return "several" if error.msg == "Extra data" and line[error.pos :].lstrip().startswith("{") else "none"
    except (ValueError, RecursionError):
        return "none"


def keys(texts: pa.StringArray) -> list[str]:
    """The names of the fields of the first objects, as they come."""
    found: dict[str, None] = {}
    for text in texts[:PEEKED].to_pylist():
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            continue  # a broken row is set aside; the file may be good
        found |= dict.fromkeys(value) if isinstance(value, dict) else {}
    return list(found)


def elements(blocks: Iterable[bytes], limit: int, mixed: bool) -> Iterator[Records]:
    """The elements of arrays, and the values beside them, each as a record. Raises Fault for one that is too long."""
    for batch in batched(Elements(iter(blocks), limit, mixed)):
        lines, texts, faults = zip(*batch, strict=True)
        yield Records.of(texts, lines, faults)


class Elements:
    """Iterates (line, text, fault) over the elements of a stream of UTF-8 blocks."""

    def __init__(self, blocks: Iterator[bytes], limit: int, mixed: bool) -> None:
        """`limit`: characters of the longest element; `mixed`: other bytes are escaped, in place of OtherBytes."""
        self.blocks, self.limit = blocks, limit
        self.text, self.place, self.line, self.inside = "", 0, 1, False
        utf8 = codecs.getincrementaldecoder("utf-8")("backslashreplace" if mixed else "strict")
        self._decoder = io.IncrementalNewlineDecoder(utf8, translate=False)  # leaves no CR LF in two blocks
        self._high = False  # whether characters beyond ASCII were seen, all of them UTF-8

    def __iter__(self) -> Iterator[tuple[int, str, str | None]]:
        while self._next_begins():
            mark = self.text[self.place]
            if (mark == "[" and not self.inside) or (mark == "]" and self.inside):
                self.inside = not self.inside
                self.place += 1
                continue
            stop, fault = self._end() if mark in "{[" else self._scalar_end()
            self._fits(stop - self.place)
            yield self.line, self.text[self.place : stop].strip(), fault
            self._move(stop)

    def _next_begins(self) -> bool:
        """Goes to the next element; False at the end of the text."""
        while True:
            gap = BETWEEN.match(self.text, self.place)
            self._move(gap.end() if gap else self.place)
            if self.place < len(self.text):
                return True
            if not self._more():
                return False

    def _end(self) -> tuple[int, str | None]:
        """Where the brackets are closed that open here."""
        while True:
            depth = 0
            for token in TOKEN.finditer(self.text, self.place):
                depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
                if depth == 0 or token[0] == '"':
                    break
            else:
                token = None
            if token and depth == 0:
                return token.end(), None
            if not self._more():
                again = AGAIN.search(self.text, self.place)
                return again.end() if again else len(self.text), "a bracket or a quote that opens here is never closed"

    def _scalar_end(self) -> tuple[int, str | None]:
        while True:
            found = SCALAR.match(self.text, self.place)
            stop = found.end() if found else len(self.text)
            if stop < len(self.text) or not self._more():
                return stop, None

    def _more(self) -> bool:
        """Reads another block; False at the end. Raises Fault if the element that is being read is too long."""
        self._fits(len(self.text) - self.place)
        block = next(self.blocks, b"")
        try:
            text = self._decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            line = self.line + len(NEWLINE.findall(self.text, self.place))
            raise OtherBytes(error.object, self._high or mostly_utf8(error.object), line) from None
        self._high = self._high or not text.isascii()
        self.text, self.place = self.text[self.place :] + text, 0
        return bool(block or text)

    def _fits(self, size: int) -> None:
        if size > self.limit:
            found = f"a bracket that is never closed, or an element of more than {self.limit:,} characters"
            raise Fault("size", found, f"at most {self.limit:,}", self.line)

    def _move(self, stop: int) -> None:
        self.line += len(NEWLINE.findall(self.text, self.place, stop))
        self.place = stop


def exactly(records: Records) -> Records:
    """The records, with each value as a string in those objects that Spark would change, or that are none.

    Spark's parser makes numbers first, and reads 1.10 as 1.1 and 12345678.5 as 1.23456785E7.
    """
    whole = pc.and_(
        pc.match_substring_regex(records.text, r"^\s*\{"), pc.ends_with(pc.ascii_rtrim(records.text, " \t\r\n"), "}")
    )
    odd = pc.or_(pc.invert(whole), pc.match_substring_regex(records.text, CHANGED))
    places = [place for place in np.flatnonzero(odd).tolist() if place not in records.faults]
    if not places:
        return records
    texts = records.text.to_pylist()
    for place in places:
        texts[place], fault = exact(texts[place])
        if fault:
            records.faults[place] = fault
    return Records(pa.array(texts, pa.string()), records.lines, records.faults)


def exact(text: str) -> tuple[str, str | None]:
    """An object with every value as a string, as it is written (RFC 8259); else the text, and why it is none."""
    try:
        return json.dumps(fields(text), ensure_ascii=False), None
    except RecursionError:
        return text, "nested too deeply"
    except UnicodeEncodeError:
        return text, "half of a surrogate pair"
    except ValueError as error:
        return text, str(error)


def fields(text: str) -> dict[str, str | None]:
    """The fields of one object. Raises ValueError, RecursionError, UnicodeEncodeError for what is none."""
    place = _skip(text, 0)
    if text[place : place + 1] != "{":
        raise ValueError("no JSON object")
    found: dict[str, str | None] = {}
    place = _skip(text, place + 1)
    while text[place : place + 1] != "}":
        if found:
            place = _skip(text, _expect(text, place, ","))
        name, place = scanstring(text, _expect(text, place, '"'))
        if name in found:
            raise ValueError(f"the field {name!r} comes twice")
        place = _skip(text, _expect(text, _skip(text, place), ":"))
        found[name], place = _value(text, place)
        (name + (found[name] or "")).encode()  # raises for half of a surrogate pair
        place = _skip(text, place)
    if rest := text[place + 1 :].strip():
        raise ValueError(f"more than one value: {rest[:40]!r} follows")
    return found


def _value(text: str, place: int) -> tuple[str | None, int]:
    if text[place : place + 1] == '"':
        string, stop = scanstring(text, place + 1)
        return string, stop
    _, stop = _exactly.raw_decode(text, place)
    written = text[place:stop]
    if written[0] in "{[":
        return BLANK.sub(lambda found: found[1] or "", written), stop
    return (None if written == "null" else written), stop


def _expect(text: str, place: int, mark: str) -> int:
    if text[place : place + 1] != mark:
        raise ValueError(f"{mark!r} is wanted at character {place + 1}, found {text[place : place + 10]!r}")
    return place + 1


def _skip(text: str, place: int) -> int:
    while text[place : place + 1] in (" ", "\t", "\n", "\r"):
        place += 1
    return place


def _no(why: str) -> Any:
    raise ValueError(why)
