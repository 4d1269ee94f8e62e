"""SIGKILL at random moments of whole runs, from raw files to predictions; in the end all is as if nobody had disturbed
any.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import disturbed
import lake
import pytest

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.lineage import fresh

pytestmark = [pytest.mark.flow, pytest.mark.faults]

RUN = ("run",)
KILLS, MOST_HOMES = 12, 6
# A run is killed within this share of what an undisturbed one takes: so the kills go through all stages, one by one.
SHARE = 0.3
TOOK = "SELECT sum(epoch(ended_at - started_at)) AS seconds FROM ops.steps"


@dataclass(frozen=True)
class Disturbed:
    """A home whose runs were killed, how many were in all homes, and how its last run ended."""

    home: Path
    clean: Path
    kills: int
    code: int
    said: str


@pytest.fixture(scope="module")
def outcome(base: Path, clean: lake.Clean) -> Disturbed:
    """Kills one run after the other; where one ends before its moment, another home begins."""
    rng = random.Random("whole runs")
    within = SHARE * lake.ask(clean.home, TOOK)[0]["seconds"]
    kills = 0
    for place in range(MOST_HOMES):
        home = lake.raw_home(base / f"anywhere_{place}")
        while kills < KILLS and disturbed.killed(home, rng.uniform(0, within), RUN):
            kills += 1
        if kills == KILLS:
            break
    last = lake.cli(home, *RUN)
    return Disturbed(home, clean.home, kills, last.returncode, last.stdout + last.stderr)


def test_every_kill_met_a_run_and_the_last_run_ended_well(outcome: Disturbed) -> None:
    assert (outcome.kills, outcome.code) == (KILLS, 0), outcome.said


def test_every_table_is_that_of_an_undisturbed_run(outcome: Disturbed) -> None:
    assert lake.differences(outcome.home, outcome.clean, (*lake.PROJECT_TABLES, "ops.checks", "ops.model_events")) == {}


def test_every_file_is_in_its_place_and_in_the_ledger(outcome: Disturbed) -> None:
    assert lake.places(outcome.home) == lake.places(outcome.clean)
    assert lake.ledger(outcome.home) == lake.ledger(outcome.clean)


def test_no_run_says_that_it_goes_on_and_what_came_from_what_is_written_down_once(outcome: Disturbed) -> None:
    assert lake.count(outcome.home, "ops.runs", "state = 'running'") == 0
    edges = "project, output_id, output_version, input, input_version"
    assert lake.ask(outcome.home, f"SELECT {edges} FROM ops.lineage GROUP BY ALL HAVING count(*) > 1") == []
    assert list(fresh(Context.open(outcome.home, "demo"))) == []
