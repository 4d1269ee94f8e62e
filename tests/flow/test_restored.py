"""The demo's home, backed up and brought into an empty one by the command line."""

from __future__ import annotations

import json
from pathlib import Path

import lake
import pytest

pytestmark = pytest.mark.flow
QUERY = "select prediction, count(*) as n, sum(probability) as p from demo.current_predictions group by all order by 1"


def test_a_restored_home_answers_the_same_and_has_nothing_to_do(clean: lake.Clean, tmp_path: Path) -> None:
    home, place = tmp_path / "elsewhere", tmp_path / "kept"
    home.mkdir()
    source = lake.copy(clean.home, tmp_path / "source")
    taken = json.loads(lake.done(source, "backup", "--to", place, "--json"))
    back = json.loads(lake.done(home, "restore", "--from", place, "--json"))
    assert (back["id"], back["lost"]) == (taken["id"], [])
    assert back["answers"] > 20
    assert {part["part"]: part["files"] for part in back["parts"]} == {p["part"]: p["files"] for p in taken["parts"]}
    assert lake.differences(home, source, (*lake.PROJECT_TABLES, *lake.LEDGERS)) == {}
    assert lake.ask(home, QUERY) == lake.ask(source, QUERY)
    assert json.loads(lake.done(home, "plan", "--json")) == []
    assert json.loads(lake.done(home, "models", "--json")) == json.loads(lake.done(source, "models", "--json"))

    refused = lake.cli(home, "restore", "--from", place)
    assert refused.returncode == 2
    assert "holds a project demo; this would be lost:\n  demo.bronze: " in refused.stderr
