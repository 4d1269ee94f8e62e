"""Rows of a file in batches, and work on blocks of it: several at once, and in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, wait
from itertools import islice
from typing import TypeVar

Row = TypeVar("Row")
Block = TypeVar("Block")
Result = TypeVar("Result")

BATCH = 20_000  # rows
AHEAD = 4  # blocks in memory beyond the one that is asked for


def batched(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows, a batch at a time; none is empty."""
    left = iter(rows)
    while batch := list(islice(left, BATCH)):
        yield batch


def ordered(pool: Executor, work: Callable[[Block], Result], blocks: Iterable[Block]) -> Iterator[Result]:
    """What the work gives for each block, in order; it is begun for a few blocks ahead, and no more."""
    going: deque[Future[Result]] = deque()
    try:
        for block in blocks:
            going.append(pool.submit(work, block))
            if len(going) > AHEAD:
                yield going.popleft().result()
        while going:
            yield going.popleft().result()
    finally:  # whoever tries again after a fault finds nobody still at work
        for begun in going:
            begun.cancel()
        wait(going)
