"""spark-submit, on this machine and on a cluster of processes, gives what `lakehouse-nlp run` gives."""

from __future__ import annotations

import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import lake
import pytest
import standalone

pytestmark = pytest.mark.flow

JOBS = lake.ROOT / "jobs"
CLUSTER = ("--master", "local-cluster[2,1,2048]")


def submitted(home: Path, job: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs a script of `jobs/` on a home, from a folder that is not it."""
    where = ("--project", "demo", "--home", str(home))
    return lake.call(lake.BIN / "spark-submit", *options, JOBS / job, *where, cwd=home.parent)


def local(base: Path) -> dict[str, Any]:
    """A stage by its own script, then the rest by run_all.py."""
    home = lake.raw_home(base / "submitted")
    first = submitted(home, "ingest.py")
    tables = sorted(lake.versions(home))
    return {"home": home, "first": first, "tables": tables, "ended": submitted(home, "run_all.py")}


def cluster(base: Path) -> dict[str, Any]:
    home = lake.raw_home(base / "cluster")
    return {"home": home, "ended": submitted(home, "run_all.py", *CLUSTER)}


SCENARIOS = {"local": local, "cluster": cluster}
# A cluster that shares every path shows less than the one below, and takes as long.
BOTH = pytest.mark.parametrize("scenario", ["local", pytest.param("cluster", marks=pytest.mark.faults)])


@BOTH
def test_run_all_by_spark_submit_ends_well(outcome: dict[str, Any]) -> None:
    assert outcome["ended"].returncode == 0, outcome["ended"].stderr
    assert outcome["ended"].stdout.splitlines()[-1].endswith(": done")


@BOTH
def test_the_predictions_are_those_of_the_command_line(outcome: dict[str, Any], clean: lake.Clean) -> None:
    mine, wanted = predictions(outcome["home"]), predictions(clean.home)
    assert mine.keys() == wanted.keys()
    assert {key: row[0] for key, row in mine.items()} == {key: row[0] for key, row in wanted.items()}
    assert max(abs(mine[key][1] - row[1]) for key, row in wanted.items()) <= 1e-9


@BOTH
def test_the_tables_are_those_of_the_command_line(outcome: dict[str, Any], clean: lake.Clean) -> None:
    assert lake.differences(outcome["home"], clean.home, ("bronze", "silver", "quarantine", "gold")) == {}


@pytest.mark.parametrize("scenario", ["local"])
def test_the_script_of_one_stage_runs_that_stage(outcome: dict[str, Any]) -> None:
    assert outcome["first"].returncode == 0, outcome["first"].stderr
    assert outcome["tables"] == [
        "demo.bronze", "ops.files", "ops.lineage", "ops.runs", "ops.schema_changes", "ops.steps",
    ]  # fmt: skip
    asked = lake.ask(outcome["home"], "SELECT stages, state FROM ops.runs ORDER BY run_id")
    every = "ingest silver gold train register score monitor"
    assert asked == [{"stages": "ingest", "state": "done"}, {"stages": every, "state": "done"}]


def test_there_is_a_script_for_every_stage_and_it_names_it() -> None:
    from lakehouse_nlp import flow

    for stage in flow.NAMES:
        command = f'main("{stage}")' if stage == "score" else f'main("run", "{stage}")'  # score has options of its own
        assert command in (JOBS / f"{stage}.py").read_text(encoding="utf-8")


def predictions(home: Path) -> dict[str, tuple[str, float]]:
    found = lake.ask(home, "SELECT key, prediction, probability FROM demo.predictions")
    assert len(found) == len({row["key"] for row in found})
    return {row["key"]: (row["prediction"], row["probability"]) for row in found}


# -- a cluster of separate processes --------------------------------------------------------------------------------


def apart(base: Path) -> dict[str, Any]:
    """The whole path on a master and two workers that see the lake, and of the package only the wheel they are sent."""
    home, place = lake.raw_home(base / "apart"), base / "standalone"
    shipped, python = standalone.wheel(place / "build"), standalone.bare_python(place / "python")
    hidden = [home / "conf", home / "mlflow", place / "build", *(lake.ROOT / name for name in ("src", "conf", "sql"))]
    (home / "mlflow").mkdir()
    with standalone.cluster(place, hidden) as address:
        options = ("--master", address, "--py-files", str(shipped), "--conf", f"spark.pyspark.python={python}")
        ended = submitted(home, "run_all.py", *options)
    return {"home": home, "ended": ended, "work": place, "wheel": shipped.name}


SCENARIOS["apart"] = apart


@pytest.mark.parametrize(("ci", "fails"), [("true", True), ("", False)])
def test_where_nothing_can_be_hidden_a_checked_run_fails(monkeypatch: pytest.MonkeyPatch, ci: str, fails: bool) -> None:
    refused = subprocess.CompletedProcess([], 1, "", "unshare: unshare failed: Operation not permitted\n")
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: refused)
    told = pytest.raises(AssertionError, match="unshare failed: Operation not permitted") if fails else nullcontext()
    with told:
        assert standalone.hiding([Path("/src")]) == []
    assert standalone.hiding([]) == []


@pytest.mark.parametrize("scenario", ["apart"])
def test_on_a_cluster_of_processes_that_share_only_the_lake_the_tables_are_the_same(
    outcome: dict[str, Any], clean: lake.Clean
) -> None:
    assert outcome["ended"].returncode == 0, outcome["ended"].stderr
    assert lake.differences(outcome["home"], clean.home) == {}


@pytest.mark.parametrize("scenario", ["apart"])
def test_both_workers_ran_the_package_that_they_were_sent(outcome: dict[str, Any]) -> None:
    sent = {path.relative_to(outcome["work"]).parts[0] for path in outcome["work"].glob("worker-*/work/*/*/*.whl")}
    assert sent == {"worker-0", "worker-1"}
    # The model comes to a worker as a file of Spark's, packed by MLflow: the store is hidden from it.
    assert list(outcome["work"].glob("worker-*/work/*/*/*.zip"))
