"""SIGKILL in the middle of every stage; run again, the lake is that of a run that nobody disturbed."""

from __future__ import annotations

import random
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lake
import pytest

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.lineage import fresh

pytestmark = pytest.mark.flow

KILLER = Path(__file__).with_name("killer.py")
ONLY_INGEST = ("bronze",)
# What the ledger, its folders and `ops` have to hold as well, beside the tables of the project.
FILES = "files"


@dataclass(frozen=True)
class Story:
    """A home to start from, the command, the points at which one run after the other dies, and what to compare.

    `wanted`: gives the home of the undisturbed run. `outside`: a table; the run is killed from outside, JVM and all, at
    a random moment of the `within` seconds after that table's first commit.
    """

    start: Callable[[Path, Path], Path]
    command: tuple[str, ...]
    tables: tuple[str, ...]
    points: tuple[str, ...] = ()
    wanted: Callable[[Path], Path] = lambda base: lake.clean(base).home
    ledgers: tuple[str, ...] = ()
    outside: str = ""
    within: float = 0.0


@dataclass(frozen=True)
class Ended:
    """How the runs of a story ended, and how its lake differs from the wanted one."""

    home: Path
    wanted: Path
    kills: list[tuple[str, int]]
    last: int
    said: str


def raw(base: Path, to: Path) -> Path:
    """Nothing but files in `raw/`."""
    return lake.raw_home(to)


def before_silver(base: Path, to: Path) -> Path:
    """Bronze is there, and nothing after it."""
    home = lake.copy(lake.clean(base).home, to)
    lake.forget(home, "silver", "quarantine", "gold", "predictions", "ops.checks")
    shutil.rmtree(home / "lake/demo/quality")
    return home


def before_training(base: Path, to: Path) -> Path:
    """Gold is there, and no model."""
    home = lake.copy(lake.clean(base).home, to)
    shutil.rmtree(home / "mlflow")
    return lake.forget(home, "predictions", "ops.model_events")


def before_scoring(base: Path, to: Path) -> Path:
    """Everything is there but predictions."""
    return lake.forget(lake.copy(lake.clean(base).home, to), "predictions", "ops.metrics")


def before_growing(base: Path, to: Path) -> Path:
    """A finished home to which one further file came."""
    home = lake.copy(lake.clean(base).home, to)
    lake.add_more(home)
    return home


STORIES = {
    "ingest": Story(
        raw,
        ("run", "ingest"),
        ONLY_INGEST,
        (
            "record:ops.files:after:1",  # claimed; bronze lacks the batch
            "append_once:bronze:after:1",  # bronze has it; no file has moved
            "settle::after:2",  # two files of three have moved
            "record:ops.files:before:1",  # all have moved; the ledger does not know
        ),
        ledgers=(FILES,),
    ),
    "ingest, from outside": Story(raw, ("run", "ingest"), ONLY_INGEST, ledgers=(FILES,), outside="bronze", within=2.0),
    "rejects": Story(
        lake.with_bad_files,
        ("run", "ingest"),
        ONLY_INGEST,
        (
            "settle::after:1",  # in errors/, without a report
            "record:ops.files:before:1",  # all three in errors/; the ledger does not know
        ),
        wanted=lambda base: lake.rejecting(base)[0],
        ledgers=(FILES,),
    ),
    "silver": Story(
        before_silver,
        ("run", "silver"),
        ("silver", "quarantine"),
        (
            "merge_once:quarantine:after:1",  # quarantine has the range, silver has not
            "replace_window:silver:after:1",  # both have it, the counts of the checks are not written
        ),
        ledgers=("ops.checks",),
    ),
    "report": Story(  # the report is made beside the writes: who is first, the machine decides
        before_silver,
        ("run", "silver"),
        ("silver", "quarantine"),
        ("write:great_expectations.yml:before:1",),  # the report's own settings are half written
    ),
    "silver, from outside": Story(
        before_silver, ("run", "silver"), ("silver", "quarantine"), outside="silver", within=3.0
    ),
    "train": Story(
        before_training,
        ("run", "train", "register", "score"),
        ("predictions",),
        (
            "create_model_version::after:1",  # there is a version that no gate has seen
            "set_registered_model_alias:champion:after:1",  # champion, and nobody wrote down why
            "set_model_version_tag:gate:before:1",  # written down, not marked as judged
            "record:ops.model_events:before:2",  # all is scored, and not shown
        ),
        ledgers=("ops.model_events",),
    ),
    "score": Story(
        before_scoring,
        ("run", "score", "monitor"),
        ("predictions",),
        ("merge_once:predictions:before:1", "merge_once:predictions:after:1"),
    ),
    "score, from outside": Story(before_scoring, ("run", "score"), ("predictions",), outside="predictions", within=1.5),
    "everything, one file more": Story(
        before_growing,
        ("run",),
        lake.PROJECT_TABLES,
        (
            "append_once:quarantine:after:1",  # the range is in quarantine, and silver waits
            "merge_once:silver:after:1",
            "merge_once:predictions:after:1",
        ),
        wanted=lake.grown,
        ledgers=(FILES,),
    ),
}


