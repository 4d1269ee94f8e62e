"""A few rows of the program's own knowledge, written by delta-rs: hundredths of a second, where a Spark job takes one.

The commits are like Spark's: stamped in `userMetadata`, held to the table's constraints, and once for a transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lakehouse_nlp.core.tables.log import Log, Stamp

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

Row = tuple[Any, ...]
Once = tuple[str, int]


def write(
    log: Log, rows: Sequence[Row], stamp: Stamp, at: datetime, *, once: Once | None = None, over: str | None = None
) -> None:
    """Appends the rows; or puts them in the place of the rows for which `over`, a condition, holds.

    `rows`: the table's columns in order but for `recorded_at`, which is the time of writing, `at`. `once`: an app and a
    version; nothing is written if the app has written it, or a later one, or writes it at this moment.
    """
    from deltalake import CommitProperties, Transaction, write_deltalake
    from deltalake.exceptions import CommitFailedError

    if once and log.transaction(once[0]) >= once[1]:
        return
    commit = CommitProperties(
        custom_metadata={"userMetadata": stamp.to_json()}, app_transactions=[Transaction(*once)] if once else None
    )
    how: dict[str, Any] = {"mode": "overwrite", "predicate": over} if over else {"mode": "append"}
    try:
        write_deltalake(log.table, _arrow(log.table, rows, at), commit_properties=commit, **how)
    except CommitFailedError as error:
        if not (once and "Concurrent transaction" in str(error)):
            raise


def _arrow(table: DeltaTable, rows: Sequence[Row], at: datetime) -> pa.Table:
    import pyarrow as pa

    schema = pa.schema(table.schema().to_arrow())
    names = [name for name in schema.names if name != "recorded_at"]
    named = [dict(zip(names, row, strict=False)) for row in rows]
    return pa.Table.from_pylist([row | {"recorded_at": at} for row in named], schema=schema)
