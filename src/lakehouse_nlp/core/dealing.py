"""Rows dealt out to tasks of about a size, where a task for each file would keep all waiting for the largest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Bytes of files that are not worth a shuffle, and tasks a core where there is one: the last of them end about together.
SMALL, TASKS = 8_000_000, 4


def tasks(sizes: Sequence[int], cores: int) -> int | None:
    """To how many tasks rows are to be dealt that lie in files of these sizes, in bytes; None: as they lie."""
    total = sum(sizes)
    return None if total < SMALL or max(sizes, default=0) <= total / cores else TASKS * cores


def dealt(rows: DataFrame, sizes: Sequence[int], by: str) -> DataFrame:
    """A table's rows, whose files have these sizes; dealt out by a column where one is more than a core's share."""
    wanted = tasks(sizes, rows.sparkSession.sparkContext.defaultParallelism)
    return rows.repartition(wanted, by) if wanted else rows
