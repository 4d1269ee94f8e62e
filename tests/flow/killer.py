"""`python killer.py POINT ARGUMENTS…`: the command line, which kills its own process by SIGKILL at one point.

A point is `what:which:when:n`: the n-th call of `what` (of the table, alias or file `which`), and whether it dies just
before it or just after. The JVM is left to notice by itself, as when the operator's process alone is killed.
`what:which:when:n:deed` does another deed there, and goes on.
"""

from __future__ import annotations

import builtins
import io
import itertools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lakehouse_nlp.cli import main
from lakehouse_nlp.core.tables import Tables
from lakehouse_nlp.ingest import files

TABLES = ("ensure", "append_once", "merge_once", "replace_window", "record")
CLIENT = ("create_model_version", "set_registered_model_alias", "set_model_version_tag", "log_batch")


def die() -> None:
    """What an operator's `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def delete() -> None:
    """What somebody who tidies the registry does: version 1 is gone, its files stay."""
    _registry().delete_model_version("demo", "1")


def promote() -> None:
    """Another version, of the same model, is registered and becomes champion."""
    client = _registry()
    one = client.get_model_version("demo", "1")
    client.create_model_version("demo", one.source, one.run_id, tags=one.tags)
    client.set_registered_model_alias("demo", "champion", "2")


def _registry() -> Any:
    import mlflow

    return mlflow.MlflowClient(f"sqlite:///{Path.cwd()}/mlflow/mlflow.db")


DEEDS: dict[str, Callable[[], None]] = {"die": die, "delete": delete, "promote": promote}


def wrap(
    owner: Any, name: str, applies: Callable[..., bool], when: str, place: int, deed: Callable[[], None] = die
) -> None:
    """Puts the point into the owner's function."""
    real, calls = getattr(owner, name), itertools.count(1)

    def wrapped(*args: Any, **named: Any) -> Any:
        now = applies(*args, **named) and next(calls) == place
        if now and when == "before":
            deed()
        result = real(*args, **named)
        if now and when == "after":
            deed()
        return result

    setattr(owner, name, wrapped)


def arm(what: str, which: str, when: str, place: int, deed: Callable[[], None] = die) -> None:
    """Sets the point."""
    if what in TABLES:
        wrap(Tables, what, lambda _, table, *rest, **named: table == which, when, place, deed)
    elif what == "settle":
        wrap(files, "settle", lambda *_: True, when, place)
    elif what in CLIENT:
        import mlflow

        wrap(mlflow.MlflowClient, what, lambda *args, **named: which in ("", *args), when, place)
    elif what == "write":  # the file is there, and holds nothing yet
        for owner in (builtins, io):
            wrap(owner, "open", lambda file, mode="r", *_, **__: "w" in mode and str(file).endswith(which), when, place)
    else:
        raise ValueError(what)


if __name__ == "__main__":
    what, which, when, place, *deeds = sys.argv[1].split(":")
    arm(what, which, when, int(place), DEEDS[deeds[0] if deeds else "die"])
    sys.argv[1:] = sys.argv[2:]
    main()
