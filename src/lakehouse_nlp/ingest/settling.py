"""Where files end: `processed/`, or `errors/` with a report beside them; and where a claimed one is found again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.ingest import columns, files, ledger
from lakehouse_nlp.ingest.faults import Fault
from lakehouse_nlp.ingest.files import RawFile


def find(ctx: Context, row: dict[str, Any]) -> RawFile:
    """A claimed file where it is: in `raw/`, or moved to `processed/` already; else one whose path is not there."""
    path = ctx.folder / "raw" / row["purpose"] / row["name"]
    same_size = (path for path in (ctx.folder / "processed").glob("*") if path.stat().st_size == row["bytes"])
    for place in ([path] if path.exists() else []) + sorted(same_size):
        file = files.identify(place, row["purpose"])
        if file.hash == row["file_hash"]:
            return file
    return RawFile(path.parent / ".gone" / path.name, row["purpose"], row["file_hash"], row["bytes"])


def settle(ctx: Context, file: RawFile, state: str, **known: Any) -> dict[str, Any]:
    """Puts a file into `processed/`, and gives its row for the ledger; `known`: columns of it.

    One that is there already, or was taken away after it was read, stays.
    """
    place = file.path
    if not place.exists():
        return ledger.event(ctx, file, state, **known)
    if place.parent.name != "processed" and place.stat().st_size == file.bytes:  # else it has grown: it is new again
        place = files.settle(place, ctx.folder / "processed", file.hash)
    return ledger.event(ctx, file, state, place=str(place.relative_to(ctx.folder)), **known)


def reject(ctx: Context, bad: Sequence[tuple[RawFile, Fault]]) -> None:
    """Puts files into `errors/`, a report beside each: the check, what was found and what was wanted.

    The moves come last: until then the files are in `raw/`, and a run that is killed is repeated by the next.
    """
    columns.note_refused(ctx, bad)
    moves: dict[Path, Path] = {}
    events = []
    for file, fault in bad:
        place = files.end_of(file.path, ctx.folder / "errors", file.hash, taken=moves.values())
        report = place.with_name(place.name + ".report.json")
        report.write_text(json.dumps(_report(ctx, file, fault), indent=2) + "\n", encoding="utf-8")
        events.append(ledger.event(ctx, file, "rejected", place=str(place.relative_to(ctx.folder)), fault=fault))
        moves[file.path] = place
    ledger.write(ctx, events)
    for path, place in moves.items():
        path.rename(place)


def _report(ctx: Context, file: RawFile, fault: Fault) -> dict[str, Any]:
    return {
        "file": file.path.name, "purpose": file.purpose, "sha256": file.hash, "bytes": file.bytes, "run_id": ctx.run_id,
        "check": fault.check, "found": fault.found, "wanted": fault.wanted, "line": fault.line,
        "next": f"mend the file and bring it again: lakehouse-nlp add FILE --project {ctx.settings.project}",
    }  # fmt: skip
