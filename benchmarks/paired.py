"""Timing jobs against each other: each run in a process of its own, by turns, with the peak memory of its tree."""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
# How the command line of Spark's Python workers ends, and that of the process that they are forked from.
DAEMON = b".daemon\0"


@dataclass
class Figures:
    """What the runs of a job gave: seconds and peak bytes a run, and whatever else each of them told.

    Besides its own figures each tells `worker_mb`, the peak memory of the largest Python worker.
    """

    seconds: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Median of the seconds."""
        return statistics.median(self.seconds)

    def each(self, figure: str) -> list[float]:
        """A figure, run by run. Raises KeyError where a run did not tell it."""
        return [float(told[figure]) for told in self.told]

    @property
    def rows(self) -> int | None:
        """Rows, if all runs told the same number; -1 if they did not."""
        found = {told.get("rows") for told in self.told}
        return found.pop() if len(found) == 1 else -1


class Peak(threading.Thread):
    """Samples the resident memory of a process and all below it, until it is stopped.

    `bytes`: the largest sum that was seen; `worker`: the most that one Python worker of Spark took. Of a page that it
    shares with others, as with the process that it was forked from, that is its part (proc(5): Pss).
    """

    def __init__(self, pid: int, every: float = 1.0) -> None:
        super().__init__(daemon=True)
        self._pid, self._every, self._enough = pid, every, threading.Event()
        self.bytes = self.worker = 0

    def run(self) -> None:
        """Samples."""
        while not self._enough.wait(self._every):
            pids = tree(self._pid)
            self.bytes = max(self.bytes, sum(map(_resident, pids)))
            workers = (pid for pid in pids if _read(pid, "cmdline").endswith(DAEMON))
            self.worker = max([self.worker, *map(_share, workers)])

    def stop(self) -> int:
        """The largest sum that was seen."""
        self._enough.set()
        self.join()
        return self.bytes


def tree(root: int) -> set[int]:
    """A process and its descendants."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
    found, grown = {root}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found


def _share(pid: int) -> int:
    """Its part of the pages that it has now, and as much more as it once had: that was shared with nobody."""
    now, ever = _read(pid, "smaps_rollup"), _read(pid, "status")
    found = [
        re.search(rb"^%s:\s+(\d+) kB" % name, text, re.MULTILINE)
        for name, text in ((b"Pss", now), (b"Rss", now), (b"VmHWM", ever))
    ]
    pss, resident, most = (int(each[1]) * 1024 if each else 0 for each in found)
    return pss + max(most - resident, 0) if pss else 0


def cpu_seconds(root: int) -> float:
    """Processor time that a process and its descendants have taken so far, those that have ended among them."""
    stats = (_read(pid, "stat").rpartition(b")")[2].split() for pid in tree(root))
    return sum(sum(map(int, stat[11:15])) for stat in stats if stat) / TICKS  # proc(5): utime to cstime


def measure(command: Sequence[str], figures: Figures) -> None:
    """Runs a program that ends with a line of JSON: `seconds`, `rows` and more; its whole tree's memory is watched."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak = Peak(process.pid)
    peak.start()
    said, _ = process.communicate()
    peak.stop()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    told = json.loads(said.strip().splitlines()[-1])
    figures.seconds.append(told.get("seconds", time.monotonic() - began))
    figures.peaks.append(peak.bytes)
    figures.told.append({"worker_mb": peak.worker / 1e6, **told})


def paired(commands: Mapping[str, Sequence[str]], repeat: int) -> dict[str, Figures]:
    """Runs the jobs by turns: A B A B, so that what else the machine does meets them alike."""
    found = {name: Figures() for name in commands}
    for _ in range(repeat):
        for name, command in commands.items():
            measure(command, found[name])
    return found


def table(found: Mapping[str, Figures], base: str) -> str:
    """A line a job: median, least and most seconds, its ratio to the job `base`, peak memory, rows."""
    lines = [f"{'':28}{'median':>10}{'min':>8}{'max':>8}{'ratio':>8}{'peak MB':>10}{'rows':>12}"]
    for name, figures in found.items():
        ratio = figures.median / found[base].median
        low, high = min(figures.seconds), max(figures.seconds)
        lines.append(
            f"{name:28}{figures.median:9.1f}s{low:8.1f}{high:8.1f}{ratio:8.2f}"
            f"{max(figures.peaks) / 1e6:10,.0f}{figures.rows or 0:12,}"
        )
    return "\n".join(lines)


def plain(found: Mapping[str, Figures]) -> dict[str, Any]:
    """The same for a JSON file."""
    return {
        name: {"median": f.median, "seconds": f.seconds, "peak_bytes": max(f.peaks), "rows": f.rows, "told": f.told}
        for name, f in found.items()
    }


def machine() -> str:
    """What the figures were taken on: cores that may be used, their kind, memory, and how busy they are."""
    kind = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PHYS_PAGES") * PAGE / 1e9
    load = " ".join(f"{load:.1f}" for load in os.getloadavg())
    cores = f"{len(os.sched_getaffinity(0))} cores ({kind.group(1) if kind else platform.machine()})"
    return f"{cores}, {memory:.0f} GB, load average {load}"


def _resident(pid: int) -> int:
    found = _read(pid, "statm").split()
    return int(found[1]) * PAGE if found else 0


def _read(pid: int, what: str) -> bytes:
    """A file of /proc about the process; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except OSError:
        return b""
