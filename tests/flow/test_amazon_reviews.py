"""The real set, from file to predictions: `docs/amazon_reviews.md` is this run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.flow

ROOT = Path(__file__).resolve().parents[2]
REVIEWS = ROOT.parent / "shared" / "data" / "amazon_reviews.jsonl.gz"
FLOORS = {"accuracy": 0.946, "roc_auc": 0.981, "f1": 0.850}


@pytest.mark.skipif(not REVIEWS.exists(), reason=f"needs {REVIEWS.name} in {REVIEWS.parent}")
def test_champion_is_above_the_floors_and_above_its_linear_baseline(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    called(tmp_path, "add", str(REVIEWS))
    called(tmp_path, "run")
    status = json.loads(called(tmp_path, "status", "--json"))

    tables = {name: table["rows"] for name, table in status["tables"].items() if name.startswith("amazon_reviews.")}
    assert tables == {
        "amazon_reviews.bronze": 156_508,
        "amazon_reviews.silver": 82_852,
        "amazon_reviews.quarantine": 33,
        "amazon_reviews.gold": 82_852,
        "amazon_reviews.predictions": 82_852,
    }
    metrics = status["champion"]["metrics"]
    mine, linear = figures(metrics["test"]), figures(metrics["baselines"]["linear"])
    for name, floor in FLOORS.items():
        assert mine[name] >= floor, name
        assert mine[name] > linear[name], name
    assert mine["accuracy"] < 0.98, "so much better than every hand-written model means a leak"


def figures(split: dict[str, object]) -> dict[str, float]:
    return {"accuracy": split["accuracy"], "roc_auc": split["roc_auc"], "f1": split["f1"]["negative"]}  # type: ignore


def called(home: Path, *arguments: str) -> str:
    command = [
        Path(sys.executable).with_name("lakehouse-nlp"),
        *arguments,
        "--project",
        "amazon_reviews",
        "--home",
        home,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=800)
    assert done.returncode == 0, done.stderr
    return done.stdout
