"""The path once, a second time with nothing new, with one file more, and with the same bytes under another name."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import lake
import pytest

pytestmark = pytest.mark.flow

IDLE = "nothing to do: nothing was started, nothing was written\n"


def test_the_first_run_says_each_stage_and_ends_well(clean: lake.Clean) -> None:
    said = [line.split()[:2] for line in clean.ended.stderr.splitlines()]
    assert said == [[stage, "done"] for stage in ("ingest", "silver", "gold", "train", "register", "score", "monitor")]
    assert clean.ended.stdout.splitlines()[0].endswith(": done")


def test_every_row_of_every_file_is_accounted_for(clean: lake.Clean) -> None:
    home = clean.home
    ingested = lake.ROWS + 2  # a broken line, and a row with too many fields
    assert lake.count(home, "demo.bronze") == ingested
    assert lake.ledger(home) == {
        ("reviews-1.jsonl.gz", "train"): ("loaded", 1, lake.ROWS * 60 // 100 + 1, "processed/reviews-1.jsonl.gz", None),
        ("reviews-2.csv", "train"): ("loaded", 1, lake.ROWS * 25 // 100 + 1, "processed/reviews-2.csv", None),
        ("new-reviews.jsonl", "inference"): (
            "loaded",
            1,
            lake.ROWS * 15 // 100,
            "processed/new-reviews.jsonl",
            None,
        ),
    }
    assert lake.places(home) == [
        "processed/new-reviews.jsonl",
        "processed/reviews-1.jsonl.gz",
        "processed/reviews-2.csv",
    ]
    silver, aside = lake.count(home, "demo.silver"), lake.count(home, "demo.quarantine")
    assert 0 < ingested - silver - aside < ingested // 20  # older rows of a key
    assert lake.ask(home, "SELECT count(DISTINCT _key) AS n FROM demo.silver") == [{"n": silver}]
    assert (lake.count(home, "demo.gold"), lake.count(home, "demo.predictions")) == (silver, silver)
    for spoilt in ("RBROKEN", "ROVERFULL"):
        assert lake.count(home, "demo.quarantine", f"contains(raw, '{spoilt}')") == 1


def test_a_second_run_writes_nothing_and_says_so(clean: lake.Clean, tmp_path: Path) -> None:
    home = lake.copy(clean.home, tmp_path / "home")
    before = lake.versions(home)
    files = {path: path.stat().st_mtime_ns for path in (home / "lake").rglob("*")}
    ended = lake.cli(home, "run")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, IDLE, "")
    assert lake.versions(home) == before
    assert {path: path.stat().st_mtime_ns for path in (home / "lake").rglob("*")} == files
    assert json.loads(lake.done(home, "plan", "--json")) == []
    assert lake.done(home, "plan") == "nothing to do\n"


def test_predictions_are_traced_to_files_and_model_and_the_model_to_its_data(clean: lake.Clean) -> None:
    shown = json.loads(lake.done(clean.home, "lineage", "predictions", "--up", "--json"))["from"]
    run = clean.ended.stdout.split()[1].rstrip(":")
    names, below = [], shown
    while below["below"]:
        names.append((below["name"], below["stage"], below["run_id"]))
        below = below["below"][0]
    stages = ("predictions", "score"), ("demo", "train"), ("gold", "gold"), ("silver", "silver"), ("bronze", "ingest")
    assert names == [(name if name == "demo" else f"demo.{name}", stage, run) for name, stage in stages]
    files = ["new-reviews.jsonl", "reviews-1.jsonl.gz", "reviews-2.csv"]
    assert (below["name"], below["version"], below["files"]) == ("demo.raw", 1, files)
    gold = shown["below"][1]
    assert (gold["name"], gold["again"], gold["rows"]) == ("demo.gold", True, lake.count(clean.home, "demo.gold"))


def test_status_as_json_holds_what_the_issue_names(clean: lake.Clean) -> None:
    found = json.loads(lake.done(clean.home, "status", "--project", "demo", "--json"))
    champion = found["champion"]
    assert (champion["name"], champion["version"]) == ("demo", 1)
    test, baselines = champion["metrics"]["test"], champion["metrics"]["baselines"]
    assert set(test["f1"]) == {"negative", "positive"}
    assert set(baselines) == {"linear", "majority"}
    for figures in (test, *baselines.values()):
        assert all(0 <= figures[name] <= 1 for name in ("accuracy", "roc_auc"))
    assert test["roc_auc"] > baselines["linear"]["roc_auc"] > baselines["majority"]["roc_auc"] == 0.5
    rows = {name: table["rows"] for name, table in found["tables"].items()}
    assert rows == {name: lake.count(clean.home, name) for name in lake.versions(clean.home)}
    assert {name: table["version"] for name, table in found["tables"].items()} == lake.versions(clean.home)
    assert found["last_run"]["state"] == "done"
    assert [(step["stage"], step["state"]) for step in found["last_run"]["steps"]] == [
        (stage, "done") for stage in ("ingest", "silver", "gold", "train", "register", "score", "monitor")
    ]
    used = {step["stage"]: step for step in found["last_run"]["steps"]}
    assert all(step["cpu_seconds"] > 0 and step["peak_bytes"] > 100e6 for step in used.values())
    assert used["ingest"]["rows_per_second"] == pytest.approx(
        used["ingest"]["read"] / used["ingest"]["seconds"], rel=0.05, abs=1
    )
    assert all(step["price"] is None for step in used.values())  # no prices are set


def test_a_further_file_is_planned_for_with_reasons(base: Path, clean: lake.Clean) -> None:
    planned = {step["stage"]: step for step in lake.planned_for_grown(base)}
    assert list(planned) == ["ingest", "silver", "gold", "train", "register", "score", "monitor"]
    certain = {stage for stage, step in planned.items() if step["certain"]}
    assert {"ingest", "silver", "gold"} <= certain
    assert not {"train", "register"} & certain
    assert planned["ingest"]["why"] == "1 file in raw/"
    assert planned["silver"]["why"] == "follows ingest"


def test_only_the_rows_of_a_further_file_move(base: Path, clean: lake.Clean) -> None:
    home, old = lake.grown(base), clean.home
    brought = "_file = 'new-reviews-1.jsonl'"
    assert lake.count(home, "demo.bronze") == lake.count(old, "demo.bronze") + lake.MORE_ROWS
    assert lake.count(home, "demo.bronze", brought) == lake.MORE_ROWS
    aside, keys = lake.count(home, "demo.quarantine", brought), lake.count(home, "demo.silver", brought)
    assert aside > 0
    assert lake.count(home, "demo.quarantine") == lake.count(old, "demo.quarantine") + aside
    for table in ("silver", "gold", "predictions"):
        assert lake.count(home, f"demo.{table}") == lake.count(old, f"demo.{table}") + keys, table
    for table in lake.PROJECT_TABLES:  # what was there is there, to the run that wrote it
        mine, theirs = every_row(home, table), every_row(old, table)
        assert [row for row in theirs if row not in mine] == [], table


def every_row(home: Path, table: str) -> set[Any]:
    return {repr(lake.plain(row)) for row in lake.ask(home, f"SELECT * FROM demo.{table}")}


def test_a_file_to_predict_for_trains_nothing(base: Path, clean: lake.Clean) -> None:
    home = lake.grown(base)
    status = json.loads(lake.done(home, "status", "--json"))
    assert status["champion"]["version"] == 1
    assert {step["stage"]: step["state"] for step in status["last_run"]["steps"]} == {
        "ingest": "done", "silver": "done", "gold": "done", "train": "idle", "register": "idle", "score": "done",
        "monitor": "done",
    }  # fmt: skip
    events = lake.ask(home, "SELECT event FROM ops.model_events ORDER BY recorded_at")
    assert [row["event"] for row in events] == ["promoted", "shown"]
    assert lake.ask(home, "SELECT DISTINCT version FROM demo.predictions") == [{"version": 1}]
    assert json.loads(lake.done(home, "plan", "--json")) == []


# -- the same bytes under another name ------------------------------------------------------------------------------


def same_bytes_again(base: Path) -> tuple[Path, dict[str, int | None]]:
    """The grown home, after a run over a copy of its last file under another name; and its versions before that."""
    home = lake.copy(lake.grown(base), base / "again")
    before = lake.versions(home)
    shutil.copy(home / "lake/demo/processed/new-reviews-1.jsonl", home / "lake/demo/raw/inference/other-name.jsonl")
    lake.done(home, "run")
    return home, before


def duplicates(base: Path) -> dict[str, Any]:
    home, before = same_bytes_again(base)
    then = {
        "before": before,
        "versions": lake.versions(home),
        "ledger": lake.ledger(home),
        "places": lake.places(home),
        "plan": lake.done(home, "plan", "--json"),
    }
    lake.add_more(home, seed=2)
    lake.done(home, "run", "ingest")
    return {**then, "home": home}


def odd_home(base: Path) -> Path:
    """A home in a folder whose name has what URIs write in another way."""
    home = lake.raw_home(base / "my häus 100%")
    lake.done(home, "run", "ingest")
    return home


def known_rows(base: Path) -> dict[str, Any]:
    """A finished home, after a run over a file of other bytes in which every row is one that silver has."""
    home = lake.copy(lake.clean(base).home, base / "known")
    lines = (home / "lake/demo/processed/new-reviews.jsonl").read_text(encoding="utf-8").splitlines()
    (home / "lake/demo/raw/inference/reversed.jsonl").write_text("\n".join(reversed(lines)) + "\n", encoding="utf-8")
    process = lake.begin(lake.BIN / "lakehouse-nlp", "run", "--home", home, cwd=home)
    try:
        said, _ = process.communicate(timeout=180)
    except subprocess.TimeoutExpired:
        lake.kill_group(process)
        said = "it was still running after 180 s"
    return {"home": home, "code": process.returncode, "said": said, "plan": lake.done(home, "plan", "--json")}


SCENARIOS = {"duplicates": duplicates, "odd home": odd_home, "known rows": known_rows}


@pytest.mark.parametrize("scenario", ["known rows"])
def test_a_file_of_known_rows_changes_nothing_after_bronze_and_leaves_nothing_to_do(
    outcome: dict[str, Any], clean: lake.Clean
) -> None:
    assert outcome["code"] == 0, outcome["said"]
    assert lake.count(outcome["home"], "demo.bronze", "_file = 'reversed.jsonl'") == lake.ROWS * 15 // 100
    assert lake.differences(outcome["home"], clean.home, ("silver", "gold", "predictions")) == {}
    assert json.loads(outcome["plan"]) == []


@pytest.mark.parametrize("scenario", ["duplicates"])
def test_the_same_bytes_under_another_name_move_no_row(outcome: dict[str, Any]) -> None:
    before, after = outcome["before"], outcome["versions"]
    moved = {name for name, version in after.items() if version != before[name]}
    assert {name for name in moved if name.startswith("demo.")} == set()
    assert outcome["ledger"]["other-name.jsonl", "inference"][0] == "duplicate"
    assert outcome["ledger"]["new-reviews-1.jsonl", "inference"][0] == "loaded"
    assert "processed/other-name.jsonl" in outcome["places"]
    assert not any(place.startswith("raw/") for place in outcome["places"])
    assert json.loads(outcome["plan"]) == []


@pytest.mark.parametrize("scenario", ["duplicates"])
def test_a_file_that_comes_after_a_duplicate_is_not_lost(outcome: dict[str, Any]) -> None:
    home = outcome["home"]
    assert lake.count(home, "demo.bronze", "_file = 'new-reviews-2.jsonl'") == lake.MORE_ROWS
    assert lake.ledger(home)["new-reviews-2.jsonl", "inference"][:3] == ("loaded", 3, lake.MORE_ROWS)


@pytest.mark.parametrize("scenario", ["odd home"])
def test_a_home_may_have_any_name(outcome: Path, clean: lake.Clean) -> None:
    assert [path.name for path in outcome.parent.glob("my*")] == [outcome.name]
    assert lake.differences(outcome, clean.home, ("bronze",)) == {}
    assert json.loads(lake.done(outcome, "plan", "ingest", "--json")) == []


# -- answers by SQL -------------------------------------------------------------------------------------------------

QUERY = """select prediction, version, count(*) as n, round(avg(probability), 6) as mean
           from demo.predictions group by prediction, version order by prediction"""


def test_sql_answers_alike_as_json_csv_and_from_spark(clean: lake.Clean) -> None:
    answer = json.loads(lake.done(clean.home, "sql", QUERY, "--json"))
    assert [row["prediction"] for row in answer] == ["negative", "positive"]
    assert sum(row["n"] for row in answer) == lake.count(clean.home, "demo.predictions")
    assert json.loads(lake.done(clean.home, "sql", QUERY, "--format", "json")) == answer
    lines = list(csv.DictReader(io.StringIO(lake.done(clean.home, "sql", QUERY, "--format", "csv"))))
    assert lines == [{name: str(value) for name, value in row.items()} for row in answer]
    assert json.loads(lake.done(clean.home, "sql", QUERY, "--engine", "spark", "--json")) == answer
