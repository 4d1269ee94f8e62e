"""Runs of several projects, a process each: sessions are not shared, and one that dies takes no other along."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any

# Exit codes from the one that asks for most to the one that asks for nothing; what is not among them comes first.
GRAVEST = (3, 2, 124, 4, 1, 143, 130, 0)
STATES = {2: "refused", 4: "blocked", 124: "timed_out", 130: "cancelled", 143: "cancelled"}


@dataclass(frozen=True)
class Ended:
    """How a project's run ended. `state`: of `ops.runs`, or idle, blocked, refused (settings); `error`: its words."""

    project: str
    state: str
    code: int
    seconds: float
    report: dict[str, Any] | None = None
    error: str | None = None


class Fleet:
    """Runs projects in processes, at most so many at a time; the rest wait in order.

    Left by an exception, it begins no more, tells those that run to end by SIGTERM, and waits until they have.
    """

    def __init__(self, at_a_time: int, say: Callable[[str], None], command: Sequence[str] = ()) -> None:
        """`say` gets what the runs say, each line after its project's name; `command`: in place of `run`."""
        self._pool, self._say = ThreadPoolExecutor(at_a_time), say
        self._command = list(command) or [sys.executable, "-m", "lakehouse_nlp.cli", "run"]
        self._running: set[subprocess.Popen[str]] = set()
        self._ending, self._lock = False, threading.Lock()

    def start(self, project: str, *arguments: str) -> Future[Ended]:
        """Begins a run of the project when there is room; how it will have ended."""
        return self._pool.submit(self._run, project, arguments)

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        if kind:
            with self._lock:
                self._ending = True
                for process in self._running:
                    process.send_signal(signal.SIGTERM)
        self._pool.shutdown(cancel_futures=kind is not None)

    def _run(self, project: str, arguments: Sequence[str]) -> Ended:
        began, said = time.monotonic(), ""
        command = [*self._command, *arguments, "--project", project, "--json"]
        with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
            with self._lock:
                if self._ending:
                    return Ended(project, "cancelled", 128 + signal.SIGTERM, 0.0)
                # In a session of its own: Ctrl-C at a terminal comes to this process, which passes it on.
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, text=True,
                    start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
                )  # fmt: skip
                self._running.add(process)
            assert process.stderr
            for line in process.stderr:
                self._say(f"{project}: {line.rstrip()}")
                said += line
            code = process.wait()
            with self._lock:
                self._running.discard(process)
            out.seek(0)
            answer = out.read()
        code = 128 - code if code < 0 else code
        report = json.loads(answer) if answer.strip() and code in (0, 1) else None
        state = report["state"] if report else STATES.get(code, "failed")
        return Ended(project, state, code, round(time.monotonic() - began, 1), report, _error(said) if code else None)


def gravest(codes: Sequence[int]) -> int:
    """The one exit code that stands for several."""
    return min(codes, key=lambda code: GRAVEST.index(code) if code in GRAVEST else -1, default=0)


def _error(said: str) -> str | None:
    """The program's own words for what went wrong."""
    lines = said.splitlines()
    at = [place for place, line in enumerate(lines) if line.startswith(("error: ", "refused: "))]
    return "\n".join(lines[at[0] :]).removeprefix("error: ") if at else (lines[-1] if lines else None)
