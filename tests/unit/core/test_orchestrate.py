"""What an orchestrator is told of stages and projects, and that the DAGs' list of stages is that of the package."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lakehouse_airflow import deployed
from lakehouse_nlp import flow, orchestrate
from lakehouse_nlp.cli.app import app
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.runs import checked_id

pytestmark = pytest.mark.unit

STAGES_JSON = Path(__file__).parents[3] / "deploy/airflow/dags/stages.json"
PROJECT = "columns: {id: string, title: string, stars: double}\nkey: id\ntext: title\nlabel: stars > 3\n"
RUNS = """runs:
  retries: {tries: 4, wait: 90s, backoff: 2, jitter: 5s}
  timeout: 30m
  timeouts: {train: 2h}
  deadline: 6h
  max_concurrent: 3
  schedule: {cron: 0 6 * * *, files: true, every: 2m}
"""


def _told(home: Path) -> dict[str, Any]:
    folder = home / "conf/projects"
    folder.mkdir(parents=True)
    for name, more in {"one": RUNS, "two": "", "odd": "runs: {retrys: {}}\n"}.items():
        (folder / f"{name}.yml").write_text(PROJECT + more)
    return orchestrate.projects(home, "local")


def test_the_stages_of_the_dags_are_those_of_the_package() -> None:
    """Written by: lakehouse-nlp stages --json > deploy/airflow/dags/stages.json"""
    assert json.loads(STAGES_JSON.read_text(encoding="utf-8")) == orchestrate.stages()


def test_a_stage_waits_for_those_whose_tables_it_reads_and_so_for_the_one_before_it() -> None:
    told = orchestrate.stages()
    assert [stage["name"] for stage in told] == list(flow.NAMES)
    assert {stage["name"]: stage["after"] for stage in told} == {
        "ingest": [],
        "silver": ["ingest"],
        "gold": ["silver"],
        "train": ["gold"],
        "register": ["train"],
        "score": ["gold", "register"],
        "monitor": ["ingest", "score"],
    }
    for before, stage in itertools.pairwise(told):
        assert before["name"] in stage["after"], "or the order of a run here and there may differ"


def test_projects_are_told_with_how_they_are_to_be_run_and_one_with_a_fault_with_that(tmp_path: Path) -> None:
    told = _told(tmp_path)
    assert os.access(told["program"], os.X_OK)
    assert (told["home"], told["env"], told["max_concurrent"]) == (str(tmp_path), "local", 2)
    one = told["projects"]["one"]
    assert {name: one[name] for name in ("cron", "files", "events", "every", "deadline", "max_concurrent")} == {
        "cron": "0 6 * * *", "files": True, "events": False, "every": 120, "deadline": 21600, "max_concurrent": 3,
    }  # fmt: skip
    assert [one[name] for name in ("tries", "wait", "backoff", "jitter")] == [4, 90, 2, 5]
    assert one["timeouts"] == {name: 7200 if name == "train" else 1800 for name in flow.NAMES}
    assert (one["raw"], one["error"]) == (str(tmp_path / "lake/one/raw"), None)
    assert set(told["projects"]["two"]["timeouts"].values()) == {None}
    odd = told["projects"]["odd"]
    assert "runs.retrys: unknown key" in odd["error"]
    assert (odd["tries"], set(odd)) == (3, set(one))


def test_the_dags_are_made_of_what_the_package_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Airflow: what reads the two files is plain Python."""
    assert [(stage.name, list(stage.after)) for stage in deployed.stages()] == [
        (stage["name"], stage["after"]) for stage in orchestrate.stages()
    ]
    monkeypatch.setenv(deployed.WHERE, str(tmp_path / "projects.json"))
    with pytest.raises(FileNotFoundError, match=r"projects\.json is not there\n  next: lakehouse-nlp projects --home"):
        deployed.deployment()
    told = _told(tmp_path)
    (tmp_path / "projects.json").write_text(json.dumps(told))
    found = deployed.deployment()
    assert (found.program, found.home, found.env, found.max_concurrent) == (told["program"], str(tmp_path), "local", 2)
    assert [project.name for project in found.projects] == ["odd", "one", "two"]
    one = found.projects[1]
    assert (one.cron, one.files, one.tries, one.timeouts["train"], one.dag_id) == (
        "0 6 * * *", True, 4, 7200, "lakehouse_nlp_one",
    )  # fmt: skip
    assert found.call["home"] == f"{{{{ var.value.get('lakehouse_nlp_home', '{tmp_path}') }}}}"


def test_the_id_of_a_run_sorts_by_time() -> None:
    assert checked_id("20240501T060000-1a2b3c") == "20240501T060000-1a2b3c"
    with pytest.raises(UsageError, match="--run-id 'scheduled__2024-05-01': no id of a run"):
        checked_id("scheduled__2024-05-01")


@pytest.mark.parametrize("option", [["--run-id", "20240501T060000-1a2b3c"], ["--attempt", "2"]])
def test_a_run_that_calls_share_is_of_one_project(tmp_path: Path, option: list[str]) -> None:
    ended = CliRunner().invoke(app, ["run", "--all", *option, "--home", str(tmp_path)])
    assert isinstance(ended.exception, UsageError)
    assert "--run-id and --attempt are of one project" in str(ended.exception)
