"""Files are known by content: the same bytes come once, changed ones are a version, old ones are late."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import takings
from pyspark.sql import SparkSession

from lakehouse_nlp import ingest
from lakehouse_nlp.core.context import Context

pytestmark = pytest.mark.spark

NAMES = ("id", "title")
NOW = 1_700_000_000
HOUR = 3600


@pytest.fixture(autouse=True)
def _lake(session: SparkSession) -> Iterator[None]:
    with takings.forgetting(session):
        yield


@pytest.fixture
def ctx(tmp_path: Path) -> Context:
    return takings.context(tmp_path, "known", NAMES, {"late_after": 5})


def _csv(*keys: int) -> bytes:
    return b"id,title\n" + b"".join(b"%d,t\n" % key for key in keys)


def _put(ctx: Context, name: str, content: bytes, *, hours: float = 0, purpose: str = "train") -> str:
    """Drops a file that was written so many hours ago; gives its hash."""
    takings.drop(ctx, {name: content}, purpose)
    written = NOW - hours * HOUR
    os.utime(ctx.folder / "raw" / purpose / name, (written, written))
    return hashlib.sha256(content).hexdigest()


def _ledger(ctx: Context, *columns: str) -> list[tuple[Any, ...]]:
    """What was told of each file in the end, in the order in which it was told; files that were claimed count once."""
    rows = sorted(takings.table(ctx, "ops.files"), key=lambda row: (row["recorded_at"], row["name"]))
    return [tuple(row[name] for name in ("name", "state", *columns)) for row in rows if row["state"] != "claimed"]


def _ids(ctx: Context) -> list[tuple[str, str, str]]:
    return sorted((row["id"], row["_file"], row["_purpose"]) for row in takings.table(ctx, "bronze"))


def test_the_same_bytes_come_once_whatever_their_name(ctx: Context) -> None:
    _put(ctx, "a.csv", _csv(1, 2), hours=2)
    _put(ctx, "b.csv", _csv(1, 2), hours=1)
    assert ingest.run(ctx).written == 2
    assert ingest.due(ctx) is None
    _put(ctx, "c", _csv(1, 2))
    _put(ctx, "a.csv", _csv(1, 2))
    _put(ctx, "a.csv", _csv(1, 2), purpose="inference")
    assert ingest.run(ctx).written == 2
    assert _ids(ctx) == sorted((key, "a.csv", purpose) for key in "12" for purpose in ("train", "inference"))
    told = sorted(_ledger(ctx, "purpose", "rows"), key=str)
    assert told == [
        ("a.csv", "duplicate", "train", None), ("a.csv", "loaded", "inference", 2), ("a.csv", "loaded", "train", 2),
        ("b.csv", "duplicate", "train", None), ("c", "duplicate", "train", None),
    ]  # fmt: skip
    assert [path for path in (ctx.folder / "raw").rglob("*") if path.is_file()] == []
    kept = {
        path.name for path in (ctx.folder / "processed").iterdir()
    }  # of the same bytes under one name, one is enough
    assert kept == {"a.csv", f"a~{hashlib.sha256(_csv(1, 2)).hexdigest()[:8]}.csv", "b.csv", "c"}


def test_changed_bytes_under_a_name_are_its_next_version(ctx: Context) -> None:
    for keys in ((1,), (1, 2), (1, 2, 3)):
        _put(ctx, "a.csv", _csv(*keys))
        _put(ctx, "other.csv", _csv(*keys, 9))
        assert ingest.run(ctx).written == len(keys) * 2 + 1
    versions = [row for row in _ledger(ctx, "version", "rows") if row[0] == "a.csv"]
    assert versions == [("a.csv", "loaded", 1, 1), ("a.csv", "loaded", 2, 2), ("a.csv", "loaded", 3, 3)]
    digests = [hashlib.sha256(_csv(*keys)).hexdigest()[:8] for keys in ((1, 2), (1, 2, 3))]
    kept = {path.name for path in (ctx.folder / "processed").iterdir() if path.name.startswith("a")}
    assert kept == {"a.csv", *(f"a~{digest}.csv" for digest in digests)}


def test_a_file_much_older_than_the_newest_one_is_late(ctx: Context) -> None:
    for number, hours in enumerate((20, 10, 14.9, 15.1, 10, 4, 100)):
        _put(ctx, f"{number}.csv", _csv(number), hours=hours)
        assert ingest.run(ctx).written == 1
    assert [row[2] for row in _ledger(ctx, "late")] == [False, False, False, True, False, False, True]
    assert len(_ids(ctx)) == 7


def test_a_refused_file_is_judged_again_when_it_comes_again(ctx: Context) -> None:
    digest = _put(ctx, "a.csv", b"id,name\n1,a\n")
    assert ingest.run(ctx).rejected == 1
    _put(ctx, "a.csv", b"id,name\n1,a\n")
    assert ingest.run(ctx).rejected == 1
    assert _ledger(ctx, "failed") == [("a.csv", "rejected", "columns")] * 2
    names = {path.name for path in (ctx.folder / "errors").iterdir()}
    again = f"a~{digest[:8]}.csv"
    assert names == {"a.csv", "a.csv.report.json", again, f"{again}.report.json"}


def test_refused_files_of_one_name_do_not_take_each_others_place(ctx: Context) -> None:
    contents = {"train": b"id,name\n1,a\n", "inference": b"id,name\n2,b\n"}
    for purpose, content in contents.items():
        _put(ctx, "a.csv", content, purpose=purpose)
    assert ingest.run(ctx).rejected == 2
    kept = [path for path in (ctx.folder / "errors").iterdir() if path.suffix == ".csv"]
    assert {path.read_bytes() for path in kept} == set(contents.values())
    assert all(path.with_name(path.name + ".report.json").exists() for path in kept)


def test_hidden_files_are_still_being_copied(ctx: Context) -> None:
    for name in (".a.csv", "_a.csv"):
        _put(ctx, name, _csv(1))
    assert ingest.due(ctx) is None
    assert ingest.run(ctx).written == 0
    assert sorted(path.name for path in (ctx.folder / "raw/train").iterdir()) == [".a.csv", "_a.csv"]
