"""The log of a run: a file of JSON lines in the lake, `<project>/monitoring/logs/<run id>.jsonl`.

Lines hold numbers and names of ours, and never a value of a row, an address or a password: of errors their class and
stack, of what libraries say the words without what is quoted or filled in. What an error says is in `ops.steps`.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from lakehouse_nlp import __version__
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.hush import LOG
from lakehouse_nlp.core.telemetry.observer import Observer, Try

LEVELS = {"failed": "error", "timed_out": "error", "cancelled": "warning", "rejected": "warning"}
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
WORDS = 200  # characters of what a library says


def place(ctx: Context, run_id: str) -> Path:
    """Where the log of a run is."""
    return ctx.folder / "monitoring" / "logs" / f"{run_id}.jsonl"


class Lines:
    """A file to which lines are appended, each by one call of the system: a killed process leaves no half ones."""

    def __init__(self, path: Path) -> None:
        """`path`: of the file; its folders are made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._lock = threading.Lock()

    def msg(self, line: str) -> None:
        """Appends a line; one that the disk has no room for is taken back."""
        with self._lock:
            data, size = f"{line}\n".encode(errors="backslashreplace"), os.fstat(self._file).st_size
            try:
                written = os.write(self._file, data)
            except OSError:
                written = 0
            if 0 < written < len(data):
                os.ftruncate(self._file, size)

    debug = info = warning = error = critical = msg

    def close(self) -> None:
        """Closes the file."""
        os.close(self._file)


class Logs(Observer):
    """Writes the log of one run, and takes in what libraries have to say meanwhile."""

    name = "the log"

    def __init__(self, ctx: Context) -> None:
        """`ctx`: the run's; the file is made when the run begins."""
        self._ctx, self._handler = ctx, _Handler(self)
        self._lines: Lines | None = None
        self._about: dict[str, Any] = {"stage": None, "attempt": None}

    def run_begins(self, stages: Sequence[str], started: datetime) -> None:
        """Opens the file."""
        self._lines = Lines(place(self._ctx, self._ctx.run_id))
        self._handler.open()
        self.write("info", "run begins", stages=list(stages), env=self._ctx.env, code=__version__)

    def try_begins(self, stage: str, number: int, started: datetime) -> None:
        """A line, and from now on lines are of this stage and try."""
        self._about = {"stage": stage, "attempt": number}
        self._handler.listen()
        self.write("info", "step begins")

    def try_ends(self, ended: Try) -> None:
        """A line with what the try did and used."""
        self._about = {"stage": ended.stage, "attempt": ended.number}
        did = {name: getattr(ended.result, name) for name in ("read", "written", "rejected", "versions")}
        self.write(
            LEVELS.get(ended.state, "info"), "step ends", state=ended.state,
            seconds=round((ended.ended - ended.started).total_seconds(), 3), **did, refused=len(ended.result.refused),
            **(asdict(ended.used) if ended.used else {}), **_error(ended.fault),
        )  # fmt: skip
        self._about = {"stage": None, "attempt": None}

    def run_ends(self, state: str, ended: datetime, fault: BaseException | None) -> None:
        """The last line."""
        self.write(LEVELS.get(state, "info"), "run ends", state=state, **_error(fault))
        self._handler.shut()
        if self._lines:
            self._lines.close()
            self._lines = None

    def write(self, level: str, event: str, **fields: Any) -> None:
        """A line, with its time (UTC, ISO 8601), run, project, stage and try."""
        if self._lines is None:
            return
        import structlog

        who = {"run_id": self._ctx.run_id, "project": self._ctx.settings.project, **self._about}
        logger = structlog.wrap_logger(
            self._lines,
            processors=[self._timed, structlog.processors.JSONRenderer(default=str, ensure_ascii=False)],
        )
        getattr(logger, level)(event, **who, **fields)

    def _timed(self, _logger: Any, level: str, line: Mapping[str, Any]) -> dict[str, Any]:
        now = self._ctx.clock().isoformat(timespec="milliseconds")
        return {"time": now, "level": level, "event": None, **line}


class _Handler(logging.Handler):
    """Takes in warnings and worse from the standard library's logging and warnings, while it is open."""

    def __init__(self, logs: Logs) -> None:
        super().__init__(logging.WARNING)
        self.set_name(LOG)
        self._logs = logs
        self._last_resort = False
        self._show: Any = None

    def open(self) -> None:
        root = logging.getLogger()
        if not root.handlers and logging.lastResort:  # which Python would not use beside this one
            root.addHandler(logging.lastResort)
            self._last_resort = True
        self._show, warnings.showwarning = warnings.showwarning, self._shown
        self.listen()

    def listen(self) -> None:
        """To the root, and to those that hand nothing on to it: more of them come as libraries are imported."""
        for logger in _loggers():
            if logger.parent is None or not logger.propagate:
                logger.addHandler(self)

    def shut(self) -> None:
        for logger in _loggers():
            logger.removeHandler(self)
        if self._last_resort and logging.lastResort:
            logging.getLogger().removeHandler(logging.lastResort)
        if self._show:
            warnings.showwarning = self._show

    def emit(self, record: logging.LogRecord) -> None:
        level = "error" if record.levelno >= logging.ERROR else "warning"
        fault = record.exc_info[1] if record.exc_info else None
        self._logs.write(level, said(record), logger=record.name, **_error(fault))

    def _shown(
        self, message: Any, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
    ) -> None:
        self._show(message, category, filename, lineno, file, line)
        self._logs.write("warning", plain(str(message)), logger=category.__name__, at=f"{filename}:{lineno}")


def _loggers() -> list[logging.Logger]:
    known = list(logging.root.manager.loggerDict.values())
    return [logging.getLogger(), *(logger for logger in known if isinstance(logger, logging.Logger))]


def said(record: logging.LogRecord) -> str:
    """What a library said, its numbers filled in and nothing else."""
    if not isinstance(record.args, tuple):
        return plain(str(record.msg))
    try:
        return plain(str(record.msg) % tuple(each if isinstance(each, int | float) else "…" for each in record.args))
    except (TypeError, ValueError):
        return plain(str(record.msg))


def plain(text: str) -> str:
    """The first line, without addresses and without what is quoted."""
    first = text.partition("\n")[0]
    return QUOTED.sub("'…'", ADDRESS.sub(lambda found: found[0].partition("://")[0] + "://…", first))[:WORDS]


def _error(fault: BaseException | None) -> dict[str, Any]:
    """The class of an error and where it was raised, and the same of those that led to it, the first cause last."""
    if fault is None:
        return {}
    from structlog.tracebacks import extract

    kind: type[BaseException] = type(fault)
    trace: TracebackType | None = fault.__traceback__
    stacks = extract(kind, fault, trace, show_locals=False).stacks
    told = [
        {"class": stack.exc_type, "stack": [f"{f.filename}:{f.lineno} {f.name}" for f in stack.frames]}
        for stack in stacks
    ]
    return {"error": told[0]["class"], "stacks": told}
