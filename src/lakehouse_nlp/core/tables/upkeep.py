"""Small files of a table made large, and files that no version needs any more deleted; by delta-rs, without a JVM.

Order is Spark's to make: delta-rs leaves keys with a common beginning as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from lakehouse_nlp.core.tables.ddl import RETENTION
from lakehouse_nlp.core.tables.log import Log, Stamp

if TYPE_CHECKING:
    from deltalake import CommitProperties
    from pyspark.sql import SparkSession

# Up to here Delta itself remembers the files that went; of those that went earlier, only older versions tell.
REMEMBERED = timedelta(days=7)
# Files that may hold a value before a table counts as out of order: a range of values may end in the middle of a file.
DEPTH = 2
# Of a Z-order: files of one task's size, and ranges that do not blur: keys have no skew to be mended by noise.
ORDERED = {
    "spark.databricks.delta.optimize.maxFileSize": str(128 << 20),
    "spark.databricks.io.skipping.mdc.addNoise": "false",
}


def keep_log(log: Log, asked: str | None) -> None:
    """Sees that a table of an earlier release keeps its commits for as long as this one asks: positions are in them."""
    if asked and log.table.metadata().configuration.get(RETENTION) != asked:
        log.table.alter.set_table_properties({RETENTION: asked})


def compact(log: Log, stamp: Stamp) -> tuple[int, int]:
    """Writes small files together (OPTIMIZE); how many, into how many. Rows and their order in the feed stay."""
    numbers = log.table.optimize.compact(commit_properties=_signed(stamp))
    return int(numbers["numFilesRemoved"]), int(numbers["numFilesAdded"])


def vacuum(log: Log, kept_for: timedelta, versions: Sequence[int], now: datetime, stamp: Stamp | None) -> list[str]:
    """Deletes what is older than `kept_for` and in none of the versions (VACUUM), files of changes and of killed runs,
    too; without a stamp it deletes nothing. Returns the files, relative to the table's folder.

    Of partitions delta-rs takes the checksums (`.part-….crc`) along that Hadoop's local file system puts beside files:
    they are missed by nobody, and are not counted.
    """
    keep = {*versions, *(_since(log, now - kept_for) if kept_for > REMEMBERED else ())}
    gone = log.table.vacuum(
        retention_hours=int(kept_for / timedelta(hours=1)),
        dry_run=stamp is None,
        enforce_retention_duration=False,
        full=True,
        keep_versions=sorted(keep),
        commit_properties=_signed(stamp) if stamp else None,
    )
    return [file for file in gone if not PurePosixPath(file).name.startswith(".")]


def out_of_order(log: Log, by: str) -> list[dict[str, Any]]:
    """The partitions in which some value of the column may be in more than `DEPTH` files, by the log's statistics.

    Each as column -> value; of a table without partitions `{}`.
    """
    import pyarrow as pa

    files = pa.table(log.table.get_add_actions(flatten=True)).to_pylist()
    partitions: dict[str, list[dict[str, Any]]] = {}
    for file in files:
        partitions.setdefault(str(_partition(file)), []).append(file)
    return [_partition(each[0]) for each in partitions.values() if _depth(each, by) > DEPTH]


def order(spark: SparkSession, name: str, by: str, partitions: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Writes these partitions of a table, known by its name in SQL, in a column's order; files before, and after."""
    each = (" AND ".join(f"`{column}` = {_literal(value)}" for column, value in one.items()) for one in partitions)
    only = " OR ".join(filter(None, each))
    with _conf(spark, ORDERED):
        (done,) = spark.sql(f"OPTIMIZE {name} {only and 'WHERE ' + only} ZORDER BY (`{by}`)").collect()
    return int(done["metrics"]["numFilesRemoved"]), int(done["metrics"]["numFilesAdded"])


def _literal(value: object) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" if isinstance(value, str) else str(value)


@contextmanager
def _conf(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """The session with these settings, and as it was after the block."""
    before = {name: spark.conf.get(name, None) for name in settings}
    try:
        for name, value in settings.items():
            spark.conf.set(name, value)
        yield
    finally:
        for name, was in before.items():
            spark.conf.unset(name) if was is None else spark.conf.set(name, was)


def _partition(file: dict[str, Any]) -> dict[str, Any]:
    prefix = "partition."
    return {name.removeprefix(prefix): value for name, value in file.items() if name.startswith(prefix)}


def _depth(files: Iterable[dict[str, Any]], by: str) -> int:
    """The most files whose ranges of the column have a value in common; a file without statistics counts nowhere."""
    ranges = [(file[f"min.{by}"], file[f"max.{by}"]) for file in files if file.get(f"min.{by}") is not None]
    steps = sorted([(low, 0, 1) for low, _ in ranges] + [(high, 1, -1) for _, high in ranges])
    return max(accumulate(step for _, _, step in steps), default=0)


def _since(log: Log, moment: datetime) -> list[int]:
    """The versions that were the newest one at the moment or later."""
    found = []
    for version, info in log.commits():
        found.append(version)
        if info["timestamp"] < moment.timestamp() * 1000:
            break
    return found


def _signed(stamp: Stamp) -> CommitProperties:
    from deltalake import CommitProperties

    return CommitProperties(custom_metadata={"userMetadata": stamp.to_json()})
