"""Homes with a small lake for the tests that run whole processes: made once a session, copied for each test."""

from __future__ import annotations

import functools
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.tables import Log
from lakehouse_nlp.demo.sample import write_more, write_samples

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
ROWS, MORE_ROWS = 3000, 300
TIMEOUT = 400

# What a JVM of a few seconds gains nothing from: the optimising compiler, a parallel collector, verified byte code.
JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
# The demo's project, a small model, and Spark for tables of a few files.
SMALL = """\
  text: {buckets: 16384, select: 200}
train:
  booster: {rounds: 20}
spark:
  conf:
    spark.driver.memory: 2g
    spark.sql.shuffle.partitions: 2
    spark.databricks.delta.snapshotPartitions: 1
"""

PROJECT_TABLES = ("bronze", "silver", "quarantine", "gold", "predictions")
LEDGERS = ("ops.checks", "ops.model_events", "ops.metrics")
# Of the run and not of the data: who wrote a row, and when.
PASSING = {"run_id", "model_run_id", "recorded_at", "_ingested_at", "scored_at"}
PASSING |= {"first_seen", "last_seen", "released_at", "released_by"}


# -- processes ------------------------------------------------------------------------------------------------------


def environment() -> dict[str, str]:
    """The environment of a process: this interpreter's programs first, no settings of the caller's."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("LAKEHOUSE_NLP_", "MLFLOW_"))}
    path = os.pathsep.join([str(BIN), own.get("PATH", "")])
    return {**own, "PATH": path, "JDK_JAVA_OPTIONS": JVM, "SPARK_LOCAL_IP": "127.0.0.1", "TZ": "UTC"}


def call(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    done.stderr = "".join(line for line in done.stderr.splitlines(True) if not line.startswith("NOTE: Picked up JDK"))
    return done


def cli(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs `lakehouse-nlp` on a home folder."""
    return call(BIN / "lakehouse-nlp", *arguments, "--home", home, cwd=home)


def done(home: Path, *arguments: str | Path) -> str:
    """The same where it has to succeed; gives its stdout."""
    ended = cli(home, *arguments)
    assert ended.returncode == 0, f"{arguments}: exit {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def begin(*command: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """Starts a program in a process group of its own; its JVM and Python workers belong to the group."""
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def group(leader: int) -> dict[int, str]:
    """Process id -> command of the processes of a group that still live; the dead that nobody buried do not count."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,pgid=,stat=,comm="], capture_output=True, text=True, check=True
    ).stdout
    fields = [line.split(None, 3) for line in listed.splitlines()]
    return {int(f[0]): f[3] for f in fields if int(f[1]) == leader and not f[2].startswith("Z")}


def wait_for_group(leader: int, seconds: float = 60) -> None:
    """Waits until no process of the group lives: a JVM may write for a moment longer than the Python that led it."""
    until = time.monotonic() + seconds
    while living := group(leader):
        assert time.monotonic() < until, f"still there {seconds} s after the kill: {living}"
        time.sleep(0.1)


def kill_group(process: subprocess.Popen[str]) -> None:
    """SIGKILL to every process of a group that `begin` made."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    wait_for_group(process.pid)


# -- homes ----------------------------------------------------------------------------------------------------------


def new_home(home: Path) -> Path:
    """A home with the small demo project and no data."""
    projects = home / "conf" / "projects"
    projects.mkdir(parents=True)
    demo = (ROOT / "conf" / "projects" / "demo.yml").read_text(encoding="utf-8")
    (projects / "demo.yml").write_text(demo + SMALL, encoding="utf-8")
    return home


def raw_home(home: Path) -> Path:
    """A home whose sample files wait in `raw/`."""
    new_home(home)
    for path in write_samples(home / "lake/demo/raw", ROWS):
        assert path.exists()
    return home


class Clean:
    """A home that one undisturbed run made, and what that run said."""

    def __init__(self, base: Path) -> None:
        self.home = raw_home(base / "clean")
        self.ended = cli(self.home, "run")


_made: dict[str, Any] = {}
_lock = threading.RLock()


def clean(base: Path) -> Clean:
    """The clean home of this session; `base`: the session's folder."""
    with _lock:
        if "clean" not in _made:
            _made["clean"] = Clean(base)
    found: Clean = _made["clean"]
    assert found.ended.returncode == 0, found.ended.stderr
    return found


def copy(home: Path, to: Path) -> Path:
    """A copy of a home. Its registry points to the artifacts of the original, which nobody changes."""
    shutil.copytree(home, to)
    return to


def forget(home: Path, *tables: str) -> Path:
    """Takes tables out of a home's lake, as if they were yet to be made."""
    for table in tables:
        database, _, short = table.rpartition(".")
        shutil.rmtree(home / "lake" / (database or "demo") / "tables" / short)
    return home


def add_more(home: Path, seed: int = 1) -> Path:
    """Brings one further file to predict for; gives its place in the lake."""
    path = write_more(home / "brought", MORE_ROWS, seed)
    done(home, "add", path, "--project", "demo", "--inference")
    return home / "lake/demo/raw/inference" / path.name


# -- what is in them ------------------------------------------------------------------------------------------------


def ask(home: Path, query: str) -> list[dict[str, Any]]:
    """The answer of DuckDB over the lake of a home."""
    return duck.rows(home / "lake", query)


def count(home: Path, table: str, where: str = "true") -> int:
    """Rows of a table."""
    return int(ask(home, f"SELECT count(*) AS n FROM {table} WHERE {where}")[0]["n"])


def versions(home: Path) -> dict[str, int | None]:
    """Every table of the lake with its version."""
    return {name: Log(path).version() for name, path in duck.tables(home / "lake").items()}


