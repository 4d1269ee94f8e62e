"""The ingest stage: verify, claim, append, settle.

A batch is claimed in the ledger before it is written and settled after; Delta takes every claim, and every batch, but
once. So a run killed between any two steps is finished by the next one, and no row comes twice, whoever runs beside it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.errors import LakehouseError
from lakehouse_nlp.ingest import columns, files, ledger
from lakehouse_nlp.ingest.faults import Fault
from lakehouse_nlp.ingest.files import RawFile
from lakehouse_nlp.ingest.ledger import Ledger
from lakehouse_nlp.ingest.readers import read
from lakehouse_nlp.ingest.settling import find, reject, settle
from lakehouse_nlp.ingest.staged import Growing, Staged, Wanted
from lakehouse_nlp.ingest.staging import stage

FILES_PER_BATCH = 256
READERS_AT_ONCE = 4
# (file hash, purpose) -> its rows in bronze, those set aside among them, and the line of the first of these.
Counts = dict[tuple[str, str], dict[str, Any]]
COUNTS = """
SELECT _file_hash, _purpose, count(*) AS rows, count(_fault) AS set_aside,
       min(_line) FILTER (WHERE _fault IS NOT NULL) AS line
FROM {bronze} WHERE _batch = ? GROUP BY ALL
"""
NONE: dict[str, Any] = {"rows": 0, "set_aside": 0, "line": None}
GONE = Fault("there", "no file of these bytes in raw/ or processed/", "the file that an earlier run had begun with")


@dataclass
class Sorted:
    """New files by what is to become of them."""

    good: list[Staged] = field(default_factory=list)
    again: list[RawFile] = field(default_factory=list)
    bad: list[tuple[RawFile, Fault]] = field(default_factory=list)
    growing: list[RawFile] = field(default_factory=list)


def due(ctx: Context) -> str | None:
    """Files that wait in `raw/`, or that a killed run left half done."""
    new = sum(1 for _ in files.waiting(ctx.folder))
    unfinished = sum(map(len, Ledger.of(ctx).unfinished.values()))
    reasons = [f"{new} file{'s' * (new != 1)} in raw/"] * bool(new)
    reasons += [f"{unfinished} left unfinished by an earlier run"] * bool(unfinished)
    return ", ".join(reasons) or None


def size(ctx: Context) -> int:
    """Bytes of the files that wait."""
    return sum(path.stat().st_size for path, _ in files.waiting(ctx.folder))


def run(ctx: Context) -> StepResult:
    """Takes every waiting file in; what cannot be read goes to `errors/` with a report beside it."""
    declared = dict.fromkeys(ctx.settings.columns, "STRING")
    with _workshop(ctx) as room, ThreadPoolExecutor(1) as beside:
        made = beside.submit(ctx.tables.ensure, "bronze", declared)  # seconds, while files are looked at
        written = 0
        for number, rows in Ledger.of(ctx).unfinished.items():
            made.result()
            written += _resume(ctx, room, number, rows)
        new = _sort(ctx, room, Ledger.of(ctx))
        bronze = made.result()
        reject(ctx, new.bad)
        for start in range(0, len(new.good), FILES_PER_BATCH):
            number, batch = _claim(ctx, new.good[start : start + FILES_PER_BATCH])
            written += _load(ctx, number, batch)
        ledger.write(ctx, [settle(ctx, file, "duplicate") for file in new.again])
    for file in new.growing:
        ctx.say(f"ingest: {file.path.name} is still being written; it stays in raw/")
    return StepResult(
        read=written,
        written=written,
        rejected=len(new.bad),
        versions=ctx.versions("bronze"),
        note=f"{written:,} rows of {len(new.good)} files into {bronze}; {len(new.again)} known before",
        refused=tuple(f"{file.path.name} went to errors/: {fault}" for file, fault in new.bad),
    )


@contextmanager
def _workshop(ctx: Context) -> Iterator[Path]:
    """`chunks/<run id>/`, while files are taken in. What killed runs left there goes too: no run is on beside this."""
    chunks = ctx.folder / "chunks"
    shutil.rmtree(chunks, ignore_errors=True)
    room = chunks / ctx.run_id
    room.mkdir(parents=True)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _sort(ctx: Context, room: Path, known: Ledger) -> Sorted:
    """Looks at every waiting file, several at once."""
    found = Sorted()
    new: dict[tuple[str, str], RawFile] = {}
    for path, purpose in files.waiting(ctx.folder):
        file = files.identify(path, purpose)
        if known.loaded(file) or (file.hash, purpose) in new:
            found.again.append(file)
        else:
            new[file.hash, purpose] = file
    with ThreadPoolExecutor(READERS_AT_ONCE) as pool:
        for file, result in zip(
            new.values(), pool.map(lambda file: _verified(ctx, room, file), new.values()), strict=True
        ):
            if isinstance(result, Staged):
                found.good.append(result)
            elif isinstance(result, Fault):
                found.bad.append((file, result))
            else:
                found.growing.append(file)
    return found


def _verified(ctx: Context, room: Path, file: RawFile) -> Staged | Fault | Growing:
    sources = {name: column.source or name for name, column in ctx.settings.columns.items()}
    wanted = Wanted(tuple(sources.values()), tuple(sources[name] for name in ctx.settings.required(file.purpose)))
    try:
        staged = stage(file, ctx.settings.ingest, wanted, room / f"{file.purpose}-{file.hash[:16]}")
        columns.refuse(ctx.settings, staged)
        return staged
    except (Fault, Growing) as why:
        return why


def _claim(ctx: Context, batch: Sequence[Staged]) -> tuple[int, list[Staged]]:
    """The number of a batch that is this run's alone, and those of its files that no other run has claimed."""
    app = f"{ctx.settings.project}.claims"
    while batch:
        number = Ledger.of(ctx).next_batch
        ledger.write(
            ctx, [ledger.event(ctx, staged.file, "claimed", batch=number) for staged in batch], once=(app, number)
        )
        now = Ledger.of(ctx)
        mine = [staged for staged in batch if now.claimed_by(staged.file) == (ctx.run_id, number)]
        if mine:
            return number, mine
        batch = [staged for staged in batch if now.claimed_by(staged.file) is None and not now.loaded(staged.file)]
    return 0, []


