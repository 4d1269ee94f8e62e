"""Spark's and Delta's classes as Java has them once they are loaded, in a file that the next session's Java maps.

Class data sharing (JEP 350, Java 13 and later): most of a session's start is loading and verifying classes. The file
fits one Java, one Spark and one set of jars; Java itself sees to that, and does without it where they are others.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from lakehouse_nlp.core.java import java_home, major

JARS, CLASS_PATH, JAVA_OPTIONS = "spark.jars", "spark.driver.extraClassPath", "spark.driver.extraJavaOptions"
DEFAULTS, ENVIRONMENT = "spark-defaults.conf", "spark-env.sh"
SUBMIT_ARGS, CONF_DIR = "PYSPARK_SUBMIT_ARGS", "SPARK_CONF_DIR"
SINCE = 13  # the first Java that adds to its own archive
MAKING = 300.0  # seconds
# Of a file that does not fit any more nobody needs to hear.
QUIET = "-Xlog:cds=off -Xlog:cds+dynamic=off -Xlog:class+path=off"
# What every run does with tables: whatever this loads is in the file.
STATEMENTS = (
    "CREATE SCHEMA s LOCATION 'file:{folder}'",
    "CREATE TABLE s.t (key STRING NOT NULL, n BIGINT, day DATE) USING DELTA PARTITIONED BY (day) "
    "TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', 'delta.constraints.some' = 'n >= 0')",
    "INSERT INTO s.t SELECT string(id), id, DATE'2024-01-01' FROM range(100)",
    "MERGE INTO s.t AS old USING (SELECT string(id) AS key, id + 1 AS n, DATE'2024-01-01' AS day FROM range(50, 150)) "
    "AS new ON old.key = new.key WHEN MATCHED AND new.n <> old.n THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
    "SELECT * FROM table_changes('s.t', 1)",
    "SELECT day, count(DISTINCT key), sum(n), max(upper(key)) FROM s.t VERSION AS OF 1 GROUP BY day",
    "SELECT *, row_number() OVER (PARTITION BY day ORDER BY n) AS place FROM s.t JOIN s.t AS u USING (key, n, day)",
)


def file() -> Path:
    """Where this environment keeps its file; it goes with the environment."""
    return Path(sys.prefix) / "share/lakehouse-nlp/classes.jsa"


def possible() -> bool:
    """Whether the Java that sessions start can make and map such a file."""
    return (major(java_home()) or 0) >= SINCE


def options(conf: Mapping[str, str]) -> dict[str, str]:
    """What a session of this configuration needs besides, to map the file; nothing where it could not, or should not.

    The jars come to the class path itself, for Java shares the classes of no other; and no folder may be on it that
    holds files, so Spark's own configuration is handed over by name.
    """
    if not (file().exists() and conf.get(JARS) and CLASS_PATH not in conf and _plain() and possible()):
        return {}
    mapping = f'"-XX:SharedArchiveFile={file()}" {QUIET}'
    return {CLASS_PATH: _class_path(conf), JAVA_OPTIONS: f"{conf[JAVA_OPTIONS]} {mapping}"}


@contextmanager
def apart() -> Iterator[None]:
    """The environment in which a Java that maps the file, or makes it, has to be started."""
    before = {name: os.environ.get(name) for name in (CONF_DIR, SUBMIT_ARGS)}
    empty = file().with_name("conf")  # the same for all: its name is on the class path, too
    empty.mkdir(parents=True, exist_ok=True)
    os.environ[CONF_DIR] = str(empty)
    if (_conf() / DEFAULTS).exists():
        os.environ[SUBMIT_ARGS] = f"--properties-file '{_conf() / DEFAULTS}' pyspark-shell"
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def make() -> bool:
    """Makes the file by a session of its own; False where that did not come about, and sessions start as they did."""
    file().parent.mkdir(parents=True, exist_ok=True)
    new = file().with_suffix(".new")
    new.unlink(missing_ok=True)
    try:
        subprocess.run([sys.executable, "-m", __name__, str(new)], capture_output=True, timeout=MAKING, check=True)
        new.replace(file())
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _train(new: Path) -> None:
    """A session that does what runs do, and leaves the file when its Java ends."""
    from pyspark import SparkContext

    from lakehouse_nlp.core.session import defaults, session
    from lakehouse_nlp.core.settings.models import Spark

    conf = defaults()
    leave = f'"-XX:ArchiveClassesAtExit={new}"'
    making = {CLASS_PATH: _class_path(conf), JAVA_OPTIONS: f"{conf[JAVA_OPTIONS]} {leave}"}
    with TemporaryDirectory() as folder, apart():
        os.environ["JAVA_HOME"] = str(java_home())
        spark = session(Spark(master="local[2]", conf={**making, "spark.sql.warehouse.dir": folder}))
        for statement in STATEMENTS:
            spark.sql(statement.replace("{folder}", folder)).collect()
        spark.range(9).mapInArrow(lambda batches: batches, "id long").write.json(f"{folder}/json")
        spark.read.text(f"{folder}/json").count()
        java = SparkContext._gateway.proc  # type: ignore[union-attr]
        spark.stop()
        java.stdin.close()  # at which it ends
        java.wait(MAKING)


def _class_path(conf: Mapping[str, str]) -> str:
    return os.pathsep.join(conf[JARS].split(","))


def _conf() -> Path:
    """The folder of Spark's own configuration in this environment."""
    import pyspark

    return Path(pyspark.__file__).parent / "conf"


def _plain() -> bool:
    """Whether Spark is configured by `spark-defaults.conf` alone, and its environment by nobody but `doctor --fix`."""
    if not {CONF_DIR, SUBMIT_ARGS}.isdisjoint(os.environ):
        return False
    names = {path.name for path in _conf().iterdir()} if _conf().exists() else set()
    lines = (_conf() / ENVIRONMENT).read_text(encoding="utf-8").splitlines() if ENVIRONMENT in names else []
    return names <= {DEFAULTS, ENVIRONMENT} and all(line.startswith("export JAVA_HOME=") for line in lines)


if __name__ == "__main__":
    _train(Path(sys.argv[1]))
