"""Text cut into records: where each begins, in which line, and what stands against it.

Newlines and quotes are found by numpy over whole blocks: a newline after an odd number of quotes is inside a field, and
so no record is ever cut within one. That holds for text whose quotes stand only where RFC 4180 puts them; what differs
is `Unruly`, and read by `csv_text.py`, which takes its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse_nlp.ingest.dialect import Dialect
from lakehouse_nlp.ingest.encodings import mostly_utf8
from lakehouse_nlp.ingest.faults import Fault
from lakehouse_nlp.ingest.pool import ordered

LF, CR, BLANKS = 10, 13, b" \t"
Places = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


class Unruly(Exception):
    """Quotes stand where RFC 4180 has none: only reading the text from its beginning tells what they mean.

    So does text with a NUL, which Spark's parser takes for the end of a quoted field.
    """

    def __init__(self, text: bytes, dialect: Dialect) -> None:
        super().__init__(f"quotes that {dialect} does not explain")
        self.text, self.dialect = text, dialect


class OtherBytes(Exception):
    """A block is no UTF-8; `mixed` if it is, but for some of its records. `line`: of the first such byte."""

    def __init__(self, block: bytes, mixed: bool, line: int) -> None:
        """`line`: where the block begins."""
        super().__init__(f"mixed={mixed}")
        self.block, self.mixed = block, mixed
        try:
            block.decode("utf-8")
        except UnicodeDecodeError as error:
            line += line_ends(block[: error.start])
        self.line = line


@dataclass
class Records:
    """Records of a block: their text (with the line end, if they have one), the line that each begins in, from 1.

    `faults`: place among the records -> why it cannot be read. `cells`: the fields, a column each, where they are
    split: then a record with a fault has its text and no fields, and one without has fields, and may have no text.
    """

    text: pa.StringArray
    lines: Places
    faults: dict[int, str] = field(default_factory=dict)
    cells: pa.Table | None = None

    @classmethod
    def of(
        cls,
        texts: Sequence[str | None],
        lines: Sequence[int],
        faults: Sequence[str | None] = (),
        cells: pa.Table | None = None,
    ) -> Records:
        """Records of texts, and of what is known of each: its line (-1: none) and what stands against it (None)."""
        found = {place: fault for place, fault in enumerate(faults) if fault}
        return cls(pa.array(texts, pa.string()), np.array(lines, np.int64), found, cells)

    def part(self, start: int, stop: int) -> Records:
        """The records from one place to another."""
        faults = {place - start: why for place, why in self.faults.items() if start <= place < stop}
        cells = None if self.cells is None else self.cells.slice(start, stop - start)
        return Records(self.text[start:stop], self.lines[start:stop], faults, cells)

    @property
    def size(self) -> int:
        """Bytes of texts and fields."""
        return int(self.text.nbytes + (self.cells.nbytes if self.cells is not None else 0))

    def after_first(self) -> Records:
        """All records but the first, a header."""
        return self.part(1, len(self.text))


@dataclass
class Splitter:
    """Cuts blocks of UTF-8 into records: lines, or rows of a dialect whose quoted fields may hold newlines.

    `limit`: bytes of the longest record; `mixed`: records of other bytes are set aside, in place of OtherBytes;
    `blanks`: blank lines are records too.
    """

    limit: int
    dialect: Dialect | None = None
    mixed: bool = False
    blanks: bool = False
    high: bool = False  # whether characters beyond ASCII were seen, all of them UTF-8

    def split(self, blocks: Iterable[bytes], pool: Executor) -> Iterator[Records]:
        """The records of the text, block by block. Raises Fault for one that is too long, Unruly, OtherBytes."""
        return ordered(pool, self._records, self._whole(blocks))

    def _whole(self, blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
        """The blocks, cut where a record ends, and the line that each begins in; what is over begins the next one."""
        line, tail = 1, b""
        for block in blocks:
            text = tail + block
            cut = self._cut(text)
            tail = text[cut:]
            if cut:
                whole = text[:cut]
                yield line, whole
                line += line_ends(whole)
            if len(tail) > self.limit:
                if self.dialect is not None:
                    array = np.frombuffer(tail, np.uint8)
                    _refuse_unruly(tail, array, _places(array, self.dialect.quote), self.dialect)
                raise self._too_long(line)
        if tail:
            yield line, tail if tail.endswith((b"\n", b"\r")) else tail + b"\n"

    def _too_long(self, line: int) -> Fault:
        what = "a quote that is never closed, or a record" if self.dialect else "a line"
        return Fault("size", f"{what} of more than {self.limit:,} bytes", f"at most {self.limit:,}", line)

    def _cut(self, text: bytes) -> int:
        """Where the last whole record ends: after the last line end that an even number of quotes precedes.

        A CR at the very end may be half of a line end.
        """
        quote = self.dialect.quote.encode() if self.dialect else b""
        for end in (b"\n", b"\r"):
            stop = len(text)
            odd = bool(quote) and text.count(quote) % 2 == 1
            while (place := text.rfind(end, 0, stop)) >= 0:
                odd ^= bool(quote) and text.count(quote, place, stop) % 2 == 1
                if not odd and (end == b"\n" or place < len(text) - 1):
                    return place + 1
                stop = place
        return 0

    def _records(self, block: tuple[int, bytes]) -> Records:
        line, text = block
        array = np.frombuffer(text, np.uint8)
        ends = stops = _ends(text, array)
        separators = np.arange(0)
        if self.dialect is not None:
            quotes = _places(array, self.dialect.quote)
            if len(quotes) % 2:
                raise Unruly(text, self.dialect)
            _refuse_unruly(text, array, quotes, self.dialect)
            stops = _outside(ends, quotes)
            separators = _outside(_places(array, self.dialect.delimiter), quotes)
        offsets = np.concatenate(([0], stops + 1))
        lines = line + np.searchsorted(ends, offsets[:-1])
        long = np.flatnonzero(np.diff(offsets) > self.limit)
        if len(long):
            raise self._too_long(int(lines[long[0]]))
        return self._checked(text, array, offsets, lines, self._ragged(separators, offsets))

    def _ragged(self, separators: Places, offsets: Places) -> dict[int, str]:
        """Records that have not as many fields as the header."""
        if self.dialect is None:
            return {}
        fields = np.diff(np.searchsorted(separators, offsets)) + 1
        odd = np.flatnonzero(fields != self.dialect.width)
        return {int(place): ragged(int(fields[place]), self.dialect) for place in odd}

    def _checked(self, text: bytes, array: Bytes, offsets: Places, lines: Places, faults: dict[int, str]) -> Records:
        records = pa.StringArray.from_buffers(
            len(offsets) - 1, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(text)
        )
        try:
            records.validate(full=True)
            self.high = self.high or bool((array > 127).any())
        except pa.ArrowInvalid:
            if not self.mixed:
                raise OtherBytes(text, self.high or mostly_utf8(text), int(lines[0])) from None
            records, faults = _mended(text, offsets, faults)
        blank = np.arange(0) if self.blanks else self._blank(array, offsets)
        return _without(blank, records, lines, faults)

    def _blank(self, array: Bytes, offsets: Places) -> Places:
        """Records without a character; of more than one column or of JSON, also those of blanks alone."""
        firsts = array[offsets[:-1]]
        blank = (firsts == LF) | (firsts == CR)
        if self.dialect is None or self.dialect.width > 1:
            blanks = BLANKS.replace(self.dialect.delimiter.encode(), b"") if self.dialect else BLANKS
            for place in np.flatnonzero(np.isin(firsts, list(blanks))):
                blank[place] = not array[offsets[place] : offsets[place + 1]].tobytes().strip(blanks + b"\r\n")
        return np.flatnonzero(blank)


def ragged(found: int, dialect: Dialect) -> str:
    """What is said of a row with too few or too many fields."""
    return f"{found} field{'s' * (found != 1)}, where {dialect.width} are wanted"


def line_ends(text: bytes) -> int:
    """How many lines end in the text."""
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n") if b"\r" in text else text.count(b"\n")


def _ends(text: bytes, array: npt.NDArray[np.uint8]) -> Places:
    """The last bytes of line ends: LF, CR LF, or a CR alone."""
    if b"\r" not in text:
        return np.flatnonzero(array == LF)
    ends: Places = np.flatnonzero((array == LF) | (array == CR))
    half = (array[ends] == CR) & (_after(array, ends) == LF)
    whole: Places = ends[~half]
    return whole


def _places(array: Bytes, character: str) -> Places:
    return np.flatnonzero(array == ord(character))


def _after(array: Bytes, places: Places) -> Bytes:
    """The byte behind each place; a NUL behind the last."""
    found = array[np.minimum(places + 1, len(array) - 1)]
    found[places == len(array) - 1] = 0
    return found


def _outside(places: Places, quotes: Places) -> Places:
    """The places that are not between quotes."""
    return places[np.searchsorted(quotes, places) % 2 == 0] if len(quotes) else places


def _refuse_unruly(text: bytes, array: Bytes, quotes: Places, dialect: Dialect) -> None:
    if b"\x00" in text or not _regular(array, quotes, ord(dialect.delimiter)):
        raise Unruly(text, dialect)


def _regular(array: Bytes, quotes: Places, delimiter: int) -> bool:
    """Whether every quote opens a field, closes one, or is half of a doubled one; there is no NUL in the text."""
    before = np.where(quotes > 0, array[quotes - 1], LF)
    after = _after(array, quotes)
    doubled = np.diff(quotes) == 1
    opens, closes = np.arange(len(quotes)) % 2 == 0, np.arange(len(quotes)) % 2 == 1
    edges = (LF, CR, delimiter)
    fine_open = np.isin(before, edges) | np.concatenate(([False], doubled))
    fine_close = np.isin(after, (*edges, 0)) | np.concatenate((doubled, [False]))
    return bool(fine_open[opens].all() and fine_close[closes].all())


def _mended(text: bytes, offsets: Places, faults: dict[int, str]) -> tuple[pa.StringArray, dict[int, str]]:
    """The records as UTF-8, those of other bytes with escapes in their place and a fault."""
    records: list[str] = []
    faults = dict(faults)
    for place, (start, stop) in enumerate(pairwise(offsets)):
        record = text[start:stop]
        try:
            records.append(record.decode("utf-8"))
        except UnicodeDecodeError as error:
            records.append(record.decode("utf-8", "backslashreplace"))
            faults[place] = f"bytes that are no UTF-8, at byte {error.start + 1} of the row"
    return pa.array(records, pa.string()), faults


def _without(blank: Places, records: pa.StringArray, lines: Places, faults: dict[int, str]) -> Records:
    if not len(blank):
        return Records(records, lines, faults)
    kept = np.setdiff1d(np.arange(len(lines)), blank)
    moved = {old: new for new, old in enumerate(kept.tolist()) if old in faults}
    return Records(
        records.take(pa.array(kept)), lines[kept], {moved[old]: why for old, why in faults.items() if old in moved}
    )
