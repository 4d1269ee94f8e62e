"""Scoring under faults: no row lost or doubled, and one version a run.

Workers that die, drivers that die, two at once, a registry that changes meanwhile, and rows that nobody expects.
"""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lake
import pytest

pytestmark = [pytest.mark.flow, pytest.mark.faults]

HERE = Path(__file__).parent
SCORE = ("run", "score")
BATCHES = ("--set", "score.batch_rows=50")
POISON = 50_000_000  # characters


def unscored(base: Path, name: str) -> Path:
    """A home with everything but predictions."""
    return lake.forget(lake.copy(lake.clean(base).home, base / f"scoring_{name}"), "predictions", "ops.metrics")


def killer(home: Path, point: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Scores with a deed done at one point."""
    return lake.call(sys.executable, HERE / "killer.py", point, *SCORE, "--home", home, *more, cwd=home)


def dying_worker(base: Path, name: str, master: str) -> dict[str, Any]:
    home = unscored(base, name)
    conf = ("spark.python.daemon.module=dying_daemon", "spark.python.worker.faulthandler.enabled=true")
    sets = [word for pair in conf for word in ("--set", f"spark.conf.{pair}")]
    sets += [
        "--set",
        "runs.retries.tries=1",
    ]  # what Java met, an end or a line that broke, decides whether it is tried again
    own = (f"PYTHONPATH={HERE}", f"DIES_ONCE={home / 'died'}")
    command = (lake.BIN / "lakehouse-nlp", *SCORE, "--home", home, *BATCHES, "--set", f"spark.master={master}", *sets)
    first = lake.call("env", *own, *command, cwd=home)
    left = lake.count(home, "demo.predictions")
    return {
        "home": home,
        "died": (home / "died").exists(),
        "first": first,
        "left": left,
        "last": lake.cli(home, *SCORE),
    }


def worker_killed(base: Path) -> dict[str, Any]:
    """One machine, where Spark tries a task once."""
    return dying_worker(base, "worker", "local[2]")


def worker_replaced(base: Path) -> dict[str, Any]:
    """As a cluster does it: a task is tried four times."""
    return dying_worker(base, "replaced", "local[2,4]")


def driver_killed(base: Path) -> dict[str, Any]:
    """Killed when predictions are written, and the run's own record is not."""
    home = unscored(base, "driver")
    process = lake.begin(
        sys.executable, HERE / "killer.py", "record:ops.steps:before:1", *SCORE, "--home", home, cwd=home
    )
    process.communicate(timeout=lake.TIMEOUT)
    lake.wait_for_group(process.pid)
    before = lake.versions(home)["demo.predictions"]
    last = lake.cli(home, *SCORE)
    return {"home": home, "code": process.returncode, "before": before, "last": last}


def two_at_once(base: Path) -> dict[str, Any]:
    """Two that know of each other by the lock."""
    home = unscored(base, "two")
    return {"home": home, **_both(home), "last": lake.cli(home, *SCORE)}


def two_unaware(base: Path) -> dict[str, Any]:
    """Two that hold different locks, as on a file system that knows none, into a table that is not there yet."""
    home = unscored(base, "unaware")
    return {"home": home, **_both(home, unaware=True), "last": lake.cli(home, *SCORE)}


def two_unaware_later(base: Path) -> dict[str, Any]:
    """The same into a table that has predictions: a further file came."""
    home = lake.copy(lake.clean(base).home, base / "scoring_unaware_later")
    lake.add_more(home)
    lake.done(home, "run", "ingest", "silver", "gold")
    return {"home": home, **_both(home, unaware=True), "last": lake.cli(home, *SCORE)}


def _both(home: Path, *, unaware: bool = False) -> dict[str, Any]:
    command = (lake.BIN / "lakehouse-nlp", *SCORE, "--home", home)
    lease = home / "lake/demo/.lease"
    lease.unlink(missing_ok=True)
    first = lake.begin(*command, cwd=home)
    until = time.monotonic() + lake.TIMEOUT
    while unaware and not lease.exists() and time.monotonic() < until:
        time.sleep(0.01)
    if unaware:
        lease.unlink()
    both = [first, lake.begin(*command, cwd=home)]
    said = [process.communicate(timeout=lake.TIMEOUT)[0] for process in both]
    return {"codes": [process.returncode for process in both], "said": said}


def deleted_before(base: Path) -> dict[str, Any]:
    """The version goes when it is resolved, and not loaded."""
    home = unscored(base, "deleted_before")
    first = killer(home, "ensure:predictions:before:1:delete")
    rows = lake.count(home, "demo.predictions")
    return {"home": home, "first": first, "rows": rows, "plan": lake.cli(home, "plan", "score", "--json")}


def deleted_while(base: Path) -> dict[str, Any]:
    """The version goes when its predictions are about to be written: no batch is predicted yet."""
    home = unscored(base, "deleted_while")
    first = killer(home, "merge_once:predictions:before:1:delete")
    return {"home": home, "first": first, "plan": lake.cli(home, "plan", "score", "--json")}


def alias_moved(base: Path) -> dict[str, Any]:
    """Another version becomes champion when one is resolved; the next run scores by that."""
    home = unscored(base, "alias")
    first = killer(home, "ensure:predictions:before:1:promote")
    versions = lake.ask(home, "SELECT version, count(*) AS n FROM demo.predictions GROUP BY ALL ORDER BY ALL")
    return {"home": home, "first": first, "versions": versions, "last": lake.cli(home, *SCORE)}


def poisoned(base: Path) -> dict[str, Any]:
    """Rows of 50 MB of words (as CSV: Spark reads no longer strings than 20 MB in JSON), with NUL, and with halves of
    surrogate pairs, escaped and as bytes, come to be scored.
    """
    home = lake.copy(lake.clean(base).home, base / "scoring_poisoned")
    words = "good kettle broke " * (POISON // 18)
    rows = [lake.row(2, body="a\x00b \x00"), lake.row(3, body="half \ud83d of a pair \ude00")]
    rows += [lake.row(4, title="\x00", body="\x00"), lake.row(5, body="BYTES"), lake.row(6, body="x" * 21_000_000)]
    text = "".join(json.dumps(row) + "\n" for row in rows).encode().replace(b"BYTES", b"half \xed\xa0\xbd of a pair")
    folder, long = home / "lake/demo/raw/inference", lake.row(1, body=words)
    (folder / "poisoned.jsonl").write_bytes(text)
    with (folder / "poisoned.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([long, long.values()])
    sizes = ("--set", "ingest.max_record_bytes=100000000", "--set", "spark.conf.spark.driver.memory=4g")
    return {"home": home, "first": lake.cli(home, "run", *sizes), "plan": lake.cli(home, "plan", "--json")}


SCENARIOS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "worker killed": worker_killed,
    "worker replaced": worker_replaced,
    "driver killed": driver_killed,
    "two at once": two_at_once,
    "two unaware": two_unaware,
    "two unaware later": two_unaware_later,
    "deleted before": deleted_before,
    "deleted while": deleted_while,
    "alias moved": alias_moved,
    "poisoned": poisoned,
}
WHOLE = ("worker killed", "worker replaced", "driver killed", "two at once", "two unaware", "deleted while")


@pytest.mark.parametrize("scenario", WHOLE)
def test_predictions_are_those_of_an_undisturbed_run(outcome: dict[str, Any], clean: lake.Clean) -> None:
    assert lake.differences(outcome["home"], clean.home, ("predictions",)) == {}


@pytest.mark.parametrize(
    "scenario", ["worker killed", "worker replaced", "driver killed", "two at once", "two unaware"]
)
def test_the_next_run_ends_well(outcome: dict[str, Any]) -> None:
    assert outcome["last"].returncode == 0, outcome["last"].stderr


@pytest.mark.parametrize("scenario", ["worker killed"])
def test_a_worker_that_dies_leaves_nothing_half_scored(outcome: dict[str, Any]) -> None:
    assert (outcome["died"], outcome["left"]) == (True, 0)
    assert outcome["first"].returncode != 0
    assert lake.ask(outcome["home"], "SELECT state FROM ops.runs ORDER BY run_id DESC LIMIT 2") == [
        {"state": "done"},
        {"state": "failed"},
    ]


@pytest.mark.parametrize("scenario", ["worker replaced"])
def test_where_tasks_are_tried_again_a_dead_worker_is_replaced(outcome: dict[str, Any]) -> None:
    assert outcome["died"]
    assert outcome["first"].returncode == 0, outcome["first"].stderr
    assert outcome["left"] == lake.count(outcome["home"], "demo.gold")
    assert "nothing to do" in outcome["last"].stdout


@pytest.mark.parametrize("scenario", ["driver killed"])
def test_what_was_written_before_its_record_is_not_written_again(outcome: dict[str, Any]) -> None:
    assert outcome["code"] == -signal.SIGKILL
    assert lake.versions(outcome["home"])["demo.predictions"] == outcome["before"]
    assert "nothing to do" in outcome["last"].stdout


@pytest.mark.parametrize("scenario", ["two at once"])
def test_of_two_scorers_one_waits_and_finds_nothing_left(outcome: dict[str, Any]) -> None:
    assert outcome["codes"] == [0, 0], outcome["said"]
    assert sum("waiting for" in said for said in outcome["said"]) == 1


@pytest.mark.parametrize("scenario", ["two unaware", "two unaware later"])
def test_two_scorers_that_do_not_know_of_each_other_write_every_row_once(outcome: dict[str, Any]) -> None:
    assert outcome["codes"] == [0, 0], outcome["said"]
    assert not any("waiting" in said for said in outcome["said"])
    once_each(outcome["home"])


@pytest.mark.parametrize("scenario", ["two unaware later"])
def test_a_further_file_is_scored_as_by_one(base: Path, outcome: dict[str, Any]) -> None:
    assert lake.differences(outcome["home"], lake.grown(base), ("predictions",)) == {}


@pytest.mark.parametrize("scenario", ["deleted before"])
def test_a_version_that_is_gone_before_it_is_loaded_scores_nothing(outcome: dict[str, Any]) -> None:
    assert outcome["first"].returncode != 0
    assert "demo" in outcome["first"].stderr
    assert "not found" in outcome["first"].stderr
    assert outcome["rows"] == 0
    assert json.loads(outcome["plan"].stdout) == []  # no champion, nothing to score by


@pytest.mark.parametrize("scenario", ["deleted while"])
def test_a_version_that_is_gone_after_that_scores_to_the_end(outcome: dict[str, Any]) -> None:
    assert outcome["first"].returncode == 0, outcome["first"].stderr
    once_each(outcome["home"])
    assert json.loads(outcome["plan"].stdout) == []


@pytest.mark.parametrize("scenario", ["alias moved"])
def test_a_run_keeps_to_the_version_that_it_began_with(outcome: dict[str, Any], clean: lake.Clean) -> None:
    rows = lake.count(clean.home, "demo.gold")
    assert outcome["first"].returncode == 0, outcome["first"].stderr
    assert outcome["versions"] == [{"version": 1, "n": rows}]
    assert outcome["last"].returncode == 0, outcome["last"].stderr
    by_run = "SELECT run_id, count(DISTINCT version) AS versions, count(*) AS n FROM demo.predictions GROUP BY ALL"
    assert [(row["versions"], row["n"]) for row in lake.ask(outcome["home"], by_run)] == [(1, rows), (1, rows)]


@pytest.mark.parametrize("scenario", ["poisoned"])
def test_poisoned_rows_are_scored_and_hurt_no_other(outcome: dict[str, Any], clean: lake.Clean) -> None:
    assert outcome["first"].returncode == 0, outcome["first"].stderr
    home = outcome["home"]
    once_each(home)
    came = lake.ask(home, "SELECT _key AS key FROM demo.silver WHERE _file LIKE 'poisoned.%' ORDER BY 1")
    aside = lake.count(home, "demo.quarantine", "_file LIKE 'poisoned.%'")
    assert len(came) + aside == 6
    assert {"key": "T00001"} in came
    (long,) = lake.ask(home, "SELECT reasons FROM demo.quarantine WHERE length(raw) > 20000000")
    assert "a string may have 20,000,000 characters" in long["reasons"][0]["message"]
    assert lake.ask(home, "SELECT n_chars FROM demo.gold WHERE key = 'T00001'")[0]["n_chars"] > POISON - 20
    mine, wanted = lake.content(home, "predictions"), lake.content(clean.home, "predictions")
    assert wanted - mine == {}
    assert (mine - wanted).total() == len(came)
    assert json.loads(outcome["plan"].stdout) == []


def once_each(home: Path) -> None:
    """Every row of gold has one prediction, by one version."""
    found = lake.ask(home, "SELECT count(*) AS n, count(DISTINCT key) AS keys FROM demo.predictions")
    rows = lake.count(home, "demo.gold")
    assert found == [{"n": rows, "keys": rows}]
    assert lake.ask(home, "SELECT DISTINCT version FROM demo.predictions") == [{"version": 1}]
