"""The tokens of texts as places in their bytes: an n-gram is then a piece of the text, and nothing is copied."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Places = NDArray[np.int64]
BLANK = ord(" ")


@dataclass(frozen=True)
class Tokens:
    """The tokens of all rows in a row: the row of each, and where in `content`, UTF-8, it begins and has ended.

    Between two tokens of a row there is one byte, a blank.
    """

    content: NDArray[np.uint8]
    rows: Places
    starts: Places
    ends: Places

    @classmethod
    def of(cls, text: pa.Array | pa.ChunkedArray) -> Tokens:
        """The tokens of texts, split at blanks; null is an empty text."""
        whole = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
        whole = pc.fill_null(whole.cast(pa.large_string()), "")
        found = cls._of(whole)
        blanks = len(found.content) - int((found.ends - found.starts).sum())
        if blanks > np.count_nonzero(found.rows[1:] == found.rows[:-1]):  # more than one between two tokens
            return cls._of(pc.replace_substring_regex(whole, " {2,}", " "))
        return found

    @classmethod
    def _of(cls, whole: pa.LargeStringArray) -> Tokens:
        content, bounds = bytes_of(whole)
        full = np.zeros(len(content) + 2, dtype=bool)  # with a blank before the first byte, and one after the last
        np.not_equal(content, BLANK, out=full[1:-1])
        edges = np.zeros(len(content) + 1, dtype=bool)  # where one row ends, and the next begins
        edges[bounds] = True
        starts = np.flatnonzero(full[1:] & (edges | ~full[:-1]))
        ends = np.flatnonzero(full[:-1] & (edges | ~full[1:]))
        rows = np.repeat(np.arange(len(whole)), np.diff(np.searchsorted(starts, bounds)))
        return cls(content, rows, starts, ends)

    def grams(self, n: int) -> tuple[Places, Places, Places, NDArray[np.bool_] | None]:
        """N tokens in a row, with the blanks between: the row in which each begins, where, its size in bytes, and which
        of them are n-grams, which end in the row in which they began; None: all are.
        """
        if n == 1:
            return self.rows, self.starts, self.ends - self.starts, None
        last = max(len(self.rows) - n + 1, 0)
        rows, starts = self.rows[:last], self.starts[:last]
        return rows, starts, self.ends[n - 1 :][:last] - starts, rows == self.rows[n - 1 :][:last]


def bytes_of(strings: pa.LargeStringArray) -> tuple[NDArray[np.uint8], Places]:
    """The strings one after the other, UTF-8, and where each begins; last, where all have ended. None may be null."""
    _, offsets, content = strings.buffers()
    if not len(strings) or content is None:
        return np.zeros(0, np.uint8), np.zeros(len(strings) + 1, np.int64)
    bounds = np.frombuffer(offsets, np.int64)[strings.offset : strings.offset + len(strings) + 1]
    return np.frombuffer(content, np.uint8)[bounds[0] : bounds[-1]], bounds - bounds[0]
