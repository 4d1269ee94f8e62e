"""Ingest and silver under faults: killed, out of disk, not allowed to write, twice at once, files and clocks that move.

Afterwards a normal run leaves the tables, the files and the ledger of a run that nobody disturbed.
"""

from __future__ import annotations

import functools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import disturbed
import lake
import pytest
from deltalake import DeltaTable

pytestmark = [pytest.mark.flow, pytest.mark.faults]

KILLER = Path(__file__).with_name("killer.py")
HOMES, KILLS = 5, 4
MOST_HOMES = 8  # in the place of one
ROOM = (100, 700, 2500)  # kilobytes that are free when a run begins


def started(base: Path, name: str) -> Path:
    """A home of its own whose files wait in `raw/`."""
    disturbed.reference(base)
    return lake.copy(disturbed.pristine(base), base / f"faults_{name}")


def run(home: Path) -> subprocess.CompletedProcess[str]:
    return lake.cli(home, *disturbed.COMMAND)


def killed_at_random(place: int, base: Path) -> dict[str, Any]:
    """Kills in a row; a home whose run ends before its moment has nothing left to kill, and another takes its place."""
    rng, seconds = random.Random(f"home {place}"), disturbed.reference(base).seconds
    kills = homes = 0
    while kills < KILLS and homes < MOST_HOMES:
        home, homes = started(base, f"kills_{place}_{homes}"), homes + 1
        for delay in disturbed.moments(rng, KILLS - kills, seconds):
            if not disturbed.killed(home, delay):
                break
            kills += 1
    return {"home": home, "kills": kills, "last": run(home)}


def disk_full(base: Path) -> dict[str, Any]:
    """The lake is a small disk, which is made a little larger after each run."""
    home = started(base, "disk")
    if why := disturbed.why_no_mounts(base):
        return {"skip": why}
    with (home / "conf/projects/demo.yml").open("a") as settings:
        settings.write("disk: {min_free: null, warn: null}\n")  # it shall run into the end of the disk
    disk, kept = home / "lake", (home / "lake").rename(home / "kept")
    with disturbed.mounted(disk, "-t", "tmpfs", "-o", "size=1g", "none"):
        shutil.copytree(kept, disk, dirs_exist_ok=True)
        ended = []
        for room in ROOM:
            disturbed.mount("-o", f"remount,size={disturbed.used(disk) + room}k", disk)
            ended.append(run(home))
        disturbed.mount("-o", "remount,size=1g", disk)
        last = run(home)
        shutil.copytree(disk, home / "after")
    disk.rmdir()
    (home / "after").rename(disk)
    return {"home": home, "ended": ended, "last": last}


def read_only(base: Path) -> dict[str, Any]:
    """First nothing of the lake can be written, then all but `processed/` can."""
    home = started(base, "read_only")
    if why := disturbed.why_no_mounts(base):
        return {"skip": why}
    places, ended = [lake.places(home)], []
    for folder in (home / "lake", home / "lake/demo/processed"):
        with disturbed.mounted(folder, "--bind", folder):
            disturbed.mount("-o", "remount,ro,bind", folder)
            ended.append(run(home))
            places.append(lake.places(home))
    return {"home": home, "ended": ended, "places": places, "last": run(home)}


def two_at_once(base: Path) -> dict[str, Any]:
    home = started(base, "two")
    command = (lake.BIN / "lakehouse-nlp", *disturbed.COMMAND, "--home", home)
    both = [lake.begin(*command, cwd=home) for _ in range(2)]
    said = [process.communicate(timeout=lake.TIMEOUT)[0] for process in both]
    return {"home": home, "said": said, "codes": sorted(process.returncode for process in both), "last": run(home)}


def growing(base: Path) -> dict[str, Any]:
    """One file is appended to from before the run begins until it has ended."""
    home = started(base, "growing")
    path = home / "lake/demo/raw/train" / disturbed.GROWING
    path.write_text("".join(disturbed.LINES[:10]), encoding="utf-8")
    grower = disturbed.Grower(path, "".join(disturbed.LINES[10:]))
    grower.start()
    first = run(home)
    between = lake.places(home)
    alone = lake.count(home, "demo.bronze", f"_file = '{disturbed.GROWING}'")
    grower.finish()
    return {"home": home, "first": first, "between": between, "alone": alone, "last": run(home)}


def clock_back(base: Path) -> dict[str, Any]:
    """A run dies with its files claimed, by a clock that is a year ahead; the next ones have the right time."""
    home = started(base, "clock")
    process = lake.begin(
        sys.executable, KILLER, "record:ops.files:after:1", *disturbed.COMMAND, "--home", home, cwd=home
    )
    process.communicate(timeout=lake.TIMEOUT)
    lake.wait_for_group(process.pid)
    ledger = DeltaTable(home / "lake/ops/tables/files")
    ledger.update(updates={"recorded_at": "recorded_at + interval '365 days'"})
    ahead = time.time() + 365 * 86400
    for path in [*(home / "lake/demo/processed").glob("*"), *(home / "lake/demo/raw").rglob("*.csv")]:
        os.utime(path, (ahead, ahead))
    last = run(home)
    return {"home": home, "died": process.returncode, "last": last, "again": run(home)}


