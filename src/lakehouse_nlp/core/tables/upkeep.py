"""Small files of a table made large, and files that no version needs any more deleted; by delta-rs, without a JVM."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from lakehouse_nlp.core.tables.log import Log, Stamp

if TYPE_CHECKING:
    from deltalake import CommitProperties

# Up to here Delta itself remembers the files that went; of those that went earlier, only older versions tell.
REMEMBERED = timedelta(days=7)


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
