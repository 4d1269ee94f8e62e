"""Rows in blocks, wherever they are held: what needs all of them asks each block, and adds up the answers.

Blocks come in the order of their rows, and sums are made in that order, so the same blocks give the same bits.
"""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from lakehouse_nlp.model.rows import Ints, Rows, joined

S = TypeVar("S")
Of = TypeVar("Of", covariant=True)
Sums = tuple[NDArray[Any], ...]


class Blocks(ABC, Generic[Of]):
    """n rows in blocks. `work` is given the position of a block's first row, and the block; it must not change it.

    `together`: how many regressions are fitted side by side, which spares passes over the blocks, but each of them has
    twenty vectors of its width in memory.
    """

    together = 2

    @abstractmethod
    def __len__(self) -> int:
        """The number of rows."""

    @abstractmethod
    def each(self, work: Callable[[int, Of], S]) -> Iterator[S]:
        """What `work` says of each block, in order."""

    def total(self, work: Callable[[int, Of], Sums]) -> Sums:
        """The arrays that `work` gives, each summed over the blocks; there must be one block at least."""
        return reduce(added, self.each(work))

    @abstractmethod
    def map(self, work: Callable[[int, Of], S]) -> Blocks[S]:
        """What `work` makes of each block, row for row, kept where the blocks are."""

    @abstractmethod
    def where(self, mask: NDArray[np.bool_]) -> Blocks[Of]:
        """The rows where the mask, n, is true."""


class Spool(Blocks[Of]):
    """Blocks in files of a temporary folder, which goes with the last who holds it: one is in memory at a time."""

    def __init__(self, blocks: Iterable[Of]) -> None:
        """Writes the blocks, which have a `shape` of rows first."""
        self._folder = TemporaryDirectory(prefix="lakehouse-nlp-train-")
        starts = [0]
        for block in blocks:
            if height(block):
                with self._file(len(starts) - 1).open("wb") as file:
                    pickle.dump(block, file, protocol=5)
                starts.append(starts[-1] + height(block))
        self._starts = starts

    def __len__(self) -> int:
        """The number of rows."""
        return self._starts[-1]

    @property
    def folder(self) -> Path:
        """Where the files are, and what is made of them may be."""
        return Path(self._folder.name)

    def each(self, work: Callable[[int, Of], S]) -> Iterator[S]:
        """What `work` says of each block, in order."""
        for number, start in enumerate(self._starts[:-1]):
            yield work(start, self.block(number))

    def map(self, work: Callable[[int, Of], S]) -> Spool[S]:
        """What `work` makes of each block, in files of its own."""
        return Spool(self.each(work))

    def where(self, mask: NDArray[np.bool_]) -> Spool[Of]:
        """The rows where the mask, n, is true."""

        def kept(start: int, block: Any) -> Of:
            found: Of = chosen(block, mask[start : start + height(block)])
            return found

        return Spool(self.each(kept))

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return len(self._starts) - 1

    def block(self, number: int) -> Of:
        """The block of this number, from its file."""
        with self._file(number).open("rb") as file:
            found: Of = pickle.load(file)
        return found

    def rows_of(self, number: int) -> slice:
        """The positions of a block's rows."""
        return slice(self._starts[number], self._starts[number + 1])

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:06}.pickle"


def added(some: Sums, more: Sums) -> Sums:
    """Arrays summed one by one."""
    return tuple(a + b for a, b in zip(some, more, strict=True))


def height(block: Any) -> int:
    """How many rows a block has."""
    return len(block) if isinstance(block, Rows) else int(block.shape[0])


def chosen(block: Any, mask: NDArray[np.bool_]) -> Any:
    """The rows of a block where the mask is true."""
    return block.take(mask) if isinstance(block, Rows) else block[mask]


def sample(rows: Rows | Blocks[Rows], most: int) -> tuple[Rows, Ints]:
    """So many of the rows at most, evenly spaced, and their positions."""
    positions = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.int64))

    def inside(start: int, block: Rows) -> Rows:
        low, high = np.searchsorted(positions, (start, start + len(block)))
        return block.take(positions[low:high] - start)

    return joined(list(rows.each(inside))), positions
