"""A Spark cluster of separate processes on loopback, whose workers have neither the package nor its paths."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import lake

from lakehouse_nlp.core.java import java_home

CLASS = "org.apache.spark.deploy."


def wheel(folder: Path) -> Path:
    """The package's wheel, built from a copy of the source: a build leaves its traces where it runs."""
    source = folder / "checkout"
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("src", "conf", "sql"):
        shutil.copytree(lake.ROOT / name, source / name, ignore=ignore)
    for name in ("setup.py", "pyproject.toml", "README.md"):
        shutil.copy(lake.ROOT / name, source)
    ended = lake.call(
        sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", ".", "--no-deps", "--quiet",
        "--wheel-dir", folder / "dist", cwd=source,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return next((folder / "dist").glob("*.whl"))


def bare_python(folder: Path) -> Path:
    """A Python with all that the package needs, and without the package: what it is given it has to be shipped."""
    ended = lake.call(sys.executable, "-m", "venv", "--without-pip", folder)
    assert ended.returncode == 0, ended.stderr
    # Folders of a .pth file are searched, their own .pth files are not: an editable install is left behind.
    place = next(folder.glob("lib/python*/site-packages"))
    (place / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder / "bin/python"


@contextmanager
def cluster(folder: Path, hidden: Sequence[Path], workers: int = 2) -> Iterator[str]:
    """The address of a cluster of one master and some workers of two cores, which ends with the block.

    Each has a folder of its own to live and work in. `hidden`: folders that the workers see empty, where this system
    lets root give processes a view of their own; with CI=true it has to.
    """
    with ExitStack() as started:
        said = started.enter_context(_process(folder / "master", (), "master.Master"))
        address = _waited(said, r"Starting Spark master at (spark://\S+)")
        begun = [
            started.enter_context(
                _process(folder / f"worker-{n}", hidden, "worker.Worker", "--cores", "2", "--memory", "2g", address)
            )
            for n in range(workers)
        ]
        for said in begun:
            _waited(said, r"(Successfully registered) with master")
        yield address


@contextmanager
def _process(folder: Path, hidden: Sequence[Path], name: str, *arguments: str) -> Iterator[Path]:
    """One of Spark's processes in a folder of its own; gives the file of what it says."""
    folder.mkdir(parents=True)
    command = [str(lake.BIN / "spark-class"), CLASS + name, "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
    if name.startswith("worker"):
        command += ["--work-dir", str(folder / "work")]
    own = {"HOME": str(folder), "SPARK_LOCAL_DIRS": str(folder / "scratch"), "JAVA_HOME": str(java_home())}
    kept = {k: v for k, v in lake.environment().items() if k not in ("PYTHONPATH", "XDG_CACHE_HOME")}
    said = folder / "said"
    with said.open("w") as out:
        process = subprocess.Popen(
            [*hiding(hidden), *command, *arguments],
            cwd=folder, env={**kept, **own}, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        yield said
    finally:
        process.terminate()  # a worker ends its executors, which lead no group of their own
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        lake.wait_for_group(process.pid)


def hiding(hidden: Sequence[Path]) -> list[str]:
    """What to put before a command that shall see these folders empty; nothing where that is not allowed.

    With CI=true that is a failure: the workers would see the package where it runs, and show nothing by working.
    """
    if not hidden:
        return []
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        assert os.environ.get("CI") != "true", (
            f"workers cannot be given a view without the package: unshare --mount: {tried.stderr.strip()}"
            "\n  next: run it as root, in a container with --cap-add SYS_ADMIN; or without CI=true, nothing hidden"
        )
        return []
    mounts = "".join('mount -t tmpfs -o size=1m none "$1" && shift && ' for _ in hidden)
    return ["unshare", "--mount", "sh", "-c", f'{mounts}exec "$@"', "sh", *map(str, hidden)]


def _waited(said: Path, wanted: str, seconds: float = 60) -> str:
    """The first group of the pattern, once the process has said it."""
    until = time.monotonic() + seconds
    while not (found := re.search(wanted, text := said.read_text(encoding="utf-8"))):
        assert time.monotonic() < until, f"not said in {seconds} s: {wanted}\n{text}"
        time.sleep(0.1)
    return found.group(1)
