"""The ledger of files, `ops.files`: a file counts as taken in only when its `loaded` row is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.ingest.files import Fault, RawFile

TABLE = "ops.files"
LAST = """
SELECT *, max(batch) OVER () AS last_batch FROM ops.files WHERE project = ?
QUALIFY row_number() OVER (PARTITION BY file_hash, purpose ORDER BY recorded_at DESC) = 1
"""


@dataclass(frozen=True)
class Ledger:
    """The newest row of every file of a project, by hash and purpose."""

    files: dict[tuple[str, str], dict[str, Any]]

    @classmethod
    def of(cls, ctx: Context) -> Ledger:
        """The ledger as it is now; needs no Spark."""
        if not ctx.tables.log(TABLE).exists:
            return cls({})
        rows = duck.rows(ctx.root, LAST, [ctx.settings.project], only=[TABLE])
        return cls({(row["file_hash"], row["purpose"]): row for row in rows})

    @property
    def unfinished(self) -> dict[int, list[dict[str, Any]]]:
        """Batch number -> its files that were claimed and not settled, because a run was killed."""
        batches: dict[int, list[dict[str, Any]]] = {}
        for row in self.files.values():
            if row["state"] == "claimed":
                batches.setdefault(row["batch"], []).append(row)
        return dict(sorted(batches.items()))

    @property
    def next_batch(self) -> int:
        """The number of the next batch."""
        return 1 + max((row.get("last_batch") or row["batch"] or 0 for row in self.files.values()), default=0)

    def loaded(self, file: RawFile) -> dict[str, Any] | None:
        """The row of the same bytes for the same purpose, if they are in bronze."""
        row = self.files.get((file.hash, file.purpose))
        return row if row and row["state"] in ("loaded", "duplicate") else None


def event(
    ctx: Context,
    file: RawFile,
    state: str,
    *,
    batch: int | None = None,
    reader: str | None = None,
    rows: int | None = None,
    place: str | None = None,
    fault: Fault | None = None,
) -> tuple[Any, ...]:
    """A row for the ledger."""
    why = (fault.check, fault.found, fault.wanted) if fault else (None, None, None)
    about = (file.hash, file.path.name, file.purpose, state, batch, reader, file.bytes, rows, place)
    return (ctx.settings.project, ctx.run_id, *about, *why)


def write(ctx: Context, events: Sequence[tuple[Any, ...]]) -> None:
    """Appends rows to the ledger."""
    if events:
        ctx.tables.ensure(TABLE)
        ctx.tables.record(TABLE, events)