KILLED = [f"killed {place}" for place in range(HOMES)]
SCENARIOS: dict[str, Callable[[Path], Any]] = {
    **{name: functools.partial(killed_at_random, place) for place, name in enumerate(KILLED)},
    "disk full": disk_full,
    "read only": read_only,
    "two at once": two_at_once,
    "growing": growing,
    "clock back": clock_back,
}


@pytest.fixture
def outcome(outcome: dict[str, Any]) -> dict[str, Any]:
    """What the scenario gave, where it could be played."""
    if "skip" in outcome:
        pytest.skip(outcome["skip"])
    return outcome


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_table_is_that_of_an_undisturbed_run(scenario: str, outcome: dict[str, Any], base: Path) -> None:
    wanted = disturbed.reference(base)
    assert wanted.code == 1, wanted.said  # three of its files are refused
    assert lake.count(wanted.home, "demo.bronze") > disturbed.ROWS + len(disturbed.LINES)
    assert outcome["last"].returncode in (0, 1), outcome["last"].stderr
    assert "Traceback" not in outcome["last"].stderr
    without = () if scenario in ("two at once", *KILLED) else ("_batch",)
    assert lake.differences(outcome["home"], wanted.home, disturbed.TABLES, without) == {}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_file_ends_in_one_place_and_nothing_is_left_in_chunks(
    scenario: str, outcome: dict[str, Any], base: Path
) -> None:
    wanted = disturbed.reference(base).home
    assert lake.places(outcome["home"]) == lake.places(wanted)
    assert not any(place.startswith("raw/") for place in lake.places(wanted))
    for home in (wanted, outcome["home"]):
        assert [path for path in (home / "lake/demo/chunks").rglob("*") if path.is_file()] == []
    told = ("name", "purpose", "state", "rows", "records", "set_aside", "place", "failed", "version")
    if scenario != "clock back":  # there the newest row is not the last
        assert _ledger(outcome["home"], told) == _ledger(wanted, told)


def test_twenty_runs_were_killed(pool: lake.Pool) -> None:
    assert [pool.outcome((__name__, name))["kills"] for name in KILLED] == [KILLS] * HOMES


@pytest.mark.parametrize("scenario", ["disk full"])
def test_a_full_disk_is_told_as_such(outcome: dict[str, Any]) -> None:
    codes = [ended.returncode for ended in outcome["ended"]]
    assert 0 not in codes, codes
    for ended in outcome["ended"]:
        assert "error: " in ended.stderr
        assert "No space left" in ended.stderr, ended.stderr


@pytest.mark.parametrize("scenario", ["read only"])
def test_a_folder_that_cannot_be_written_is_named(outcome: dict[str, Any]) -> None:
    whole, processed = outcome["ended"]
    assert whole.returncode == 2, whole.stderr
    assert f"{outcome['home']}/lake" in whole.stderr
    assert outcome["places"][0] == outcome["places"][1]
    assert processed.returncode in (2, 3), processed.stderr
    assert "processed" in processed.stderr[processed.stderr.index("error: ") :]


@pytest.mark.parametrize("scenario", ["two at once"])
def test_of_two_runs_at_once_one_waits_and_finds_nothing(outcome: dict[str, Any]) -> None:
    assert outcome["codes"] == [0, 1], outcome["said"]  # the one that did the work had files to refuse
    assert not any("Traceback" in said for said in outcome["said"])


@pytest.mark.parametrize("scenario", ["growing"])
def test_a_file_that_grows_is_left_where_it_is(outcome: dict[str, Any]) -> None:
    assert outcome["first"].returncode in (0, 1), outcome["first"].stderr
    assert f"raw/train/{disturbed.GROWING}" in outcome["between"]
    assert [place for place in outcome["between"] if disturbed.GROWING in place] == [f"raw/train/{disturbed.GROWING}"]
    assert "processed/good.jsonl" in outcome["between"]
    assert outcome["alone"] == 0


@pytest.mark.parametrize("scenario", ["clock back"])
def test_a_clock_that_goes_back_brings_no_file_up_again(outcome: dict[str, Any]) -> None:
    assert outcome["died"] == -signal.SIGKILL
    assert outcome["again"].returncode == 0, outcome["again"].stderr
    assert outcome["again"].stdout.startswith("nothing to do"), outcome["again"].stdout


def _ledger(home: Path, told: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """These columns of the newest row of every file."""
    newest = """SELECT * FROM ops.files
                QUALIFY row_number() OVER (PARTITION BY name, file_hash, purpose ORDER BY recorded_at DESC) = 1"""
    return sorted((tuple(row[name] for name in told) for row in lake.ask(home, newest)), key=str)
