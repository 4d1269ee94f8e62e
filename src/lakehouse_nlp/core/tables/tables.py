"""The tables of one project, and the shared `ops` tables: their making, reading by version, and every way of writing.

Appends are kept to once by Delta's `txnAppId` and `txnVersion` (delta.io, "Idempotent table writes"); merges and
replacements give the same table however often they run. Positions are in the commits' stamps (`log.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.tables import ddl, direct, upkeep
from lakehouse_nlp.core.tables.catalog import Catalog
from lakehouse_nlp.core.tables.changes import Change, note
from lakehouse_nlp.core.tables.rivals import unless_done, unless_overtaken

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# What the change data feed adds to the columns (delta.io, "Change data feed").
FEED = ("_change_type", "_commit_version", "_commit_timestamp")


class Tables(Catalog):
    """Reads and writes tables by short name: `bronze` is `<project>.bronze`; `ops.files` is what it says."""

    # -- being there ------------------------------------------------------------------------------------------------

    def ensure(self, table: str, columns: Mapping[str, str] | None = None) -> str:
        """The table's SQL name, after making it, or adding the declared columns that it lacks.

        Each added column is a row of `ops.schema_changes`. Raises DataError where a column's type was changed.
        """
        name = self.name(table)
        self._sign()
        location = "" if self.catalog else f"LOCATION '{self._uri(table)}'"
        statements = ddl.statements(table.split(".")[-1], name, location, columns or {})
        with nullcontext() if self.catalog or self.log(table).exists else self._alone():
            if (log := self.log(table)).exists:
                self.attach(table)
                upkeep.keep_log(log, ddl.retention(statements[0]))
                ddl.create(self.spark, statements[1:], log.constraints())
                self._evolve(table, columns or {})
            else:
                ddl.clear(self.path(table))
                self._place(table)
                ddl.create(self.spark, statements if self.catalog else ddl.in_one_commit(statements), {})
        return name

    def widen(self, table: str, columns: Mapping[str, str], file: str | None = None) -> None:
        """Adds those columns that the table lacks and nobody declared; `file` brought them."""
        self.attach(table)
        self._sign()
        self._evolve(table, columns, ddl.FOUND, file)

    def found(self, table: str) -> tuple[str, ...]:
        """The columns that `widen` added."""
        return ddl.found(self.spark, self.attach(table))

    def _evolve(
        self, table: str, columns: Mapping[str, str], comment: str = ddl.DECLARED, file: str | None = None
    ) -> None:
        """Notes a change before it makes it: noted twice it counts once, and a killed run forgets none."""
        try:
            new = ddl.missing(self.spark, self.name(table), columns)
        except ddl.TypeChangedError as error:
            note(self, [Change(table, error.column, error.was, "type_changed", found=f"settings say {error.now}")])
            raise
        if new:
            note(self, [Change(table, column, kind, "added", file) for column, kind in new.items()])
            self._sign()
            added = ", ".join(f"`{column}` {kind} COMMENT '{comment}'" for column, kind in new.items())
            self.spark.sql(f"ALTER TABLE {self.name(table)} ADD COLUMNS ({added})")

    # -- reading ----------------------------------------------------------------------------------------------------

    def read(self, table: str, version: int | None = None) -> DataFrame:
        """The table's rows, now or as of a version: with the columns of then, which an option of the reader forgets."""
        name = self.attach(table)
        if version is None:
            return self.spark.table(name)
        return self.spark.sql(f"SELECT * FROM {name} VERSION AS OF {self.log(table).alike(version)}")

    def changes(self, table: str, since: int | None, upto: int, key: Sequence[str] = ()) -> DataFrame:
        """The rows that came or changed after version `since` (None: ever) and are there in version `upto`.

        With a key, one row a key: as its last change left it. Without one, for tables that only grow, every row.
        Read from Delta's change data feed, so the cost is that of the change and not of the table.
        """
        if since is None:
            return self.read(table, upto)
        feed = self._feed(table, since, upto).where("_change_type <> 'update_preimage'")
        return (_last_of(feed, key) if key else feed).where("_change_type <> 'delete'").drop(*FEED)

    def stream(self, table: str) -> DataFrame:
        """A stream of the rows that the newest commit wrote, and each that comes; rows that it only copied, too."""
        reader = self.spark.readStream.option("startingVersion", str(self.log(table).version()))
        return reader.option("ignoreChanges", "true").table(self.attach(table))

    def replaced(self, table: str, since: int, upto: int, key: Sequence[str]) -> DataFrame:
        """The rows that were updated after version `since`, as they were then; one row a key."""
        from pyspark.sql import Window
        from pyspark.sql import functions as F

        feed = self._feed(table, since, upto).where("_change_type = 'update_preimage'")
        first = F.row_number().over(Window.partitionBy(*key).orderBy("_commit_version"))
        return feed.withColumn("_place", first).where("_place = 1").drop("_place", *FEED)

    def _feed(self, table: str, since: int, upto: int) -> DataFrame:
        reader = self.spark.read.option("readChangeFeed", "true").option("startingVersion", since + 1)
        return reader.option("endingVersion", upto).table(self.attach(table))

    # -- writing ----------------------------------------------------------------------------------------------------

    def append_once(
        self, table: str, rows: DataFrame, *, app: str, version: int, upto: Mapping[str, int] | None = None
    ) -> dict[str, int]:
        """Appends the rows unless this app has appended this version, or a later one, before.

        Returns Delta's numbers of the commit; empty if there was nothing left to do.
        """
        before = self.log(table).version()
        self._sign(upto)
        once = rows.writeTo(self.attach(table)).option("txnAppId", app).option("txnVersion", str(version))
        unless_done(once.append)
        return self.log(table).written(self._stamp.run_id, self._stamp.stage, since=before)

    def merge_once(
        self,
        table: str,
        rows: DataFrame,
        *,
        on: Sequence[str],
        changed: str = "true",
        within: str = "true",
        upto: Mapping[str, int] | None = None,
        single: bool = False,
    ) -> dict[str, int]:
        """Inserts new keys, and updates the old ones where `changed` holds (a condition over `old` and `new`).

        `within`: what is known of all old rows that can match, so that only their files are read. `single`: a key is
        known to come once; else DataError names those that come more than once. What is written is null in the columns
        of the table that the rows lack. Returns Delta's numbers of the commit; empty if there was none.
        """
        before = self.log(table).version()
        if not single:
            self._refuse_doubles(table, rows, on)
        if not self._first(table, rows, upto):
            name, match = self.attach(table), " AND ".join([within, *(f"old.`{c}` = new.`{c}`" for c in on)])

            def merge() -> None:
                self._sign(upto)
                self._whole(table, rows).createOrReplaceTempView("_new")
                self.spark.sql(
                    f"MERGE INTO {name} AS old USING _new AS new ON {match} "
                    f"WHEN MATCHED AND {changed} THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
                )
                self.spark.catalog.dropTempView("_new")

            unless_overtaken(merge)
        self._reached(table, upto)
        return self.log(table).written(self._stamp.run_id, self._stamp.stage, since=before)

    def _whole(self, table: str, rows: DataFrame) -> DataFrame:
        """The rows with null in the columns of the table that they lack: `SET *` asks for all, as appends do not."""
        from pyspark.sql import functions as F

        there = {name.casefold() for name in rows.columns}
        lacking = [field for field in self.read(table).schema.fields if field.name.casefold() not in there]
        return rows.withColumns({field.name: F.lit(None).cast(field.dataType) for field in lacking})

    def _first(self, table: str, rows: DataFrame, upto: Mapping[str, int] | None) -> bool:
        """Appends the rows that come first to a table, which costs less than a merge; False where they are not first.

        By a transaction that a table takes once: of two processes that both find it empty, one has to merge.
        """
        log = self.log(table)
        return not log.rows() and bool(
            self.append_once(table, rows, app=f"{self.project}.{table}.first", version=1, upto=upto)
        )

    def replace_window(
        self, table: str, rows: DataFrame, *, where: str = "true", upto: Mapping[str, int] | None = None
    ) -> dict[str, int]:
        """Puts the rows in the place of all rows for which `where` holds, in one commit; new rows must satisfy it."""
        from pyspark.sql import functions as F

        self._sign(upto)
        rows.writeTo(self.attach(table)).overwrite(F.expr(where))
        return self.log(table).written(self._stamp.run_id, self._stamp.stage)

    def record(
        self,
        table: str,
        rows: Sequence[direct.Row],
        *,
        upto: Mapping[str, int] | None = None,
        once: direct.Once | None = None,
        over: str | None = None,
    ) -> None:
        """Writes a few rows of the program's own knowledge; their last column, `recorded_at`, is the time of writing.

        `once`: an app and a version, as in `append_once`; `over`: a condition, as in `replace_window`. Where a catalog
        keeps the tables, it is Spark that writes; elsewhere `direct`, which is some thirty times as fast.
        """
        if not self.catalog:
            direct.write(self.log(table), rows, self._stamp.reaching(upto), self.now(), once=once, over=over)
            return
        from pyspark.sql import functions as F
        from pyspark.sql.types import StructType

        fields = [field for field in self.read(table).schema.fields if field.name != "recorded_at"]
        frame = self.spark.createDataFrame(rows, StructType(fields[: len(rows[0])])).coalesce(1)
        frame = frame.withColumn("recorded_at", F.lit(self.now()))
        if over:
            self.replace_window(table, frame, where=over, upto=upto)
        elif once:
            self.append_once(table, frame, app=once[0], version=once[1], upto=upto)
        else:
            self._sign(upto)
            frame.writeTo(self.name(table)).append()

    # -- upkeep -----------------------------------------------------------------------------------------------------

    def compact(self, table: str) -> tuple[int, int]:
        """Writes the table's small files together: how many, and into how many."""
        return upkeep.compact(self.log(table), self._stamp)

    def order(self, table: str, by: str) -> tuple[int, int]:
        """Writes the partitions whose files overlap in a column anew in its order: how many files, into how many.

        Z-order by Spark: afterwards a value is in one file, in two at most. Order in the feed of changes stays.
        """
        log = self.log(table)
        if not (log.exists and (partitions := upkeep.out_of_order(log, by))):
            return 0, 0
        self._sign()
        return upkeep.order(self.spark, self.attach(table), by, partitions)

    def vacuum(
        self, table: str, kept_for: timedelta, versions: Sequence[int], now: datetime, *, dry_run: bool
    ) -> list[str]:
        """Deletes the files that are older and in none of the versions; which, or which would go (`dry_run`)."""
        return upkeep.vacuum(self.log(table), kept_for, versions, now, None if dry_run else self._stamp)

    def _reached(self, table: str, upto: Mapping[str, int] | None) -> None:
        """Delta makes no commit for a merge that changes nothing; the position must move all the same."""
        last = self.log(table).last(self._stamp.stage, self._stamp.recipe)
        if upto and (last is None or last.upto != dict(upto)):
            self.read(table).limit(0).writeTo(self.name(table)).append()

    def _refuse_doubles(self, table: str, rows: DataFrame, on: Sequence[str]) -> None:
        doubled = rows.groupBy(*on).count().where("count > 1").limit(5).collect()
        if doubled:
            keys = "; ".join(", ".join(f"{c}={row[c]!r}" for c in on) + f" ({row['count']} rows)" for row in doubled)
            raise DataError(
                f"{self.name(table)}: more than one row a key: {keys}", hint="one row a key must be left before a merge"
            )


def _last_of(feed: DataFrame, key: Sequence[str]) -> DataFrame:
    """The last change of each key; a commit that replaces a row deletes it and inserts it, in this order."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    newest = Window.partitionBy(*key).orderBy(F.desc("_commit_version"), F.col("_change_type") == "delete")
    return feed.withColumn("_place", F.row_number().over(newest)).where("_place = 1").drop("_place")
