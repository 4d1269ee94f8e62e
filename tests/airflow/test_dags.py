"""The DAGs of deploy/airflow in a real Airflow: `airflow dags test` over small homes, and what came of it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import lake
import pytest

from lakehouse_nlp import flow, orchestrate

AIRFLOW = lake.ROOT / ".venv-airflow/bin/airflow"
pytestmark = [
    pytest.mark.airflow,
    pytest.mark.skipif(not AIRFLOW.exists(), reason="no Airflow here: make airflow"),
    pytest.mark.timeout(3600),
]

FAILED = "upstream_failed"
SETTINGS = "runs: {retries: {tries: 2, wait: 2s}, timeouts: {train: 1h}, deadline: 2h, schedule: {files: true}}\n"
COLUMNS = "columns: {id: string, title: string}\nkey: id\ntext: title\nlabel: title\n"
ODD = f"{COLUMNS}runs: {{retrys: {{}}}}\n"

# Ends as its project's name says: `ends_75_then_0` with 75 at first. Lists the projects of projects.json.
PROGRAM = """#!{python}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
if sys.argv[1] == "projects":
    print((here / "projects.json").read_text()); sys.exit()
name = sys.argv[sys.argv.index("--project") + 1]
calls = here / name
calls.write_text((calls.read_text() if calls.exists() else "") + " ".join(sys.argv[1:2]) + ";")
codes = [int(word) for word in name.split("_") if word.isdigit()]
code = codes[min(calls.read_text().count(";"), len(codes)) - 1]
if "answers" in name or not code:
    print(json.dumps({{"state": "done"}}))
sys.exit(f"error: told so\\n  next: nothing" if code == 1 else code)
"""


class Airflow:
    """An Airflow with a database of its own; its DAGs are those of the repository, over the projects of a file."""

    def __init__(self, home: Path) -> None:
        self.home, self.projects = home, home / "projects.json"
        self._called("db", "migrate")

    def deploy(self, told: dict[str, Any]) -> None:
        """Writes the projects, and reads the DAGs anew. They have to be read without an error."""
        self.projects.write_text(json.dumps(told))
        self._called("dags", "reserialize")
        assert json.loads(self._called("dags", "list-import-errors", "--output", "json").stdout) == []

    def test(self, dag_id: str, **conf: Any) -> tuple[int, dict[tuple[str, int], tuple[str, int]]]:
        """Runs a DAG to its end: exit code, and (task, map index) -> state and number of the last try."""
        ended = self._called("dags", "test", dag_id, "--conf", json.dumps(conf), may_fail=True)
        query = """SELECT task_id, map_index, state, try_number FROM task_instance WHERE run_id =
                   (SELECT run_id FROM dag_run WHERE dag_id = ?1 ORDER BY id DESC LIMIT 1) AND dag_id = ?1"""
        rows = self.ask(query, dag_id)
        assert rows, ended.stdout + ended.stderr
        return ended.returncode, {(task, index): (state, tries) for task, index, state, tries in rows}

    def ask(self, query: str, *values: Any) -> list[Any]:
        """The answer of its database."""
        with sqlite3.connect(self.home / "airflow.db") as database:
            return database.execute(query, values).fetchall()

    def _called(self, *arguments: str, may_fail: bool = False) -> subprocess.CompletedProcess[str]:
        own = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(lake.ROOT / "deploy/airflow/dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "LAKEHOUSE_AIRFLOW_PROJECTS": str(self.projects),
            "PYTHONWARNINGS": "ignore",
        }
        command, log = [str(AIRFLOW), *arguments], self.home / "said.log"
        with log.open("a") as said:
            done = subprocess.run(
                command, env={**lake.environment(), **own}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=said, text=True, check=False,
            )  # fmt: skip
        assert may_fail or done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{log.read_text()[-6000:]}"
        return done


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """The one Airflow of these tests."""
    return Airflow(tmp_path_factory.mktemp("airflow"))


def _states(found: dict[tuple[str, int], tuple[str, int]]) -> dict[str, tuple[str, int]]:
    return {task: state for (task, _), state in found.items()}


def test_only_exit_codes_that_can_pass_are_tried_again(airflow: Airflow, tmp_path: Path) -> None:
    """A program that ends as it is told stands for lakehouse-nlp; a task is mapped over each project that it lists."""
    expected = {
        "ends_0": ("success", 1),
        "ends_1": ("failed", 1),
        "ends_1_answers": ("success", 1),  # some of it was refused, and the rest is done
        "ends_2": ("failed", 1),
        "ends_3": ("failed", 1),
        "ends_4": ("failed", 1),
        "ends_124": ("failed", 1),
        "ends_75_then_0": ("success", 2),
        "ends_75_always": ("failed", 2),
        "ends_143_then_0": ("success", 2),
    }
    program = tmp_path / "program"
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    folder = tmp_path / "conf/projects"
    folder.mkdir(parents=True)
    for name in expected:
        (folder / f"{name}.yml").write_text(f"{COLUMNS}runs: {{retries: {{tries: 2, wait: 1s}}}}\n")
    told = {**orchestrate.projects(tmp_path, "local"), "program": str(program)}
    (tmp_path / "projects.json").write_text(json.dumps(told))
    airflow.deploy(told)
    code, found = airflow.test("lakehouse_nlp_maintain")
    assert code != 0
    names = list(told["projects"])
    assert {names[index]: state for (task, index), state in found.items() if task == "maintain"} == expected
    assert {name: (tmp_path / name).read_text().count("maintain;") for name in names} == {
        name: tries for name, (_, tries) in expected.items()
    }
    alerted = {name for name in names if "alerts;" in (tmp_path / name).read_text()}
    assert alerted == {name for name, (state, _) in expected.items() if state == "failed"}


class Deployed:
    """A home with the demo's project, whose raw files hold an empty one, and a project with a fault in its settings."""

    def __init__(self, home: Path) -> None:
        self.home = lake.raw_home(home)
        demo = home / "conf/projects/demo.yml"
        demo.write_text(demo.read_text(encoding="utf-8") + SETTINGS, encoding="utf-8")
        (home / "conf/projects/odd.yml").write_text(ODD, encoding="utf-8")
        (home / "lake/demo/raw/train/empty.csv").touch()
        self.told = json.loads(lake.done(home, "projects", "--json"))