def told(name: str, base: Path) -> Ended:
    """Lives a story through to the run that is left alone."""
    story = STORIES[name]
    home = story.start(base, base / "_".join(["killed", *re.findall(r"\w+", name)]))
    kills = [(point, dies_at(home, point, story.command)) for point in story.points]
    if story.outside:
        kills.append((story.outside, killed_from_outside(home, name, story)))
    last = lake.cli(home, *story.command)
    return Ended(home, story.wanted(base), kills, last.returncode, last.stdout + last.stderr)


def dies_at(home: Path, point: str, command: tuple[str, ...]) -> int:
    """Runs up to a point where the process kills itself; its exit code, once its JVM has ended too."""
    process = lake.begin(sys.executable, KILLER, point, *command, "--home", home, cwd=home)
    process.communicate(timeout=lake.TIMEOUT)
    lake.wait_for_group(process.pid)
    return process.returncode


def killed_from_outside(home: Path, name: str, story: Story) -> int:
    """Kills the whole process group at a random moment, the same in every session; the exit code of its leader."""
    log = home / "lake/demo/tables" / story.outside / "_delta_log"
    process = lake.begin(lake.BIN / "lakehouse-nlp", *story.command, "--home", home, cwd=home)
    until = time.monotonic() + lake.TIMEOUT
    while process.poll() is None and not any(log.glob("*.json")) and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(random.Random(name).uniform(0, story.within))
    lake.kill_group(process)
    return process.returncode


SCENARIOS: dict[str, Callable[[Path], Any]] = {
    name: (lambda base, name=name: told(name, base)) for name in STORIES
}  # fmt: skip
scenarios = pytest.mark.parametrize("scenario", STORIES)


@scenarios
def test_every_run_died_where_it_should(scenario: str, outcome: Ended) -> None:
    story = STORIES[scenario]
    points = [*story.points, *([story.outside] if story.outside else [])]
    assert outcome.kills == [(point, -signal.SIGKILL) for point in points]


@scenarios
def test_the_next_run_ends_well(scenario: str, outcome: Ended) -> None:
    assert outcome.last == 0, outcome.said


@pytest.mark.parametrize("scenario", [name for name, story in STORIES.items() if story.tables])
def test_every_table_is_that_of_an_undisturbed_run(scenario: str, outcome: Ended) -> None:
    assert lake.differences(outcome.home, outcome.wanted, STORIES[scenario].tables) == {}


@pytest.mark.parametrize("scenario", [name for name, story in STORIES.items() if FILES in story.ledgers])
def test_every_file_ends_in_one_place_and_the_ledger_says_which(outcome: Ended) -> None:
    assert lake.places(outcome.home) == lake.places(outcome.wanted)
    assert lake.ledger(outcome.home) == lake.ledger(outcome.wanted)


@pytest.mark.parametrize("scenario", ["ingest", "train", "everything, one file more"])
def test_what_came_from_what_is_written_down_once(scenario: str, outcome: Ended) -> None:
    edges = "project, output_id, output_version, input, input_version"
    assert lake.count(outcome.home, "ops.lineage") > 0
    assert lake.ask(outcome.home, f"SELECT {edges} FROM ops.lineage GROUP BY ALL HAVING count(*) > 1") == []
    assert list(fresh(Context.open(outcome.home, "demo"))) == []


