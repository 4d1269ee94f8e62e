"""The ingest stage: verify, claim, append, settle.

A batch is claimed in the ledger before it is written and settled after; Delta refuses to append the same batch number
twice. So a run killed between any two steps is finished by the next one, and no row comes twice.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.ingest import files, ledger
from lakehouse_nlp.ingest.files import Fault, RawFile
from lakehouse_nlp.ingest.ledger import Ledger
from lakehouse_nlp.ingest.readers import SECOND_NAMES, read

FILES_PER_BATCH = 32


@dataclass
class Sorted:
    """New files by what is to become of them."""

    good: list[RawFile] = field(default_factory=list)
    again: list[RawFile] = field(default_factory=list)
    bad: list[tuple[RawFile, Fault]] = field(default_factory=list)


def due(ctx: Context) -> str | None:
    """Files that wait in `raw/`, or that a killed run left half done."""
    new = sum(1 for _ in files.waiting(ctx.folder))
    unfinished = sum(map(len, Ledger.of(ctx).unfinished.values()))
    reasons = [f"{new} file{'s' * (new != 1)} in raw/"] * bool(new)
    reasons += [f"{unfinished} left unfinished by an earlier run"] * bool(unfinished)
    return ", ".join(reasons) or None


def run(ctx: Context) -> StepResult:
    """Takes every waiting file in; what cannot be read goes to `errors/` with a report beside it."""
    bronze = ctx.tables.ensure("bronze", dict.fromkeys(ctx.settings.columns, "STRING"))
    written = sum(_resume(ctx, number, rows) for number, rows in Ledger.of(ctx).unfinished.items())
    known = Ledger.of(ctx)
    new = _sort(ctx, known)
    for file, fault in new.bad:
        _reject(ctx, file, fault)
    for start in range(0, len(new.good), FILES_PER_BATCH):
        batch, number = new.good[start : start + FILES_PER_BATCH], known.next_batch + start // FILES_PER_BATCH
        ledger.write(ctx, [ledger.event(ctx, file, "claimed", batch=number) for file in batch])
        written += _load(ctx, number, batch)
    ledger.write(ctx, [_settle(ctx, file, "duplicate") for file in new.again])
    return StepResult(
        read=written,
        written=written,
        rejected=len(new.bad),
        versions=ctx.versions("bronze"),
        note=f"{written:,} rows of {len(new.good)} files into {bronze}; {len(new.again)} known before",
        refused=tuple(f"{file.path.name} went to errors/: {fault}" for file, fault in new.bad),
    )


def _sort(ctx: Context, known: Ledger) -> Sorted:
    found, seen = Sorted(), set()
    options = ctx.settings.ingest
    for path, purpose in files.waiting(ctx.folder):
        file = files.identify(path, purpose)
        if known.loaded(file) or (file.hash, purpose) in seen:
            found.again.append(file)
            continue
        sources = [ctx.settings.columns[name].source or name for name in ctx.settings.required(purpose)]
        if fault := files.fault(file, sources, options.delimiter, options.encoding):
            found.bad.append((file, fault))
        else:
            seen.add((file.hash, purpose))
            found.good.append(file)
    return found


def _load(ctx: Context, number: int, batch: Sequence[RawFile]) -> int:
    """Appends the batch and settles its files; returns the rows appended."""
    if batch and not _appended(ctx, number):
        ctx.tables.append_once("bronze", _rows(ctx, number, batch), app=_app(ctx), version=number)
        for folder in {file.path.parent / SECOND_NAMES for file in batch}:
            shutil.rmtree(folder, ignore_errors=True)
    mine = ctx.tables.read("bronze").where(F.col("_batch") == number)
    counts = {row["_file_hash"]: row["count"] for row in mine.groupBy("_file_hash").count().collect()}
    settled = [_settle(ctx, file, "loaded", batch=number, rows=counts.get(file.hash, 0)) for file in batch]
    ledger.write(ctx, settled)
    return sum(counts.values())


def _rows(ctx: Context, number: int, batch: Sequence[RawFile]) -> DataFrame:
    frames = [
        read(ctx.spark, file, ctx.settings)
        .withColumn("_fault", F.when(F.col("_corrupt").isNotNull(), "a row that cannot be split into fields"))
        .withColumn("_line", F.lit(None).cast("bigint"))
        .withColumn("_purpose", F.lit(file.purpose))
        .withColumn("_file", F.lit(file.path.name))
        .withColumn("_file_hash", F.lit(file.hash))
        for file in batch
    ]
    rows = reduce(DataFrame.unionByName, frames)
    if any(file.path.suffix.lower() == ".gz" or file.format in ("csv", "tsv", "json") for file in batch):
        rows = rows.repartition(ctx.spark.sparkContext.defaultParallelism)  # one task reads such a file; all write it
    return rows.withColumn("_batch", F.lit(number).cast("bigint")).withColumn("_ingested_at", F.current_timestamp())


def _resume(ctx: Context, number: int, rows: Sequence[dict[str, Any]]) -> int:
    """Finishes a batch that a killed run had claimed, from wherever its files are now."""
    ctx.say(f"ingest: batch {number} was left unfinished; finishing it")
    batch = [_found(ctx, row) for row in rows]
    if not _appended(ctx, number):
        ledger.write(ctx, [_vanished(ctx, file) for file in batch if not file.path.exists()])
        batch = [file for file in batch if file.path.exists()]
    return _load(ctx, number, batch)


def _appended(ctx: Context, number: int) -> bool:
    return ctx.tables.log("bronze").transaction(_app(ctx)) >= number


def _app(ctx: Context) -> str:
    return f"{ctx.settings.project}.ingest"


def _found(ctx: Context, row: dict[str, Any]) -> RawFile:
    """A claimed file where it is: in `raw/`, or moved to `processed/` already."""
    file = RawFile(ctx.folder / "raw" / row["purpose"] / row["name"], row["purpose"], row["file_hash"], row["bytes"])
    if file.path.exists() and files.identify(file.path, file.purpose).hash == file.hash:
        return file
    same_size = (path for path in (ctx.folder / "processed").glob("*") if path.stat().st_size == file.bytes)
    moved = next((path for path in same_size if files.identify(path, file.purpose).hash == file.hash), None)
    return replace(file, path=moved or file.path.parent / ".gone" / file.path.name)


def _vanished(ctx: Context, file: RawFile) -> tuple[Any, ...]:
    fault = Fault(
        "there", "no file of these bytes in raw/ or processed/", "the file that an earlier run had begun with"
    )
    ctx.say(f"ingest: a claimed file of {file.bytes:,} bytes is gone: {fault}")
    return ledger.event(ctx, file, "rejected", fault=fault)


def _settle(
    ctx: Context, file: RawFile, state: str, *, batch: int | None = None, rows: int | None = None
) -> tuple[Any, ...]:
    """Puts a file into `processed/`; one that is there already, or was taken away after it was read, stays."""
    if not file.path.exists():
        return ledger.event(ctx, file, state, batch=batch, rows=rows)
    reader = files.layout(file, ctx.settings.ingest.encoding)
    place = file.path
    if place.parent.name != "processed":
        place = files.settle(place, ctx.folder / "processed", file.hash)
    return ledger.event(
        ctx, file, state, batch=batch, reader=reader, rows=rows, place=str(place.relative_to(ctx.folder))
    )


def _reject(ctx: Context, file: RawFile, fault: Fault) -> None:
    """Puts the file into `errors/`, a report beside it: the check, what was found and what was wanted.

    The move comes last: until then the file is in `raw/`, and a run that is killed is repeated by the next.
    """
    place = files.end_of(file.path, ctx.folder / "errors", file.hash)
    report = place.with_name(place.name + ".report.json")
    report.write_text(json.dumps(_report(ctx, file, fault), indent=2) + "\n", encoding="utf-8")
    ledger.write(ctx, [ledger.event(ctx, file, "rejected", place=str(place.relative_to(ctx.folder)), fault=fault)])
    file.path.rename(place)


def _report(ctx: Context, file: RawFile, fault: Fault) -> dict[str, Any]:
    return {
        "file": file.path.name, "purpose": file.purpose, "sha256": file.hash, "bytes": file.bytes, "run_id": ctx.run_id,
        "check": fault.check, "found": fault.found, "wanted": fault.wanted,
        "next": f"mend the file and bring it again: lakehouse-nlp add FILE --project {ctx.settings.project}",
    }  # fmt: skip
