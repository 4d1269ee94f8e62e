"""Homes for ingest and silver alone, and what disturbs a run: kills, small disks, folders that cannot be written."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import lake

from lakehouse_nlp.demo.sample import write_samples

COMMAND = ("run", "ingest", "silver")
TABLES = ("bronze", "silver", "quarantine")
ROWS = 1500
# Some files above max_bytes, so that chunks are made of them.
INGEST = "ingest: {max_bytes: 65536}\n"
GROWING = "growing.jsonl"
LINES = [f'{{"review_id": "G{n:05}", "rating": "5", "title": "t {n}", "body": "grown {n}"}}\n' for n in range(3000)]

_lock = threading.Lock()


class Reference:
    """The home of one undisturbed run over the files of `pristine`, and the seconds that it wrote for."""

    def __init__(self, base: Path) -> None:
        self.home = lake.copy(pristine(base), base / "undisturbed")
        process = lake.begin(lake.BIN / "lakehouse-nlp", *COMMAND, "--home", self.home, cwd=self.home)
        wait_for_writing(process, self.home)
        began = time.monotonic()
        self.said, _ = process.communicate(timeout=lake.TIMEOUT)
        self.seconds, self.code = time.monotonic() - began, process.returncode


_references: dict[Path, Reference] = {}


def reference(base: Path) -> Reference:
    """The undisturbed home of this session; made by the first that asks."""
    with _lock:
        if base not in _references:
            _references[base] = Reference(base)
    return _references[base]


def pristine(base: Path) -> Path:
    """A home whose `raw/` holds good files of several formats, some large, and some that have to be refused."""
    home = base / "pristine"
    if not home.exists():
        lake.new_home(home)
        project = home / "conf/projects/demo.yml"
        project.write_text(project.read_text(encoding="utf-8") + INGEST, encoding="utf-8")
        write_samples(home / "lake/demo/raw", ROWS)
        train = home / "lake/demo/raw/train"
        for path in lake.bad_files(base / "faults_bad"):
            shutil.copy2(path, train)
        (train / GROWING).write_text("".join(LINES), encoding="utf-8")
        for part in ("processed", "errors"):
            (home / "lake/demo" / part).mkdir(exist_ok=True)
    return home


# -- kills ----------------------------------------------------------------------------------------------------------


def newest(home: Path) -> int:
    """The newest time of change among tables, files and folders of the lake; hidden files say nothing."""
    found = 0
    for folder, _, names in os.walk(home / "lake"):
        for path in [folder, *(os.path.join(folder, name) for name in names if not name.startswith("."))]:  # noqa: PTH118
            with contextlib.suppress(OSError):
                found = max(found, os.stat(path).st_mtime_ns)  # noqa: PTH116
    return found


def wait_for_writing(process: subprocess.Popen[str], home: Path) -> None:
    """Returns when the process has begun to change the lake, or has ended."""
    before, until = newest(home / "."), time.monotonic() + lake.TIMEOUT
    while process.poll() is None and newest(home) <= before and time.monotonic() < until:
        time.sleep(0.05)


def killed(home: Path, delay: float, command: tuple[str, ...] = COMMAND) -> bool:
    """Runs, and kills the whole process group so long after its first writing; whether it was still running."""
    process = lake.begin(lake.BIN / "lakehouse-nlp", *command, "--home", home, cwd=home)
    wait_for_writing(process, home)
    until = time.monotonic() + delay
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    running = process.poll() is None
    if running:
        lake.kill_group(process)
    else:
        process.communicate()
    return running


def moments(rng: random.Random, count: int, seconds: float) -> list[float]:
    """Random moments of a run that writes for so long, the early ones first: a killed run leaves less to the next."""
    return sorted(rng.uniform(0, seconds * 0.9) for _ in range(count))


# -- disks and folders ----------------------------------------------------------------------------------------------


def mount(*options: str | Path) -> None:
    """Mounts, or says why it cannot."""
    subprocess.run(["mount", *map(str, options)], check=True, capture_output=True, text=True)


@contextlib.contextmanager
def mounted(folder: Path, *options: str | Path) -> Iterator[None]:
    """Something mounted over a folder, and taken away in the end whatever happens."""
    folder.mkdir(parents=True, exist_ok=True)
    mount(*options, folder)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def why_no_mounts(base: Path) -> str | None:
    """Why nothing can be mounted here; None where it can."""
    probe = base / f"probe_{threading.get_ident()}"  # scenarios ask side by side
    try:
        with mounted(probe, "-t", "tmpfs", "-o", "size=64k", "none"):
            return None
    except (subprocess.CalledProcessError, OSError) as error:
        return f"mounting a small disk needs root: {getattr(error, 'stderr', '') or error}"


def used(folder: Path) -> int:
    """Kilobytes in use on the disk of a folder."""
    disk = os.statvfs(folder)
    return (disk.f_blocks - disk.f_bfree) * disk.f_frsize // 1024


# -- a file that grows ----------------------------------------------------------------------------------------------


class Grower(threading.Thread):
    """Appends to a file a few characters at a time, for minutes, and all that is left once it is told to finish."""

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(daemon=True)
        pieces = (text[place : place + 8] for place in range(0, len(text), 8))
        self._path, self._pieces, self._enough = path, pieces, threading.Event()

    def run(self) -> None:
        """Appends until it is told to finish."""
        with self._path.open("a", encoding="utf-8") as file:
            for piece in self._pieces:
                file.write(piece)
                file.flush()
                if self._enough.wait(0.02):
                    break
            file.writelines(self._pieces)

    def finish(self) -> None:
        """The file is whole after this."""
        self._enough.set()
        self.join()
