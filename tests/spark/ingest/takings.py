"""Taking many files in by one run, and all that can then be seen of them: bronze, the ledger, the folders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deltalake import DeltaTable

from lakehouse_nlp import ingest
from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass
class Taken:
    """What became of the file of one name: its rows in their order, its newest row in the ledger, where it lies."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    ledger: dict[str, Any] = field(default_factory=dict)
    places: list[str] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def good(self) -> list[dict[str, Any]]:
        """The rows that are not set aside."""
        return [row for row in self.rows if row["_fault"] is None]

    @property
    def aside(self) -> list[dict[str, Any]]:
        """The rows that are."""
        return [row for row in self.rows if row["_fault"] is not None]


def settings_of(project: str, columns: Sequence[str], options: Mapping[str, Any]) -> Settings:
    """A project of text columns, the first of which is its key, and the second, if there is one, its text.

    `max_bytes` may be smaller than a project could have it, so that small files are cut.
    """
    text = columns[1] if len(columns) > 1 else columns[0]
    given = {"project": project, "columns": dict.fromkeys(columns, "string"), "key": columns[0], "text": [text]}
    checked = {name: value for name, value in options.items() if name != "max_bytes"}
    made = Settings.model_validate({**given, "label": text, "ingest": checked})
    return made.model_copy(update={"ingest": made.ingest.model_copy(update=dict(options))})


def context(home: Path, project: str, columns: Sequence[str], options: Mapping[str, Any]) -> Context:
    """A context of that project, signed as the stage is by a run."""
    said: list[str] = []
    ctx = Context(home=home, settings=settings_of(project, columns, options), say=said.append, run_id=f"run-{project}")
    ctx.sign("ingest")
    return ctx


def drop(ctx: Context, contents: Mapping[str, bytes], purpose: str = "train") -> None:
    """Puts files where they are taken in from."""
    folder = ctx.folder / "raw" / purpose
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def take(ctx: Context) -> tuple[StepResult, dict[str, Taken]]:
    """Runs the stage; name of a file -> what became of it."""
    result = ingest.run(ctx)
    return result, seen(ctx)


def table(ctx: Context, name: str) -> list[dict[str, Any]]:
    """The rows of a table, read without Spark; none if there is no table."""
    path = ctx.root / name.replace(".", "/tables/") if "." in name else ctx.folder / "tables" / name
    return list(DeltaTable(path).to_pyarrow_table().to_pylist()) if (path / "_delta_log").exists() else []


def seen(ctx: Context) -> dict[str, Taken]:
    """Name of a file -> what became of it, as tables and folders have it now."""
    found: dict[str, Taken] = {}
    for row in sorted(table(ctx, "bronze"), key=lambda row: (row["_batch"], row["_row"])):
        found.setdefault(row["_file"], Taken()).rows.append(row)
    for row in sorted(table(ctx, "ops.files"), key=lambda row: row["recorded_at"]):
        if row["project"] == ctx.settings.project:
            found.setdefault(row["name"], Taken()).ledger = row
    for part in ("raw", "processed", "errors", "chunks"):
        for path in (ctx.folder / part).rglob("*"):
            if path.is_file() and path.name.endswith(".report.json"):
                name = path.name.removesuffix(".report.json")
                found.setdefault(name, Taken()).report = json.loads(path.read_text(encoding="utf-8"))
            elif path.is_file():
                found.setdefault(path.name, Taken()).places.append(part)
    return found


@contextmanager
def forgetting(session: SparkSession) -> Iterator[None]:
    """Forgets the schemas that come up meanwhile: other tests have lakes of the same names."""
    try:
        yield
    finally:
        for schema in sorted({row[0] for row in session.sql("SHOW SCHEMAS").collect()} - {"default"}):
            session.sql(f"DROP SCHEMA {schema} CASCADE")