@pytest.fixture(scope="module")
def deployed(airflow: Airflow, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """The home that the DAGs run over."""
    found = Deployed(tmp_path_factory.mktemp("lakehouse") / "home")
    airflow.deploy(found.told)
    return found


def test_the_path_is_run_from_raw_files_to_predictions(airflow: Airflow, deployed: Deployed) -> None:
    """All tasks are one run, of which an empty file was refused: everything else is done, and the verdict says so."""
    code, found = airflow.test("lakehouse_nlp_demo")
    done = dict.fromkeys(flow.NAMES, ("success", 1))
    assert _states(found) == {**done, "look_for_retraining": ("success", 1), "verdict": ("failed", 1)}
    assert code != 0
    home = deployed.home
    assert lake.count(home, "demo.predictions") == lake.count(home, "demo.gold") > 2500
    assert lake.count(home, "demo.current_predictions", "prediction in ('positive', 'negative')") > 2500
    (run,) = lake.ask(home, "SELECT state, stages, error FROM ops.runs")
    assert (run["state"], run["stages"]) == ("rejected", " ".join(flow.NAMES))
    assert "empty.csv" in run["error"]
    steps = lake.ask(home, "SELECT stage, state, tries FROM ops.steps ORDER BY started_at")
    assert [tuple(step.values()) for step in steps] == [(stage, "done", 1) for stage in flow.NAMES]
    events = airflow.ask("SELECT name FROM asset_event JOIN asset ON asset.id = asset_event.asset_id")
    assert events == [("lakehouse_nlp_demo_predictions",)]


def test_a_server_that_does_not_answer_is_asked_again_and_nothing_comes_after_the_task_that_failed(
    airflow: Airflow, deployed: Deployed
) -> None:
    """Every try is recorded in one run, and one alert is raised, by the last."""
    local = (lake.ROOT / "conf/envs/local.yml").read_text(encoding="utf-8")
    env = deployed.home / "conf/envs/away.yml"
    env.parent.mkdir(parents=True)
    env.write_text(f"{local}\nmlflow: {{tracking_uri: 'http://127.0.0.1:9'}}\n", encoding="utf-8")
    airflow.deploy({**deployed.told, "env": "away"})
    code, found = airflow.test("lakehouse_nlp_demo", from_stage="register", force=True)
    assert code != 0
    skipped = dict.fromkeys(("ingest", "silver", "gold", "train"), "skipped")
    states = {task: state for task, (state, _) in _states(found).items()}
    left = dict.fromkeys(("score", "monitor", "look_for_retraining", "verdict"), FAILED)
    assert states == {**skipped, "register": "failed", **left}
    assert _states(found)["register"] == ("failed", 2)
    runs = lake.ask(deployed.home, "SELECT run_id, state, stages FROM ops.runs ORDER BY run_id")
    assert [(run["state"], run["stages"]) for run in runs[1:]] == [("failed", "register")]
    query = f"SELECT state, tries FROM ops.steps WHERE run_id = '{runs[1]['run_id']}' ORDER BY tries"
    steps = lake.ask(deployed.home, query)
    assert [tuple(step.values()) for step in steps] == [("failed", 1), ("failed", 2)]


def test_a_project_whose_settings_have_a_fault_fails_at_once_and_alone(airflow: Airflow, deployed: Deployed) -> None:
    airflow.deploy(deployed.told)
    code, found = airflow.test("lakehouse_nlp_odd")
    assert code != 0
    states = _states(found)
    assert states["ingest"] == ("failed", 1)
    assert {state for task, (state, _) in states.items() if task != "ingest"} == {FAILED}
    assert lake.count(deployed.home, "ops.runs", "project = 'odd'") == 0
