"""Whether the disk has room for what a run will write, before it begins: a full disk ends a run anywhere.

What a run writes is told from runs before it: as much as the largest of the last ones, by `ops.steps`, where no more
raw bytes wait than came to those; and a multiple of what waits beyond.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.alerts import alert
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.registry import Registry

# Bytes on disk for a raw byte that nothing is known of: chunks, bronze, silver, gold, predictions, and older versions
# of them; and how many raw bytes a byte of a packed file is.
EACH, PACKED = 8, 5
PACKINGS = (".gz", ".bz2", ".xz", ".zst", ".zip", ".lz4", ".snappy")
LAST = """
SELECT max(written) AS written, max(raw) AS raw FROM (
    SELECT sum(s.bytes_written) AS written, any_value(f.raw) AS raw
    FROM ops.steps AS s LEFT JOIN (
        SELECT run_id, sum(bytes) AS raw FROM ops.files WHERE project = $project AND state = 'loaded' GROUP BY run_id
    ) AS f USING (run_id)
    WHERE s.project = $project AND s.state = 'done' AND s.stage <> 'maintain'
    GROUP BY s.run_id ORDER BY s.run_id DESC LIMIT 10
)
"""


@dataclass(frozen=True)
class Room:
    """The disk under a folder: bytes that are `free`, that a run `needs`, and that have to stay; None: no bound."""

    folder: str
    free: int
    needs: int
    least: int | None
    low: int | None

    @property
    def state(self) -> str:
        """`ok`, `low` (somebody is told) or `full` (no run begins)."""
        left = self.free - self.needs
        if self.least is not None and left < self.least:
            return "full"
        return "low" if self.low is not None and left < self.low else "ok"

    def __str__(self) -> str:
        needs = f", and a run needs about {self.needs / 1e9:,.2f}" if self.needs else ""
        return f"{self.folder} has {self.free / 1e9:,.2f} GB free{needs}"


def rooms(ctx: Context, *, ingest: bool = True) -> list[Room]:
    """The disk of the lake, and that of the models where it is another; `ingest`: whether what waits is taken in."""
    wanted, needs = ctx.settings.disk, expected(ctx, ingest=ingest)
    found: dict[int, Room] = {}
    for folder, bytes_ in ((ctx.folder, needs), (_models(ctx), 0)):
        place = next((up for up in (folder, *folder.parents) if up.exists()), Path("/")) if folder else None
        if place and place.stat().st_dev not in found:
            free = shutil.disk_usage(place).free
            found[place.stat().st_dev] = Room(str(folder), free, bytes_, wanted.least, wanted.low)
    return list(found.values())


def guard(ctx: Context, *, ingest: bool = True) -> None:
    """Raises UsageError where a run would leave too little; tells the operators where little would be left.

    It is not tried again by the run: a disk does not empty itself within minutes, and the next run asks again.
    """
    for room in rooms(ctx, ingest=ingest):
        if room.state == "full":
            raise UsageError(
                f"{room}: less than {ctx.settings.disk.min_free} would stay free (disk.min_free); nothing was begun",
                hint="lakehouse-nlp maintain --dry-run says what can go; else make room, or --set disk.min_free=500MB",
            )
        told = f"{room}: less than {ctx.settings.disk.warn} would stay free"
        if room.state == "low" and ctx.settings.alerts.operators:
            alert(ctx, "warning", told, "lakehouse-nlp maintain --dry-run", key=f"disk {room.folder}")
        elif room.state == "low":
            ctx.say(f"{told}; next: lakehouse-nlp maintain --dry-run")


def expected(ctx: Context, *, ingest: bool = True) -> int:
    """Bytes that a run is expected to write, by what waits in `raw/` and what runs before it wrote."""
    waits = _waiting(ctx.folder / "raw") if ingest else 0
    written, raw = 0, 0
    logs = [ctx.tables.log(table) for table in ("ops.steps", "ops.files")]
    if all(log.exists for log in logs) and "bytes_written" in {field.name for field in logs[0].table.schema().fields}:
        (row,) = duck.rows(ctx.root, LAST, {"project": ctx.settings.project}, only=["ops.steps", "ops.files"])
        written, raw = row["written"] or 0, row["raw"] or 0
    return int(written) + EACH * max(0, waits - int(raw))


def _waiting(folder: Path) -> int:
    files = [path for path in folder.glob("*/*") if path.is_file() and not path.name.startswith((".", "_"))]
    return sum(path.stat().st_size * (PACKED if path.suffix in PACKINGS else 1) for path in files)


def _models(ctx: Context) -> Path | None:
    location = Registry(ctx).location
    return Path(location.removeprefix("file://")) if location and location.startswith("file://") else None
