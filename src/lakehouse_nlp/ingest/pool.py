"""Work on blocks of a file, several at once and in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Block = TypeVar("Block")
Result = TypeVar("Result")

AHEAD = 4  # blocks in memory beyond the one that is asked for


def ordered(pool: Executor, work: Callable[[Block], Result], blocks: Iterable[Block]) -> Iterator[Result]:
    """What the work gives for each block, in order; it is begun for a few blocks ahead, and no more."""
    going: deque[Future[Result]] = deque()
    for block in blocks:
        going.append(pool.submit(work, block))
        if len(going) > AHEAD:
            yield going.popleft().result()
    while going:
        yield going.popleft().result()
