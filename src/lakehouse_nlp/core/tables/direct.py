"""A few rows of the program's own knowledge, written by delta-rs: hundredths of a second, where a Spark job takes one.

The commits are like Spark's: stamped in `userMetadata`, held to the table's constraints, and once for a transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lakehouse_nlp.core.tables.log import Log, Stamp
from lakehouse_nlp.core.tables.rivals import unless_overtaken

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable, Transaction

CONSTRAINT = "delta.constraints."
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
    data = _arrow(log.table, rows, at)

    def written() -> None:
        """Over the newest version: an append meets nobody, but rows that are replaced may have been moved meanwhile."""
        write_deltalake(Log(log.path).table if over else log.table, data, commit_properties=commit, **how)

    try:
        unless_overtaken(written) if over else written()
    except CommitFailedError as error:
        if not (once and "Concurrent transaction" in str(error)):
            raise


def create(log: Log, schema: str, configuration: Mapping[str, str], description: str) -> None:
    """Makes a table without rows: its schema as Delta's JSON, its properties, constraints among them."""
    from deltalake import DeltaTable, Schema

    plain = {name: value for name, value in configuration.items() if not name.startswith(CONSTRAINT)}
    made = DeltaTable.create(log.path, Schema.from_json(schema), configuration=plain, description=description)
    for name in sorted({*configuration} - {*plain}):
        made.alter.add_constraint({name.removeprefix(CONSTRAINT): configuration[name]})


def bring(log: Log, rows: pa.Table, project: str, stamps: Sequence[Stamp], transactions: Mapping[str, int]) -> None:
    """Puts rows that were taken out of such a table in the place of the project's, in one commit that carries the
    transactions (app -> version) and the first stamp; each further stamp is a commit without rows.

    The table's own transactions of the project go back to these, too: what was written since is gone, and has to be
    written again.
    """
    import pyarrow as pa
    from deltalake import CommitProperties, write_deltalake

    first, *others = [{"userMetadata": stamp.to_json()} for stamp in stamps] or [{}]
    new = _back(log, project, transactions)
    whole = rows.cast(pa.schema(log.table.schema().to_arrow()))
    signed = CommitProperties(custom_metadata=first, app_transactions=new)
    write_deltalake(log.table, whole, mode="overwrite", predicate=_of(project), commit_properties=signed)
    for stamp in others:
        signed = CommitProperties(custom_metadata=stamp)
        write_deltalake(log.table, whole.slice(0, 0), mode="append", commit_properties=signed)


def remove(log: Log, project: str) -> None:
    """Deletes the project's rows, and forgets its transactions."""
    from deltalake import CommitProperties

    log.table.delete(_of(project), commit_properties=CommitProperties(app_transactions=_back(log, project, {})))


def _of(project: str) -> str:
    return f"project = '{project}'"


def _back(log: Log, project: str, transactions: Mapping[str, int]) -> list[Transaction]:
    """What brings the project's transactions to these: an app that is not among them has written nothing."""
    from deltalake import Transaction

    known = log.transactions() if log.exists else {}
    wanted = {**{app: -1 for app in known if app.startswith(f"{project}.")}, **transactions}
    return [Transaction(app, at) for app, at in wanted.items() if known.get(app, -1) != at]


def _arrow(table: DeltaTable, rows: Sequence[Row], at: datetime) -> pa.Table:
    import pyarrow as pa

    schema = pa.schema(table.schema().to_arrow())
    names = [name for name in schema.names if name != "recorded_at"]
    named = [dict(zip(names, row, strict=False)) for row in rows]
    return pa.Table.from_pylist([row | {"recorded_at": at} for row in named], schema=schema)
