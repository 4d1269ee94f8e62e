"""The ledger of files, `ops.files`: a file counts as taken in only when its `loaded` row is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.ingest.faults import Fault
from lakehouse_nlp.ingest.files import RawFile
from lakehouse_nlp.ingest.staged import Staged

TABLE = "ops.files"
COLUMNS = (
    *("project", "run_id", "file_hash", "name", "purpose", "state", "bytes", "modified_at", "batch", "version", "late"),
    *("reader", "encoding", "dialect", "chunks", "records", "set_aside", "rows", "line", "place"),
    *("failed", "found", "wanted"),
)
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

    def claimed_by(self, file: RawFile) -> tuple[str, int] | None:
        """The run that has claimed a file and not settled it, and its batch."""
        row = self.files.get((file.hash, file.purpose))
        return (row["run_id"], row["batch"]) if row and row["state"] == "claimed" else None

    def version(self, file: RawFile) -> int:
        """How many contents came under the name of a file, its own included."""
        others = {
            row["file_hash"]
            for row in self.files.values()
            if (row["name"], row["purpose"], row["state"]) == (file.path.name, file.purpose, "loaded")
        }
        return len(others - {file.hash}) + 1

    def late(self, file: RawFile, hours: float) -> bool:
        """Whether a file was written that many hours before the newest one that is loaded."""
        written = [row["modified_at"] for row in self.files.values() if row["state"] == "loaded" and row["modified_at"]]
        age = max(written, default=None)
        return age is not None and _time(file) < age.replace(tzinfo=timezone.utc) - timedelta(hours=hours)


def event(
    ctx: Context, file: RawFile, state: str, *, staged: Staged | None = None, fault: Fault | None = None, **known: Any
) -> dict[str, Any]:
    """A row for the ledger: what is known of a file by its name, by how it was verified, and by what became of it."""
    row = dict.fromkeys(COLUMNS) | {
        "project": ctx.settings.project, "run_id": ctx.run_id, "file_hash": file.hash, "name": file.path.name,
        "purpose": file.purpose, "state": state, "bytes": file.bytes,
        "modified_at": _time(file),
    }  # fmt: skip
    if staged:
        row |= {name: getattr(staged, name) for name in ("reader", "encoding", "records")}
        row |= {"dialect": staged.dialect and staged.dialect.to_json(), "chunks": len(staged.chunks)}
    if fault:
        row |= {"failed": fault.check, "found": fault.found, "wanted": fault.wanted, "line": fault.line}
    return row | known


def write(ctx: Context, events: Sequence[dict[str, Any]], *, once: tuple[str, int] | None = None) -> None:
    """Appends rows to the ledger; `once`: an app and a version, of which Delta takes one."""
    if events:
        ctx.tables.ensure(TABLE)
        ctx.tables.record(TABLE, [tuple(event[name] for name in COLUMNS) for event in events], once=once)


def _time(file: RawFile) -> datetime:
    return datetime.fromtimestamp(file.modified / 1e9, timezone.utc)
