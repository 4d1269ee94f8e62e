"""Which tables there are, where they lie, and how a session knows them by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from lakehouse_nlp.core.tables.log import Log, Stamp
from lakehouse_nlp.core.uri import file_uri

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STAMP = "spark.databricks.delta.commitInfo.userMetadata"


class Catalog:
    """Tables by short name: `bronze` is `<project>.bronze`; `ops.files` is what it says."""

    def __init__(
        self,
        root: Path,
        project: str,
        connect: Callable[[], SparkSession],
        *,
        catalog: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        """`root`: the lake's folder; `connect`: gives the session, called when the first table is touched; `clock`: the
        time, UTC, at which rows are recorded.
        """
        self.root, self.project, self.catalog, self._connect = root, project, catalog, connect
        self._clock, self._written = clock, datetime.min.replace(tzinfo=timezone.utc)
        self._stamp = Stamp("", "", "")

    @cached_property
    def spark(self) -> SparkSession:
        """The session."""
        return self._connect()

    @property
    def run_id(self) -> str:
        """The run that signs the commits."""
        return self._stamp.run_id

    @property
    def touched(self) -> bool:
        """Whether the session was asked for."""
        return "spark" in vars(self)

    def now(self) -> datetime:
        """The time by the clock; never twice the same, for rows are told apart by when they were recorded."""
        self._written = max(self._clock(), self._written + timedelta(microseconds=1))
        return self._written

    def disconnect(self) -> None:
        """Forgets the session: the next table that is touched asks for one again."""
        vars(self).pop("spark", None)

    def name(self, table: str) -> str:
        """The table's name in SQL."""
        full = table if "." in table else f"{self.project}.{table}"
        return f"{self.catalog}.{full}" if self.catalog else full

    def path(self, table: str) -> Path:
        """The table's folder in the lake."""
        database, _, short = table.rpartition(".")
        return self.root / (database or self.project) / "tables" / short

    def log(self, table: str) -> Log:
        """The table's log, fresh."""
        return Log(self.path(table))

    def stamp(self, stamp: Stamp) -> None:
        """Signs every commit from now on."""
        self._stamp = stamp

    def attach(self, table: str) -> str:
        """Makes an existing table known to this session by name; a catalog knows it already."""
        name = self.name(table)
        known = _known(self.spark).get(name) == self._uri(table) and self.spark.catalog.tableExists(name)
        if not self.catalog and not known:
            self._place(table)
            self.spark.sql(f"CREATE TABLE {name} USING DELTA LOCATION '{self._uri(table)}'")
        return name

    def _place(self, table: str) -> None:
        """Makes room for the table's name: its schema is there, and no table of another lake goes by it."""
        self._schema(table)
        if not self.catalog:
            self.spark.sql(f"DROP TABLE IF EXISTS {self.name(table)}")  # forgets the name; files at a LOCATION stay
            _known(self.spark)[self.name(table)] = self._uri(table)

    def attach_all(self) -> SparkSession:
        """The session with every table of the project, the `ops` tables and the views of `sql/` known by name."""
        from pyspark.errors import AnalysisException

        from lakehouse_nlp.core.duck import tables
        from lakehouse_nlp.core.views import views

        found = {name for name in tables(self.root) if name.partition(".")[0] in (self.project, "ops")}
        for name in found:
            self.attach(name.removeprefix(f"{self.project}."))
        for view, query in [] if self.catalog else views(self.project, found, "spark"):
            with suppress(AnalysisException):  # columns of a later release, which the next run adds
                self.spark.sql(f"CREATE OR REPLACE VIEW {view} AS {query}")
        return self.spark

    def _schema(self, table: str) -> None:
        database = self.name(table).rpartition(".")[0]
        location = "" if self.catalog else f" LOCATION '{_location(self.path(table).parent)}'"
        self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {database}{location}")

    def _uri(self, table: str) -> str:
        return _location(self.path(table))

    def _alone(self) -> AbstractContextManager[object]:
        """One process of the lake at a time: projects that begin at once share the tables of `ops`."""
        from filelock import FileLock

        self.root.mkdir(parents=True, exist_ok=True)
        return FileLock(self.root / ".making")

    def _sign(self, upto: Mapping[str, int] | None = None) -> None:
        self.spark.conf.set(STAMP, self._stamp.reaching(upto).to_json())


def _location(path: Path) -> str:
    """A folder as Spark SQL takes it between quotes."""
    return file_uri(path).replace("\\", "\\\\").replace("'", "\\'")


def _known(spark: SparkSession) -> dict[str, str]:
    """Table name -> location, of the tables that this session knows by us."""
    known: dict[str, str] = _KNOWN.setdefault(spark, {})
    return known


_KNOWN: WeakKeyDictionary[SparkSession, dict[str, str]] = WeakKeyDictionary()
