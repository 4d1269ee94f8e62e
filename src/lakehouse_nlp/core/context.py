"""What a stage is given: the settings, the lake's folders and tables, the clock, and somebody to tell."""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse_nlp import __version__
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.settings import Home, Settings, load
from lakehouse_nlp.core.tables import Stamp, Tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# In the folder of a project that is being restored.
RESTORING = ".restoring"


@dataclass(frozen=True)
class StepResult:
    """What a stage did.

    `read`, `written`, `rejected`: rows; `versions`: table -> version after the step; `note`: one line for people;
    `refused`: one sentence for each file or model that was turned away, which makes the run's exit code 1.
    """

    read: int = 0
    written: int = 0
    rejected: int = 0
    versions: dict[str, int] = field(default_factory=dict)
    note: str = ""
    refused: tuple[str, ...] = ()


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(timezone.utc)


def to_stderr(line: str) -> None:
    """Says a line where it does not mix with data."""
    sys.stderr.write(f"{line}\n")


@dataclass
class Context:
    """A run of one project: its settings, its lake, its identity; `progress` is told done, all, and of what."""

    home: Path
    settings: Settings
    env: str = "local"
    clock: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep
    say: Callable[[str], None] = to_stderr
    progress: Callable[[int, int, str], None] | None = None
    run_id: str = ""

    def __post_init__(self) -> None:
        self.run_id = self.run_id or f"{self.clock():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        lake = self.settings.lake
        self.tables = Tables(
            self.root, self.settings.project, self._session, catalog=lake.catalog, clock=lambda: self.clock()
        )

    @classmethod
    def open(cls, home: Path, project: str, env: str = "local", sets: Sequence[str] = ()) -> Context:
        """The context of a project below a home folder. Raises UsageError for every fault of its settings at once."""
        return cls(home=home.resolve(), settings=load(home.resolve(), project, env, sets), env=env)

    @property
    def root(self) -> Path:
        """The lake's folder."""
        return Home(self.home).lake(self.settings)

    @property
    def folder(self) -> Path:
        """The project's folder in the lake."""
        return self.root / self.settings.project

    @property
    def spark(self) -> SparkSession:
        """The session, started when first asked for."""
        return self.tables.spark

    def sign(self, stage: str, recipe: str = "", read: Mapping[str, int] | None = None) -> None:
        """Signs the commits that follow with this run, stage and recipe, and what they read beside their position."""
        self.tables.stamp(Stamp(self.run_id, stage, __version__, recipe, read=dict(read or {})))

    def versions(self, *tables: str) -> dict[str, int]:
        """Table -> its latest version, for those that exist."""
        return {table: version for table in tables if (version := self.tables.log(table).version()) is not None}

    def ready(self) -> None:
        """Raises UsageError if the folders of the project, or of `ops`, cannot be written, or are half restored."""
        if (mark := self.folder / RESTORING).exists():
            half = mark.read_text(encoding="utf-8")
            raise UsageError(
                f"{self.settings.project} was not restored to the end: {half}", hint="lakehouse-nlp restore, as before"
            )
        for folder in (self.folder / "tables", self.root / "ops" / "tables"):
            place = next(up for up in (folder, *folder.parents) if up.exists())
            try:
                tempfile.TemporaryFile(dir=place).close()
            except OSError as error:
                raise UsageError(
                    f"{folder} cannot be written: {error}", hint="--set lake.root=FOLDER, or make room"
                ) from error

    @property
    def lost(self) -> bool:
        """Whether a session was started and does not answer any more."""
        from lakehouse_nlp.core.session import alive

        return self.tables.touched and not alive(self.spark)

    def renew(self) -> bool:
        """Forgets a session that was lost: who asks next gets a new one. False where a platform brought it."""
        from lakehouse_nlp.core.session import forget

        forgotten = forget()
        if forgotten:
            self.tables.disconnect()
        return forgotten

    def group(self, stage: str) -> None:
        """Puts the Spark jobs that follow under this run, and their stage."""
        from lakehouse_nlp.core.session import group

        if self.tables.touched:
            group(self.spark, self.run_id, f"lakehouse-nlp {self.settings.project} {stage}")

    def reconnect(self) -> None:
        """Makes the session fit for questions after one was broken off."""
        from lakehouse_nlp.core.session import reconnect

        if self.tables.touched:
            reconnect(self.spark)

    def cancel(self) -> None:
        """Ends the Spark jobs of this run that go on. May be called in any thread."""
        from lakehouse_nlp.core.session import cancel

        if self.tables.touched:
            cancel(self.spark, self.run_id)

    def close(self) -> None:
        """Ends the session, if this context started one."""
        from lakehouse_nlp.core.session import stop

        if self.tables.touched:
            stop(self.spark)

    def _session(self) -> SparkSession:
        from lakehouse_nlp.core.session import session

        warehouse = {"spark.sql.warehouse.dir": str(self.root / ".warehouse")}  # else a folder appears where one stands
        spark = self.settings.spark.model_copy(update={"conf": {**warehouse, **self.settings.spark.conf}})
        return session(spark, f"lakehouse-nlp {self.settings.project}")
