"""What this machine lacks for a run, and the mending of it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lakehouse_nlp.core import sharing
from lakehouse_nlp.core.errors import LakehouseError
from lakehouse_nlp.core.java import java_home, major
from lakehouse_nlp.core.session import defaults, ivy_home, session
from lakehouse_nlp.core.settings.disk import Disk
from lakehouse_nlp.core.settings.models import Spark

# Versions that are known to work together: the minor version counts.
PINNED = {
    "pyspark": "3.5",
    "delta-spark": "3.3",
    "spark-nlp": "5.5",
    "mlflow": "3",
    "xgboost-cpu": "3",
    "duckdb": "1.5",
}


@dataclass(frozen=True)
class Finding:
    """One thing that a run needs: what it is, whether it is there, what was found, and what to do."""

    what: str
    ok: bool
    found: str
    next: str = ""


def examine(home: Path) -> list[Finding]:
    """Python, packages, Java, jars, what spark-submit is told, and a home folder that can be written."""
    return [_python(), *map(_package, PINNED), _java(), _jars(), _spark_submit(), _home(home)]


def mend(say: Callable[[str], None]) -> None:
    """Fetches the jars, and tells spark-submit, pyspark and spark-sql of this environment about them."""
    say("fetching the jars of Delta Lake and Spark NLP, once")
    session(Spark(master="local[1]", conf={"spark.ui.enabled": "false"}), "doctor").stop()
    for path, text in _spark_files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        say(f"wrote {path}")
    if sharing.possible():
        say("keeping Java's loaded classes, for sessions to start faster")
        say(f"wrote {sharing.file()}" if sharing.make() else "which this Java cannot: sessions start as they did")


def _spark_files() -> dict[Path, str]:
    """Spark's own configuration, of this environment: spark-submit reads it before our code runs."""
    import pyspark

    conf = Path(os.environ.get(sharing.CONF_DIR) or Path(pyspark.__file__).parent / "conf")
    lines = {**defaults(), "spark.pyspark.python": sys.executable}
    java = f'export JAVA_HOME="{java_home()}"\n'
    return {
        conf / sharing.DEFAULTS: "".join(f"{key} {value}\n" for key, value in lines.items()),
        conf / sharing.ENVIRONMENT: java,
    }


def _python() -> Finding:
    found = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    ok = (3, 10) <= sys.version_info[:2] <= (3, 12)
    return Finding("Python", ok, found, "" if ok else "use Python 3.10, 3.11 or 3.12: Spark 3.5 runs on no later one")


def _package(name: str) -> Finding:
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding(name, False, "not installed", f"pip install '{name}=={PINNED[name]}.*'")
    ok = found.split(".")[: PINNED[name].count(".") + 1] == PINNED[name].split(".")
    return Finding(name, ok, found, "" if ok else f"pip install '{name}=={PINNED[name]}.*'")


def _java() -> Finding:
    try:
        home = java_home()
    except LakehouseError as error:
        return Finding("Java", False, error.message, error.hint)
    return Finding("Java", True, f"{major(home)} at {home}")


def _jars() -> Finding:
    home = ivy_home()
    found = len(list((home / "jars").glob("*.jar"))) if (home / "complete").exists() else 0
    return Finding("jars", found > 0, f"{found} in {home}", "" if found else "lakehouse-nlp doctor --fix")


def _spark_submit() -> Finding:
    try:
        told = all(path.exists() and path.read_text(encoding="utf-8") == text for path, text in _spark_files().items())
    except LakehouseError:
        told = False
    return Finding(
        "spark-submit",
        told,
        "knows the jars" if told else "does not know the jars",
        "" if told else "lakehouse-nlp doctor --fix",
    )


def _home(home: Path) -> Finding:
    ok = os.access(home, os.W_OK)
    free = shutil.disk_usage(home).free if home.exists() else 0
    short = ok and free < (Disk().least or 0)
    then = "make room: lakehouse-nlp maintain --dry-run says what can go" if short else "choose another with --home"
    return Finding("home", ok and not short, f"{home}, {free / 1e9:,.1f} GB free", "" if ok and not short else then)
