"""What a run is expected to write, and whether the disk has room for it."""

from __future__ import annotations

import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pydantic import ValidationError

from lakehouse_nlp.core import disk
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.retry import can_pass
from lakehouse_nlp.core.settings.disk import Disk

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
Usage = namedtuple("Usage", "total used free")
GB = 10**9


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes every disk have so many bytes free."""
    return lambda left: monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(9 * GB, 9 * GB - left, left))


def _ran(ctx: Context, *runs: tuple[str, str, int, int]) -> None:
    """Runs of a project: their id, the bytes that its steps wrote in two, and the raw bytes that it loaded."""
    steps = [
        {"project": project, "run_id": run, "stage": stage, "state": "done", "bytes_written": written // 2}
        for project, run, written, _ in runs
        for stage in ("ingest", "silver")
    ]
    files = [{"project": p, "run_id": run, "state": "loaded", "bytes": raw} for p, run, _, raw in runs if raw]
    for table, rows in (("steps", steps), ("files", files)):
        write_deltalake(ctx.root / "ops" / "tables" / table, pa.Table.from_pylist(rows), mode="append")


def _wait(ctx: Context, name: str, size: int) -> None:
    with (ctx.folder / "raw" / "train" / name).open("wb") as file:
        file.truncate(size)


def test_a_project_without_history_is_expected_to_write_a_multiple_of_what_waits(
    home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home)
    assert disk.expected(ctx) == 0
    _wait(ctx, "a.csv", 1000)
    _wait(ctx, "b.csv.gz", 100)
    _wait(ctx, ".copying.csv", 10**9)
    assert disk.expected(ctx) == 8 * (1000 + 5 * 100)
    assert disk.expected(ctx, ingest=False) == 0


def test_it_is_expected_to_write_what_the_largest_of_the_last_wrote_and_more_for_more(
    home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home)
    runs = [("tiny", f"run-{n:02}", 1000 * n, 10 * n) for n in range(1, 12)]
    _ran(ctx, ("tiny", "run-00", 10**9, 10**6), *runs, ("other", "run-99", 10**8, 10**5))
    assert disk.expected(ctx) == 11_000  # run-00 was too long ago
    _wait(ctx, "a.csv", 110)
    assert disk.expected(ctx) == 11_000
    _wait(ctx, "b.csv", 50)
    assert disk.expected(ctx) == 11_000 + 8 * 50


@pytest.mark.parametrize(
    ("left", "state"), [(9 * GB, "ok"), (5 * GB + 80_000, "ok"), (5 * GB, "low"), (GB + 80_000, "low"), (GB, "full")]
)
def test_what_would_be_left_counts(
    home: Path, make_context: MakeContext, free: Callable[[int], None], left: int, state: str
) -> None:
    said: list[str] = []
    ctx = make_context(home)
    ctx.say = said.append
    _wait(ctx, "a.csv", 10_000)
    free(left)
    (room,) = disk.rooms(ctx)
    assert (room.free, room.needs, room.state) == (left, 80_000, state)
    if state == "full":
        with pytest.raises(UsageError, match=r"1.00 GB free, and a run needs about 0.00: less than 1GB") as refused:
            disk.guard(ctx)
        assert not can_pass(refused.value)
        disk.guard(make_context(home, disk={"min_free": None, "warn": None}))
    else:
        disk.guard(ctx)
    assert len(said) == (state == "low")


def test_settings_that_would_warn_nobody_are_refused() -> None:
    assert (Disk().least, Disk().low) == (GB, 5 * GB)
    assert Disk.model_validate({"min_free": "1.5kB", "warn": None}).least == 1500
    with pytest.raises(ValidationError, match="warn is 1MB, and runs are refused below 2MB already"):
        Disk.model_validate({"min_free": "2MB", "warn": "1MB"})
    with pytest.raises(ValidationError):
        Disk.model_validate({"min_free": "2 gigs"})