def plain(value: Any, without: Collection[str] = ()) -> Any:
    """A value that is equal where the content is. `without`: fields that do not count, at any depth."""
    if isinstance(value, Mapping):
        return tuple((key, plain(value[key], without)) for key in sorted(value) if key not in without)
    if isinstance(value, list | tuple):
        return tuple(plain(item, without) for item in value)
    return value


def content(home: Path, table: str, without: Collection[str] = ()) -> Counter[Any]:
    """The rows of a table with how often each is there, without what belongs to the run that wrote them.

    `without`: further columns that do not count.
    """
    name = table if "." in table else f"demo.{table}"
    where = "metric NOT IN ('seconds', 'disk_used')" if table == "ops.metrics" else "true"
    found = duck.rows(home / "lake", f"SELECT * FROM {name} WHERE {where}", only=[name])
    return Counter(plain(row, {*PASSING, *without}) for row in found)


def differences(
    home: Path, wanted: Path, tables: Iterable[str] = PROJECT_TABLES, without: Collection[str] = ()
) -> dict[str, Any]:
    """Table -> how many rows are missing and how many too many, with one of each; empty where all are equal."""
    told: dict[str, Any] = {}
    for table in tables:
        try:
            mine, theirs = content(home, table, without), content(wanted, table, without)
        except Exception as error:  # a table that is not there is a difference
            told[table] = str(error)
            continue
        if mine != theirs:
            missing, extra = theirs - mine, mine - theirs
            told[table] = {
                "missing": missing.total(),
                "extra": extra.total(),
                "for example": str(next(iter(missing or extra)))[:500],
            }
    return told


def ledger(home: Path) -> dict[tuple[str, str], tuple[Any, ...]]:
    """(name, purpose) -> state, batch, rows, place and failed check: the newest row of every file in `ops.files`."""
    newest = """SELECT * FROM ops.files
                QUALIFY row_number() OVER (PARTITION BY name, file_hash, purpose ORDER BY recorded_at DESC) = 1"""
    told = ("state", "batch", "rows", "place", "failed")
    return {(row["name"], row["purpose"]): tuple(row[name] for name in told) for row in ask(home, newest)}


def places(home: Path) -> list[str]:
    """Every file of the project outside its tables and reports, by its path below the project's folder."""
    folder = home / "lake/demo"
    found = [path for part in ("raw", "processed", "errors") for path in (folder / part).rglob("*") if path.is_file()]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def row(number: int, **changes: str | None) -> dict[str, str | None]:
    """A good row of the demo's files."""
    usual: dict[str, str | None] = {
        "review_id": f"T{number:05}",
        "product": "Alder kettle",
        "category": "kitchen",
        "price": "24.99",
        "rating": "5" if number % 2 else "1",
        "date": "March 3, 2024",
        "title": "Great kettle" if number % 2 else "Poor kettle",
        "body": f"I like it, number {number}." if number % 2 else f"It broke after {number} days.",
    }
    return {**usual, **changes}


def jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Writes a file of JSON lines, packed if its name says so."""
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
    return path


@functools.cache
def bad_files(folder: Path) -> tuple[Path, ...]:
    """An empty file, one that lacks the column `body`, a .gz that breaks off, and a good one of 20 rows."""
    rows = [row(n) for n in range(20)]
    empty = folder / "empty.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    empty.touch()
    lacking = jsonl(folder / "lacking.jsonl", [{k: v for k, v in r.items() if k != "body"} for r in rows])
    broken = jsonl(folder / "broken.jsonl.gz", [row(n, body=f"{n * n * 7919} words") for n in range(500)])
    broken.write_bytes(broken.read_bytes()[:-400])
    return empty, lacking, broken, jsonl(folder / "good.jsonl", rows)


# -- scenarios ------------------------------------------------------------------------------------------------------


def grown(base: Path) -> Path:
    """The home of an undisturbed run that took one further file in: the clean one, and `add_more`."""
    with _lock:
        if "grown" not in _made:
            home = copy(clean(base).home, base / "grown")
            add_more(home)
            _made["grown"] = (home, cli(home, "plan", "--json"), cli(home, "run"))
    home, _, ended = _made["grown"]
    assert ended.returncode == 0, ended.stderr
    return Path(home)


def planned_for_grown(base: Path) -> list[dict[str, Any]]:
    """What `plan --json` said before that run."""
    grown(base)
    found: list[dict[str, Any]] = json.loads(_made["grown"][1].stdout)
    return found


def rejecting(base: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The home of an undisturbed run over `bad_files`, put straight into `raw/train`, and how that run ended."""
    with _lock:
        if "rejecting" not in _made:
            home = with_bad_files(base, base / "rejecting")
            _made["rejecting"] = (home, cli(home, "run", "ingest"))
    home, ended = _made["rejecting"]
    return Path(home), ended


def with_bad_files(base: Path, to: Path) -> Path:
    """A copy of the clean home in which `bad_files` wait."""
    home = copy(clean(base).home, to)
    for path in bad_files(base / "bad"):
        shutil.copy2(path, home / "lake/demo/raw/train")
    return home


class Pool:
    """Runs scenarios two at a time, beside the tests that ask for their outcome; they are known by module and name."""

    def __init__(self, base: Path, wanted: Mapping[tuple[str, str], Callable[[Path], Any]]) -> None:
        self._pool = ThreadPoolExecutor(2)
        self._found = {name: self._pool.submit(scenario, base) for name, scenario in wanted.items()}

    def outcome(self, name: tuple[str, str]) -> Any:
        """What the scenario gave; raises what it raised."""
        return self._found[name].result()

    def close(self) -> None:
        """Begins no more of them, and waits for those that run."""
        self._pool.shutdown(cancel_futures=True)
