"""`score --follow` in a process of its own: killed in the middle of a batch, begun again, fed, and told to end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lake
import pytest

pytestmark = pytest.mark.flow

KILLER = Path(__file__).with_name("killer.py")
FOLLOW = ("score", "--follow", "--every", "0.5")


@contextmanager
def following(home: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A process that follows the home's gold; it is gone after the block, whatever happens there."""
    process = lake.begin(lake.BIN / "lakehouse-nlp", *FOLLOW, *more, "--home", home, cwd=home)
    try:
        yield process
    finally:
        if process.poll() is None:
            lake.kill_group(process)


def wait_for(home: Path, rows: int) -> None:
    """Waits until so many rows are scored."""
    until = time.monotonic() + lake.TIMEOUT
    while not (home / "lake/demo/tables/predictions").exists() or lake.count(home, "demo.predictions") < rows:
        assert time.monotonic() < until, "nothing more was scored"
        time.sleep(0.5)


def test_killed_in_a_batch_begun_again_and_ended_by_a_signal_all_is_scored_once(
    base: Path, clean: lake.Clean, tmp_path: Path
) -> None:
    home = lake.forget(lake.copy(clean.home, tmp_path / "followed"), "predictions", "ops.metrics")
    died = lake.begin(sys.executable, KILLER, "merge_once:predictions:after:1", *FOLLOW, "--home", home, cwd=home)
    died.communicate(timeout=lake.TIMEOUT)
    lake.wait_for_group(died.pid)
    assert died.returncode == -signal.SIGKILL

    scored, wanted = (lake.count(where, "demo.predictions") for where in (clean.home, lake.grown(base)))
    assert lake.count(home, "demo.predictions") == scored
    with following(home) as process:
        lake.add_more(home)
        lake.done(home, "run", "ingest", "silver", "gold")
        wait_for(home, wanted)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=lake.TIMEOUT)
    assert process.returncode == 0, said
    assert "following demo.gold; Ctrl-C or SIGTERM ends it after the batch in hand" in said
    assert f"{wanted - scored:,} rows scored by demo/1" in said
    lake.wait_for_group(process.pid)
    assert lake.differences(home, lake.grown(base), ("predictions",)) == {}
    assert json.loads(lake.done(home, "plan", "score", "--json")) == []


def test_it_ends_by_itself_after_its_time_and_a_second_one_waits_for_it(clean: lake.Clean, tmp_path: Path) -> None:
    home = lake.copy(clean.home, tmp_path / "twice")
    with following(home) as first:
        assert first.stdout
        assert any("following demo.gold" in line for line in first.stdout)
        with following(home, "--for", "1s") as second:
            assert second.stdout
            assert f"process {first.pid} on " in second.stdout.readline()
            first.send_signal(signal.SIGINT)
            first.communicate(timeout=lake.TIMEOUT)
            assert first.returncode == 0
            said, _ = second.communicate(timeout=lake.TIMEOUT)
            assert second.returncode == 0, said
            assert "following demo.gold" in said
