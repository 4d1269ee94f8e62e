"""Sessions in processes of their own: which classes they map, and what comes after one whose Java died."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse_nlp.core import sharing

IMPORTS = """
from lakehouse_nlp.core.session import session
from lakehouse_nlp.core.settings.models import Spark
asked = Spark(master="local[1]", conf={"spark.ui.enabled": False})
"""
START = f"{IMPORTS}session(asked).stop()"
LOSE = f"""{IMPORTS}
from pyspark import SparkContext
first = session(asked)
java = SparkContext._gateway.proc
java.kill()
java.wait()
print(session(asked).range(3).count(), SparkContext._gateway.proc.pid != java.pid)
"""


def test_a_session_maps_the_classes_of_delta(tmp_path: Path) -> None:
    if not (sharing.possible() and sharing.file().exists()):
        pytest.skip("Java's loaded classes are not kept here: lakehouse-nlp doctor --fix, with Java 17")
    log = tmp_path / "classes.log"
    told = {**os.environ, "JAVA_TOOL_OPTIONS": f"-Xlog:class+load:file={log}"}
    for name in ("SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS"):
        told.pop(name, None)
    subprocess.run([sys.executable, "-c", START], check=True, env=told)
    (loaded,) = (line for line in log.read_text().splitlines() if " io.delta.tables.DeltaTable source: " in line)
    assert loaded.endswith("source: shared objects file (top)")


def test_after_a_session_whose_java_died_comes_a_new_one() -> None:
    told = subprocess.run([sys.executable, "-c", LOSE], check=True, capture_output=True, text=True)
    assert told.stdout.split() == ["3", "True"]
