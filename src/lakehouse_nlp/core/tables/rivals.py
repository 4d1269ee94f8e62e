"""Writers that meet in one table: of two whose work cannot stand side by side Delta lets one through."""

from __future__ import annotations

import re
from collections.abc import Callable

DONE = "ConcurrentTransactionException"
# What a writer is told that has read what another changed meanwhile (delta.io, "Concurrency control").
OVERTAKEN = re.compile(r"Concurrent(Append|DeleteRead|DeleteDelete|Write)Exception|CommitFailedError")
TRIES = 4


def unless_done(write: Callable[[], object]) -> None:
    """Writes, unless somebody else makes the same transaction at this moment: then it is done."""
    try:
        write()
    except Exception as error:
        if DONE not in str(error):
            raise


def unless_overtaken(write: Callable[[], object]) -> None:
    """Writes, and again over the newest version where another writer was faster, up to `TRIES` times."""
    for left in reversed(range(TRIES)):
        try:
            write()
            return
        except Exception as error:
            if not left or not OVERTAKEN.search(f"{type(error).__name__}: {error}"):
                raise