@pytest.mark.parametrize(
    "scenario", [name for name, story in STORIES.items() if set(story.ledgers) & set(lake.LEDGERS)]
)
def test_what_was_counted_and_decided_is_written_down_once(scenario: str, outcome: Ended) -> None:
    ledgers = [ledger for ledger in STORIES[scenario].ledgers if ledger != FILES]
    assert lake.differences(outcome.home, outcome.wanted, ledgers) == {}


@pytest.mark.parametrize("scenario", ["train"])
def test_there_is_one_version_of_the_model_and_it_is_champion(scenario: str, outcome: Ended) -> None:
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{outcome.home}/mlflow/mlflow.db")
    found = client.search_model_versions("name = 'demo'")
    assert [(int(v.version), v.tags["gate"]) for v in found] == [(1, "passed")]
    assert int(client.get_model_version_by_alias("demo", "champion").version) == 1


# -- a file that came while another was left half done --------------------------------------------------------------


def same_name_after_a_kill(base: Path) -> dict[str, Any]:
    """A run dies when its file has moved and the ledger does not know; then other bytes come under the same name."""
    home = before_growing(base, base / "same_name")
    waits = home / "lake/demo/raw/inference/new-reviews-1.jsonl"
    died = dies_at(home, "settle::after:1", ("run", "ingest"))
    assert not waits.exists()
    other = lake.jsonl(home / "other/new-reviews-1.jsonl", [lake.row(n) for n in range(40)])
    lake.done(home, "add", other, "--inference")
    assert waits.exists()
    lake.done(home, "run", "ingest")
    lake.done(home, "run", "ingest")
    return {"home": home, "died": died}


SCENARIOS["same name after a kill"] = same_name_after_a_kill


@pytest.mark.parametrize("scenario", ["same name after a kill"])
def test_other_bytes_of_the_same_name_are_not_taken_for_the_file_that_was_left(outcome: dict[str, Any]) -> None:
    assert outcome["died"] == -signal.SIGKILL
    rows = lake.ask(
        outcome["home"],
        "SELECT _file_hash, count(*) AS n FROM demo.bronze WHERE _file = 'new-reviews-1.jsonl' GROUP BY ALL ORDER BY n",
    )
    assert [row["n"] for row in rows] == [40, lake.MORE_ROWS]


# -- a search ---------------------------------------------------------------------------------------------------------

SPACE = "{booster.max_depth: [2, 3, 5], booster.learning_rate: {low: 0.05, high: 0.4}, text.select: [50, 200]}"
SEARCH = ("run", "train", "--set", f"train.search={{method: tpe, trials: 7, space: {SPACE}}}")


def search_after_a_kill(base: Path) -> dict[str, Any]:
    """A search dies in the middle of its third trial's record, and is run again; beside it one that is left alone."""
    home, alone = before_training(base, base / "searching"), before_training(base, base / "searching_alone")
    died = dies_at(home, "log_batch::after:3", SEARCH)
    kept = (home / "lake/demo/models/search").glob("*.db")
    return {"died": died, "kept": len(list(kept)), "found": _found(home), "wanted": _found(alone)}


def _found(home: Path) -> dict[str, Any]:
    """Runs a search to its end: what the version says, and the trials nested under its run."""
    import mlflow

    lake.done(home, *SEARCH)
    client = mlflow.MlflowClient(f"sqlite:///{home}/mlflow/mlflow.db")
    (version,) = client.search_model_versions("name = 'demo'")
    experiment = client.get_run(version.run_id).info.experiment_id
    nested = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{version.run_id}'")
    figures = {run.data.tags["trial"]: run.data.metrics["validation.roc_auc"] for run in nested}
    trials = {run.data.tags["trial"]: (run.info.status, run.data.tags["state"], run.data.params) for run in nested}
    return {"tags": {tag: version.tags[tag] for tag in ("found", "booster_hash")}, "figures": figures, "trials": trials}


SCENARIOS["search after a kill"] = search_after_a_kill


@pytest.mark.parametrize("scenario", ["search after a kill"])
def test_a_search_that_was_killed_finds_what_one_that_was_left_alone_finds(outcome: dict[str, Any]) -> None:
    assert (outcome["died"], outcome["kept"]) == (-signal.SIGKILL, 1)
    assert sorted(outcome["found"]["trials"]) == [str(number) for number in range(7)]
    assert {status for status, _, _ in outcome["found"]["trials"].values()} == {"FINISHED"}
    assert outcome["found"] == outcome["wanted"]
