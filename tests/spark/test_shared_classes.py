"""A new session takes Delta's classes from the file that `doctor --fix` made."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse_nlp.core import sharing

START = """
from lakehouse_nlp.core.session import session
from lakehouse_nlp.core.settings.models import Spark
session(Spark(master="local[1]", conf={"spark.ui.enabled": False})).stop()
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