def _load(ctx: Context, number: int, batch: Sequence[Staged]) -> int:
    """Appends the batch and settles its files; returns the rows appended."""
    if not batch:
        return 0
    if not _appended(ctx, number):
        ctx.sign("ingest", read={"raw": number})
        ctx.tables.append_once("bronze", _rows(ctx, number, batch), app=_app(ctx, number), version=1)
    counts = _counts(ctx, number)
    _account(ctx, number, batch, counts)
    known = Ledger.of(ctx)
    hours = ctx.settings.ingest.late_after
    ledger.write(ctx, [
        settle(
            ctx, staged.file, "loaded", staged=staged, batch=number, **counts[staged.file.hash, staged.file.purpose],
            version=known.version(staged.file), late=known.late(staged.file, hours),
        )
        for staged in batch
    ])  # fmt: skip
    return sum(count["rows"] for count in counts.values())


def _counts(ctx: Context, number: int) -> Counts:
    bronze = f"{ctx.settings.project}.bronze"
    found = duck.rows(ctx.root, COUNTS.format(bronze=bronze), [number], only=[bronze])
    return {(row.pop("_file_hash"), row.pop("_purpose")): row for row in found}


def _account(ctx: Context, number: int, batch: Sequence[Staged], counts: Counts) -> None:
    """Every row that was counted when its file was verified is in bronze, or the run fails."""
    for staged in batch:
        rows = counts.get((staged.file.hash, staged.file.purpose), NONE)["rows"]
        if rows != staged.records:
            raise LakehouseError(
                f"ingest: {staged.file.path.name} holds {staged.records:,} rows, "
                f"and {rows:,} of batch {number} are in bronze",
                hint="the file stays in raw/; please report this with the run's id " + ctx.run_id,
            )


def _rows(ctx: Context, number: int, batch: Sequence[Staged]) -> DataFrame:
    evolved = columns.take_up(ctx, batch)
    rows = reduce(DataFrame.unionByName, read(ctx.spark, batch, ctx.settings, evolved))
    return rows.withColumn("_batch", F.lit(number).cast("bigint")).withColumn("_ingested_at", F.lit(ctx.clock()))


def _resume(ctx: Context, room: Path, number: int, rows: Sequence[dict[str, Any]]) -> int:
    """Finishes a batch that a killed run had claimed, from wherever its files are now."""
    ctx.say(f"ingest: batch {number} was left unfinished; finishing it")
    batch = []
    for file in (find(ctx, row) for row in rows):
        result = _verified(ctx, room, file) if file.path.exists() else GONE
        if isinstance(result, Staged):
            batch.append(result)
        elif isinstance(result, Fault):
            _close(ctx, number, file, result)
    return _load(ctx, number, batch)


def _close(ctx: Context, number: int, file: RawFile, fault: Fault) -> None:
    """Ends a claim whose file is no more: its rows are in bronze already, or the ledger says why they are not."""
    if _appended(ctx, number):
        counts = _counts(ctx, number).get((file.hash, file.purpose), NONE)
        ledger.write(ctx, [ledger.event(ctx, file, "loaded", batch=number, **counts)])
    else:
        ledger.write(ctx, [ledger.event(ctx, file, "rejected", fault=fault)])
        ctx.say(f"ingest: {file.path.name}, claimed by an earlier run: {fault}")


def _appended(ctx: Context, number: int) -> bool:
    return ctx.tables.log("bronze").transaction(_app(ctx, number)) >= 1


def _app(ctx: Context, number: int) -> str:
    """An app a batch, so that batches may come in any order."""
    return f"{ctx.settings.project}.ingest.{number}"
