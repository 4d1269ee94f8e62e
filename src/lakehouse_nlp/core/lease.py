"""One run of a project at a time: a lock on a file of the lake, which the system takes back from a dead process."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lakehouse_nlp.core.context import Context

RUN, FOLLOW, BACKUP = ".lease", ".follow", ".backup"


@contextmanager
def lease(ctx: Context, name: str = RUN) -> Iterator[bool]:
    """Holds the project while the block runs; True if it had to wait for the run that held it, which it names.

    `name`: FOLLOW lets one process at a time follow the project; each of its runs takes a lease of its own;
    BACKUP keeps files that a backup has yet to copy from being deleted.

    A file lock works on one machine and on shared file systems that know locks; where it does not, Delta's transactions
    still keep every batch to once.
    """
    from filelock import FileLock, Timeout

    ctx.folder.mkdir(parents=True, exist_ok=True)
    path = ctx.folder / name
    lock, waited = FileLock(path), False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waited = True
        ctx.say(f"{ctx.settings.project}: waiting for {_holder(path.with_suffix('.json'))}")
        lock.acquire()
    try:
        holder = {"run_id": ctx.run_id, "pid": os.getpid(), "host": socket.gethostname()}
        path.with_suffix(".json").write_text(json.dumps(holder), encoding="utf-8")
        yield waited
    finally:
        lock.release()


def _holder(path: Path) -> str:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return f"run {found['run_id']} (process {found['pid']} on {found['host']})"
    except (OSError, ValueError, KeyError):
        return "another run"
