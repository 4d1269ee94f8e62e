from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

HEAVY = ("pyspark", "mlflow", "duckdb", "pandas", "xgboost", "sparknlp", "great_expectations", "scipy", "numpy")
SECONDS, TIMES = 0.5, 2
LIBRARIES = [sys.executable, "-m", "typer", "--help"]


@pytest.mark.parametrize("module", ["lakehouse_nlp", "lakehouse_nlp.flow", "lakehouse_nlp.cli.app"])
def test_importing_the_package_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(' '.join(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_help_answers_at_once() -> None:
    """On a machine that is busy, or slow, it may take as much longer as the libraries of any command line do."""
    command = [str(Path(sys.executable).with_name("lakehouse-nlp")), "--help"]
    ours, theirs = zip(*((_user_seconds(command), _user_seconds(LIBRARIES)) for _ in range(4)), strict=True)
    assert min(ours) < max(SECONDS, TIMES * min(theirs)), (ours, theirs)


def _user_seconds(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "120"})
    assert "Usage: " in done.stdout
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
