"""`python killer.py POINT ARGUMENTS…`: the command line, to which something happens at one point.

A point is `what:which:when:n`: the n-th call of `what` (of the table, alias or file `which`), and whether it happens
just before it or just after. The process kills itself by SIGKILL; the JVM is left to notice by itself, as when the
operator's process alone is killed. A point that ends in `:hang` says so and waits there; one in `:java` kills the JVM;
one in `:delete` or `:promote` does that to a version of the model, and goes on.
"""

from __future__ import annotations

import builtins
import io
import itertools
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lakehouse_nlp.cli import main
from lakehouse_nlp.core.tables import Tables
from lakehouse_nlp.ingest import files

TABLES = ("append_once", "merge_once", "replace_window", "record", "ensure")
CLIENT = ("create_model_version", "set_registered_model_alias", "set_model_version_tag", "log_batch")


def die() -> None:
    """What an operator's `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def hang() -> None:
    """Waits for something that never comes."""
    sys.stderr.write(f"{HANGING}\n")
    time.sleep(600)


def java() -> None:
    """What the system does to the JVM when memory runs out."""
    from pyspark import SparkContext

    process = SparkContext._gateway.proc  # type: ignore[union-attr]
    process.kill()
    process.wait()


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


HANGING = "hanging"
ACTS: dict[str, Callable[[], None]] = {
    "kill": die, "hang": hang, "java": java, "delete": delete, "promote": promote,
}  # fmt: skip


def wrap(owner: Any, name: str, applies: Callable[..., bool], when: str, place: int, act: Callable[[], None]) -> None:
    """Puts the point into the owner's function."""
    real, calls = getattr(owner, name), itertools.count(1)

    def wrapped(*args: Any, **named: Any) -> Any:
        now = applies(*args, **named) and next(calls) == place
        if now and when == "before":
            act()
        result = real(*args, **named)
        if now and when == "after":
            act()
        return result

    setattr(owner, name, wrapped)


def arm(what: str, which: str, when: str, number: str, act: str = "kill") -> None:
    """Sets the point."""
    at = (when, int(number), ACTS[act])
    if what in TABLES:
        wrap(Tables, what, lambda _, table, *rest, **named: table == which, *at)
    elif what == "settle":
        wrap(files, "settle", lambda *_: True, *at)
    elif what in CLIENT:
        import mlflow

        wrap(mlflow.MlflowClient, what, lambda *args, **named: which in ("", *args), *at)
    elif what == "write":  # the file is there, and holds nothing yet
        for owner in (builtins, io):
            wrap(owner, "open", lambda file, mode="r", *_, **__: "w" in mode and str(file).endswith(which), *at)
    else:
        raise ValueError(what)


if __name__ == "__main__":
    arm(*sys.argv[1].split(":"))
    sys.argv[1:] = sys.argv[2:]
    main()
