"""What a Delta table's own log says: versions, rows, who wrote which commit. Read by delta-rs, so no JVM is needed.

Every commit of ours carries a stamp in its `userMetadata` (delta.io, "Table batch reads and writes"). The stamp also
says up to which version of its source a commit has come, so data and progress are one atomic write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deltalake import DeltaTable

# Operations that leave every row as it was.
UPKEEP = frozenset(
    {
        "CREATE TABLE",
        "ADD COLUMNS",
        "ADD CONSTRAINT",
        "DROP CONSTRAINT",
        "CHANGE COLUMN",
        "SET TBLPROPERTIES",
        "UNSET TBLPROPERTIES",
        "UPGRADE PROTOCOL",
        "OPTIMIZE",
        "VACUUM START",
        "VACUUM END",
    }
)
# Commits that are read at once: what is asked for is mostly among them, and a table that is followed has thousands.
NEWEST = 20


@dataclass(frozen=True)
class Stamp:
    """Who wrote a commit, by which recipe (a hash of settings, or model versions), and how far its sources were read.

    `upto`: source table -> its version. `read`: what else the commit was made of, where that is no position: a batch of
    files (`raw`), the gold of a backfill, tables that were looked into.
    """

    run_id: str
    stage: str
    code: str
    recipe: str = ""
    upto: dict[str, int] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)

    def reaching(self, upto: Mapping[str, int] | None) -> Stamp:
        """The same stamp with the position up to which sources were read."""
        return replace(self, upto=dict(upto or {}))

    def to_json(self) -> str:
        """The stamp as `userMetadata` holds it; without `read` where that is empty, as earlier releases know it."""
        told = {name: value for name, value in asdict(self).items() if name != "read" or value}
        return json.dumps(told, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | None) -> Stamp | None:
        """The stamp in `userMetadata`, or None where somebody else wrote the commit."""
        try:
            return cls(**json.loads(text or ""))
        except (ValueError, TypeError):
            return None


class Log:
    """The log of the Delta table in one folder, as it was when first asked."""

    def __init__(self, path: Path) -> None:
        """`path`: the table's folder; it need not exist."""
        self.path = path

    @property
    def exists(self) -> bool:
        """Whether a Delta table is there."""
        return any((self.path / "_delta_log").glob("*.json"))

    @cached_property
    def table(self) -> DeltaTable:
        """The table as delta-rs has it. Raises deltalake's TableNotFoundError where there is none."""
        from deltalake import DeltaTable

        return DeltaTable(str(self.path))

    def version(self) -> int | None:
        """The latest version, or None where there is no table."""
        return self.table.version() if self.exists else None

    def rows(self) -> int:
        """The number of rows, from the log's statistics; 0 where there is no table."""
        return self.table.count() if self.exists else 0

    def rows_at(self, version: int) -> int | None:
        """The number of rows of a version; None where the log does not know it any more."""
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        try:
            return DeltaTable(str(self.path), version=version).count()
        except DeltaError:
            return None

    def sizes(self) -> list[int]:
        """The bytes of each of the table's files."""
        import pyarrow as pa

        return pa.table(self.table.get_add_actions())["size_bytes"].to_pylist() if self.exists else []

    def constraints(self) -> dict[str, str]:
        """The table's CHECK constraints, name in lower case -> rule."""
        properties = self.table.metadata().configuration if self.exists else {}
        prefix = "delta.constraints."
        return {n.removeprefix(prefix).lower(): rule for n, rule in properties.items() if n.startswith(prefix)}

    def transaction(self, app: str) -> int:
        """The latest `txnVersion` that the app has appended; -1 for none."""
        found = self.table.transaction_version(app) if self.exists else None
        return -1 if found is None else int(found)

    def transactions(self) -> dict[str, int]:
        """App -> the latest `txnVersion` that it has appended, of all apps."""
        import pyarrow.parquet as pq

        folder, found = self.path / "_delta_log", []
        checkpoints = sorted(folder.glob("*.checkpoint*.parquet"))
        newest = checkpoints[-1].name.partition(".")[0] if checkpoints else ""
        for part in checkpoints:
            if part.name.startswith(newest):
                found += [row["txn"] for row in pq.read_table(part, columns=["txn"]).to_pylist()]
        for file in sorted(folder.glob("*.json")):
            if file.stem > newest:
                found += [json.loads(line).get("txn") for line in file.read_text(encoding="utf-8").splitlines()]
        return {txn["appId"]: txn["version"] for txn in found if txn}

    def commits(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Versions and their commit information, newest first; the older ones are read when asked for."""
        newest = self._history(NEWEST) if self.exists else []
        yield from ((info["version"], info) for info in newest)
        if len(newest) == NEWEST:
            oldest = newest[-1]["version"]
            yield from ((info["version"], info) for info in self._history() if info["version"] < oldest)

    def _history(self, most: int | None = None) -> list[dict[str, Any]]:
        """The newest commits. delta-rs lists up to the newest one that is there, and numbers them from the one that it
        has loaded: where another came meanwhile, all would be one off.
        """
        while True:
            found = self.table.history(most)
            if not (self.path / f"_delta_log/{self.table.version() + 1:020}.json").exists():
                return found
            self.__dict__.pop("table", None)

    def changed(self) -> int | None:
        """The latest version that wrote or removed rows; upkeep and schema changes do not count. None: never."""
        return next((version for version, info in self.commits() if info["operation"] not in UPKEEP), None)

    def alike(self, version: int) -> int:
        """The newest version with the rows of this one: once they are merged, upkeep deletes this one's own files."""
        later = takewhile(lambda commit: commit[0] > version, self.commits())
        for at, info in reversed(list(later)):
            if at != version + 1 or info["operation"] not in UPKEEP:
                break
            version = at
        return version

    def values(self, column: str) -> set[Any]:
        """The values of a column: from the log where that says, else by reading it."""
        from lakehouse_nlp.core import duck

        if (found := self.throughout(column)) is not None:
            return found
        asked = duck.batches(self.path, None, f'SELECT DISTINCT "{column}" FROM {{table}}')
        return {value for batch in asked for value in batch[column].to_pylist()}

    def throughout(self, column: str) -> set[Any] | None:
        """The values of a column that has one in each file, from the log's statistics; None: they do not say so."""
        import pyarrow as pa

        files = pa.table(self.table.get_add_actions(flatten=True)) if self.exists else None
        if not files:
            return set()
        names = [f"{name}.{column}" for name in ("min", "max", "null_count")]
        if not set(names) <= set(files.column_names):
            return None
        least, most, nulls = (files[name].to_pylist() for name in names)
        return set(least) if least == most and set(nulls) == {0} and None not in least else None

    def vacuumed(self, since: int) -> bool:
        """Whether files were deleted after version `since`: its change data feed may be gone then."""
        later = takewhile(lambda commit: commit[0] > since, self.commits())
        return any(info["operation"] == "VACUUM END" for _, info in later)

    def last(self, stage: str, recipe: str | None = None) -> Stamp | None:
        """The newest stamp with a position that the stage left; of this recipe, alone or among others, if given."""
        for _, info in self.commits():
            stamp = Stamp.from_json(info.get("userMetadata"))
            if stamp and stamp.upto and stamp.stage == stage and recipe in (None, stamp.recipe, *stamp.recipe.split()):
                return stamp
        return None

    def stamped(self, version: int) -> Stamp | None:
        """The stamp of one commit; None where it has none, or is not known any more."""
        return next((Stamp.from_json(info.get("userMetadata")) for v, info in self.commits() if v == version), None)

    def written(self, run_id: str, stage: str, since: int | None = None) -> dict[str, int]:
        """The numbers that Delta kept for the newest commit of this run and stage, such as `numOutputRows`.

        `since`: only commits after this version count.
        """
        for version, info in self.commits():
            if since is not None and version <= since:
                break
            stamp = Stamp.from_json(info.get("userMetadata"))
            if stamp and stamp.run_id == run_id and stamp.stage == stage and info["operation"] not in UPKEEP:
                return {k: int(v) for k, v in info.get("operationMetrics", {}).items() if str(v).isdigit()}
        return {}


def moved(numbers: Mapping[str, int]) -> tuple[int, int]:
    """Rows that a commit was given, and rows of these that it inserted or updated, by Delta's numbers of it."""
    if "numSourceRows" in numbers:  # a merge; its numOutputRows counts the rows that were only copied, too
        changed = numbers.get("numTargetRowsInserted", 0) + numbers.get("numTargetRowsUpdated", 0)
        return numbers["numSourceRows"], changed
    return numbers.get("numOutputRows", 0), numbers.get("numOutputRows", 0)


def brought(numbers: Mapping[str, Any]) -> int | None:
    """Rows that came or changed with a commit, by the numbers that Spark or delta-rs kept with it; None: not told."""
    counts = {name: int(value) for name, value in numbers.items() if str(value).isdigit()}
    if "num_added_rows" in counts:
        return counts["num_added_rows"]
    return moved(counts)[1] if {"numOutputRows", "numSourceRows"} & set(counts) else None
