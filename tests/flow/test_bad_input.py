"""Bad input: an exit code of 1 or 2, a message that names the thing, and nothing that is lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lake
import pytest

pytestmark = pytest.mark.flow


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a project and no data."""
    return lake.new_home(tmp_path / "home")


def says(ended: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """The exit code is this one, and stderr is one message with these words in it, and no stack of calls."""
    assert "Traceback" not in ended.stderr, ended.stderr
    assert ended.returncode == code, ended.stderr
    assert ended.stderr.startswith("error: "), ended.stderr
    assert [word for word in words if word not in ended.stderr] == [], ended.stderr


# -- without Spark --------------------------------------------------------------------------------------------------


def test_init_from_no_such_file(tmp_path: Path) -> None:
    ended = lake.cli(tmp_path, "init", "reviews", "--from", tmp_path / "nowhere.csv")
    says(ended, 2, f"no such file: {tmp_path}/nowhere.csv")
    assert not (tmp_path / "conf/projects/reviews.yml").exists()


def test_add_of_no_such_file(home: Path, tmp_path: Path) -> None:
    there = lake.jsonl(tmp_path / "there.jsonl", [lake.row(1)])
    ended = lake.cli(home, "add", there, tmp_path / "nowhere.csv")
    says(ended, 2, f"no such file: {tmp_path}/nowhere.csv")
    assert lake.places(home) == []  # all are judged before the first is copied
    assert there.exists()


def test_init_from_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    ended = lake.cli(tmp_path, "init", "reviews", "--from", tmp_path / "empty.csv")
    says(ended, 1, "empty.csv")
    assert not (tmp_path / "conf/projects/reviews.yml").exists()
    assert (tmp_path / "empty.csv").exists()


def test_init_from_a_gz_that_breaks_off(tmp_path: Path) -> None:
    path = lake.bad_files(tmp_path / "bad")[2]
    ended = lake.cli(tmp_path, "init", "reviews", "--from", path)
    says(ended, 1, path.name)
    assert not (tmp_path / "conf/projects/reviews.yml").exists()
    assert path.exists()


def test_a_mistyped_key(home: Path) -> None:
    project = home / "conf/projects/demo.yml"
    text = project.read_text(encoding="utf-8").replace("newest_by:", "newst_by:")
    project.write_text(text, encoding="utf-8")
    line = 1 + [line.split(":")[0] for line in text.splitlines()].index("newst_by")
    for command in ("run", "plan", "validate", "status"):
        ended = lake.cli(home, command, "--project", "demo")
        says(ended, 2, f"conf/projects/demo.yml:{line}: newst_by", "did you mean 'newest_by'?")


def test_a_lake_below_a_regular_file_cannot_take_files(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    project = home / "conf/projects/demo.yml"
    project.write_text(project.read_text(encoding="utf-8") + f"lake:\n  root: {tmp_path}/file/lake\n", encoding="utf-8")
    source = lake.jsonl(tmp_path / "some.jsonl", [lake.row(1)])
    says(lake.cli(home, "add", source), 2, f"{tmp_path}/file/lake")
    assert source.exists()


def test_a_lake_below_a_regular_file_is_not_a_lake_with_nothing_to_do(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = lake.cli(home, "run", "--set", f"lake.root={tmp_path}/file/lake")
    says(ended, 2, f"{tmp_path}/file/lake")


def test_init_where_the_home_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    source = tmp_path / "some.csv"
    source.write_text("id,body,stars\n" + "".join(f"{n},words {n} of many,{n % 5}\n" for n in range(60)))
    label = ("--label", "case when stars > 2 then 'good' else 'bad' end")
    init = ("init", "reviews", "--from", source, *label, "--home", tmp_path / "file/home")
    ended = lake.call(lake.BIN / "lakehouse-nlp", *init, cwd=tmp_path)
    says(ended, 2, f"{tmp_path}/file/home")
    assert source.exists()


@pytest.fixture
def closed_port() -> Iterator[str]:
    """The address of a port where nobody listens, kept from others meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("command", ["run", "plan", "status"])
def test_a_tracking_server_that_is_not_there(command: str, clean: lake.Clean, closed_port: str) -> None:
    before, began = lake.versions(clean.home), time.monotonic()
    soon = ("--set", "runs.retries.wait=1s")
    ended = lake.cli(clean.home, command, "--set", f"mlflow.tracking_uri={closed_port}", *soon)
    says_of_run(ended, 2, closed_port)
    assert time.monotonic() - began < 120  # and not the minutes that MLflow would try on
    assert lake.versions(clean.home) == before


# -- files that Spark meets -----------------------------------------------------------------------------------------


def broken_files(base: Path) -> dict[str, Any]:
    home, ended = lake.rejecting(base)
    return {"home": home, "ended": ended, "again": lake.cli(home, "run", "ingest")}


def wrong_labels(base: Path) -> dict[str, Any]:
    """A finished home, to which 120 rows come whose rating is no number."""
    home = lake.copy(lake.clean(base).home, base / "labels")
    source = lake.jsonl(home / "wrong.jsonl", [lake.row(n, rating="abc") for n in range(120)])
    lake.done(home, "add", source)
    return {"home": home, "ended": lake.cli(home, "run"), "again": lake.cli(home, "run")}


def blocked_table(base: Path) -> dict[str, Any]:
    """Files wait in `raw/`, and where their tables should go is a regular file."""
    home = lake.raw_home(base / "blocked")
    (home / "lake/demo/tables").touch()
    before = lake.places(home)
    ended = lake.cli(home, "run")
    after = lake.places(home)
    return {"home": home, "ended": ended, "before": before, "after": after}


def lost_session(base: Path) -> dict[str, Any]:
    """The JVM alone is killed while silver is being made, and no step is tried again."""
    home = lake.raw_home(base / "lost")
    once = ("--set", "runs.retries.tries=1")
    process = lake.begin(lake.BIN / "lakehouse-nlp", "run", *once, "--home", home, cwd=home)
    log = home / "lake/demo/tables/silver/_delta_log"
    until = time.monotonic() + lake.TIMEOUT
    while process.poll() is None and not any(log.glob("*.json")) and time.monotonic() < until:
        time.sleep(0.02)
    for pid in [pid for pid, name in lake.group(process.pid).items() if "java" in name]:
        os.kill(pid, signal.SIGKILL)
    said, _ = process.communicate(timeout=lake.TIMEOUT)
    lake.wait_for_group(process.pid)
    return {"home": home, "code": process.returncode, "said": said, "again": lake.cli(home, "run")}


SCENARIOS = {
    "broken files": broken_files,
    "wrong labels": wrong_labels,
    "blocked table": blocked_table,
    "lost session": lost_session,
}


@pytest.mark.parametrize("scenario", ["broken files"])
def test_files_that_cannot_be_read_are_named_and_make_the_exit_code_1(outcome: dict[str, Any]) -> None:
    ended = outcome["ended"]
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout.splitlines()[-1].endswith(": rejected")
    refused = sorted(line for line in ended.stderr.splitlines() if line.startswith("refused: "))
    assert [line.split(" went to errors/: ")[0] for line in refused] == [
        "refused: broken.jsonl.gz", "refused: empty.jsonl", "refused: lacking.jsonl",
    ]  # fmt: skip
    assert "wanted a whole gz file" in refused[0]
    assert "size: found 0 bytes, wanted 1 or more" in refused[1]
    assert "wanted also body" in refused[2]


@pytest.mark.parametrize("scenario", ["broken files"])
def test_files_that_cannot_be_read_lie_in_errors_with_a_report(base: Path, outcome: dict[str, Any]) -> None:
    errors = outcome["home"] / "lake/demo/errors"
    for source, check in zip(lake.bad_files(base / "bad"), ("size", "columns", "readable"), strict=False):
        assert (errors / source.name).read_bytes() == source.read_bytes()
        report = json.loads((errors / f"{source.name}.report.json").read_text(encoding="utf-8"))
        assert (report["file"], report["check"]) == (source.name, check)
        assert lake.ledger(outcome["home"])[source.name, "train"] == (
            "rejected", None, None, f"errors/{source.name}", check,
        )  # fmt: skip
    assert not any(place.startswith("raw/") for place in lake.places(outcome["home"]))


@pytest.mark.parametrize("scenario", ["broken files"])
def test_a_good_file_among_bad_ones_is_taken_in(outcome: dict[str, Any], clean: lake.Clean) -> None:
    home = outcome["home"]
    assert lake.count(home, "demo.bronze") == lake.count(clean.home, "demo.bronze") + 20
    assert lake.ledger(home)["good.jsonl", "train"] == ("loaded", 2, 20, "processed/good.jsonl", None)


@pytest.mark.parametrize("scenario", ["broken files"])
def test_a_file_in_errors_is_not_refused_twice(outcome: dict[str, Any]) -> None:
    assert outcome["again"].returncode == 0
    assert outcome["again"].stdout.startswith("nothing to do")


@pytest.mark.parametrize("scenario", ["wrong labels"])
def test_a_label_column_of_the_wrong_type_is_set_aside_row_by_row(outcome: dict[str, Any], clean: lake.Clean) -> None:
    home, ended = outcome["home"], outcome["ended"]
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "silver: all 120 new rows were set aside, 120 of them by " in ended.stderr
    assert "rating" in ended.stderr
    assert lake.count(home, "demo.bronze", "_file = 'wrong.jsonl'") == 120
    assert lake.count(home, "demo.quarantine", "_file = 'wrong.jsonl'") == 120
    assert lake.count(home, "demo.quarantine", "_file = 'wrong.jsonl' AND contains(raw, '\"rating\":\"abc\"')") == 120
    assert lake.count(home, "demo.silver") == lake.count(clean.home, "demo.silver")


@pytest.mark.parametrize("scenario", ["wrong labels"])
def test_the_checks_of_a_step_that_sets_all_rows_aside_are_recorded(outcome: dict[str, Any]) -> None:
    found = lake.ask(outcome["home"], "SELECT rule, broken FROM ops.checks WHERE read = 120 AND broken > 0")
    assert [(row["broken"], "rating" in row["rule"]) for row in found] == [(120, True)]


@pytest.mark.parametrize("scenario", ["wrong labels"])
def test_rows_that_were_set_aside_are_not_brought_up_again(outcome: dict[str, Any]) -> None:
    assert outcome["again"].returncode == 0, outcome["again"].stderr
    assert lake.count(outcome["home"], "demo.quarantine", "_file = 'wrong.jsonl'") == 120


@pytest.mark.parametrize("scenario", ["blocked table"])
def test_a_path_where_no_table_can_be_written(outcome: dict[str, Any]) -> None:
    says_of_run(outcome["ended"], 2, f"{outcome['home']}/lake/demo/tables")
    assert outcome["before"] == outcome["after"]


@pytest.mark.parametrize("scenario", ["lost session"])
def test_a_killed_session_is_told_as_such(outcome: dict[str, Any]) -> None:
    assert outcome["code"] in (1, 2), outcome["said"]
    told = outcome["said"][outcome["said"].index("error: ") :]
    assert "silver" in told
    assert "run the same command again" in told


@pytest.mark.parametrize("scenario", ["lost session"])
def test_after_a_killed_session_the_next_run_goes_on(outcome: dict[str, Any], clean: lake.Clean) -> None:
    assert outcome["again"].returncode == 0, outcome["again"].stderr
    assert lake.differences(outcome["home"], clean.home) == {}
    assert lake.ledger(outcome["home"]) == lake.ledger(clean.home)


def says_of_run(ended: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """As `says`, where stages may have spoken before."""
    at = ended.stderr.find("error: ")
    assert at >= 0, ended.stderr
    says(subprocess.CompletedProcess(ended.args, ended.returncode, ended.stdout, ended.stderr[at:]), code, *words)
    assert "Traceback" not in ended.stderr, ended.stderr
