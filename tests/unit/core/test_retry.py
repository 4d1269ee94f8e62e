"""Which faults are tried again, how often, and after which waits."""

from __future__ import annotations

import errno
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import requests
import sqlalchemy.exc
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from mlflow.exceptions import MlflowException, RestException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, TEMPORARILY_UNAVAILABLE
from py4j.protocol import Py4JError, Py4JNetworkError

from lakehouse_nlp.core import errors
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.retry import can_pass, retrying
from lakehouse_nlp.core.stop import Terminated

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]

API = "API request to http://mlflow:5000/api/2.0/mlflow/runs/create failed with"
PASS: list[BaseException] = [
    OSError(errno.EIO, "Input/output error"),
    OSError(errno.ESTALE, "Stale file handle"),
    ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
    BrokenPipeError(errno.EPIPE, "Broken pipe"),
    TimeoutError("timed out"),
    socket.gaierror(-3, "Temporary failure in name resolution"),
    requests.ConnectionError("Max retries exceeded"),
    requests.ReadTimeout("Read timed out"),
    sqlalchemy.exc.OperationalError("INSERT", {}, sqlite3.OperationalError("database is locked")),
    duckdb.IOException("could not read"),
    CommitFailedError("Transaction failed: Failed to commit transaction: 15"),
    Py4JNetworkError("Answer from Java side is empty"),
    MlflowException("(sqlite3.OperationalError) database is locked", error_code=TEMPORARILY_UNAVAILABLE),
    MlflowException(f"{API} exception HTTPConnectionPool(host='mlflow', port=5000): Max retries exceeded"),
    MlflowException(f"{API} timeout exception Read timed out."),
    MlflowException(f"{API} error code 503 != 200. Response body: ''"),
    RestException({"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow down"}),
    Py4JError("io.delta.exceptions.ConcurrentAppendException: Files were added to the root of the table"),
    Py4JError("org.apache.spark.sql.delta.ConcurrentWriteException: a concurrent transaction has written"),
    Py4JError("Caused by: java.net.SocketTimeoutException: Read timed out"),
    Py4JError("Caused by: java.io.IOException: Input/output error"),
    Py4JError("org.apache.spark.shuffle.FetchFailedException"),
    errors.UnreachableError("the MLflow server does not answer"),
    errors.SessionLostError("gold", renewed=True),
]
STAY: list[BaseException] = [
    OSError(errno.ENOSPC, "No space left on device"),
    PermissionError(errno.EACCES, "Permission denied"),
    FileNotFoundError(errno.ENOENT, "No such file or directory"),
    OSError(errno.EROFS, "Read-only file system"),
    duckdb.BinderException("no such column"),
    TableNotFoundError("no log"),
    sqlalchemy.exc.IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE constraint failed")),
    MlflowException("no such run", error_code=RESOURCE_DOES_NOT_EXIST),
    MlflowException("something of ours"),
    MlflowException(f"{API} error code 400 != 200. Response body: ''"),
    RestException({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such model"}),
    Py4JError("java.lang.IllegalArgumentException: java.util.ConcurrentModificationException"),
    Py4JError("org.apache.spark.sql.delta.schema.DeltaInvariantViolationException: CHECK constraint split_is_known"),
    Py4JError("java.io.IOException: No space left on device"),
    errors.UsageError("settings"),
    errors.DataError("the gate said no"),
    errors.LakehouseError("a fault of ours"),
    errors.SessionLostError("gold"),
    MemoryError(),
    ZeroDivisionError("division by zero"),
    ValueError("java.net.SocketException: only words"),
    KeyboardInterrupt(),
    Terminated(),
    SystemExit(3),
]


def _named(error: object) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0][:50]}" if str(error) else type(error).__name__


@pytest.mark.parametrize("error", PASS, ids=_named)
def test_what_can_pass(error: BaseException) -> None:
    assert can_pass(error)


@pytest.mark.parametrize("error", STAY, ids=_named)
def test_what_cannot(error: BaseException) -> None:
    assert not can_pass(error)


def test_a_step_that_ran_out_of_time_is_tried_again_where_the_settings_ask() -> None:
    error = errors.TimedOutError("gold", timedelta(hours=2))
    assert [can_pass(error), can_pass(error, timeouts=True), can_pass(error, timeouts=False)] == [False, True, False]
    assert "gold was ended: it took longer than 2:00:00" in str(error)


def test_asking_imports_none_of_the_libraries_it_knows() -> None:
    code = "import sys; from lakehouse_nlp.core.retry import can_pass; can_pass(ValueError()); can_pass(OSError(5, ''))"
    heavy = "('mlflow', 'pyspark', 'duckdb', 'requests', 'sqlalchemy', 'tenacity')"
    code = f"{code}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# -- tries -----------------------------------------------------------------------------------------------------------


class Failing:
    """Fails so often, then gives how often it was called."""

    def __init__(self, times: int, error: BaseException) -> None:
        self.times, self.error, self.calls = times, error, 0

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return self.calls


def _tried(ctx: Context, step: Failing) -> tuple[int, list[float]]:
    waits: list[float] = []
    ctx.sleep = waits.append
    for attempt in retrying(ctx, "gold"):
        with attempt:
            found = step()
    return found, waits


LOST = OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize(
    ("retries", "times", "waits"),
    [
        ({}, 0, []),
        ({}, 2, [60, 60]),
        ({"wait": "10s"}, 1, [10]),
        ({"wait": "10s", "backoff": 2, "tries": 5}, 4, [10, 20, 40, 80]),
        ({"wait": "0s"}, 2, [0, 0]),
    ],
)
def test_a_fault_that_passes_is_tried_again_after_these_waits(
    home: Path, make_context: MakeContext, retries: dict[str, Any], times: int, waits: list[float]
) -> None:
    ctx = make_context(home, runs={"retries": retries})
    assert _tried(ctx, Failing(times, LOST)) == (times + 1, waits)


def test_chance_adds_to_a_wait_up_to_jitter(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, runs={"retries": {"wait": "10s", "jitter": "5s", "tries": 60}})
    _, waits = _tried(ctx, Failing(59, LOST))
    assert 10 <= min(waits) < 11 < 14 < max(waits) <= 15


@pytest.mark.parametrize(("error", "calls"), [(LOST, 3), (errors.DataError("no"), 1), (KeyboardInterrupt(), 1)])
def test_the_last_fault_is_raised_as_it_was(
    home: Path, make_context: MakeContext, error: BaseException, calls: int
) -> None:
    step = Failing(9, error)
    with pytest.raises(type(error)) as raised:
        _tried(make_context(home), step)
    assert raised.value is error
    assert step.calls == calls


def test_each_new_try_is_said_with_its_reason(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home)
    said: list[str] = []
    ctx.say = said.append
    _tried(ctx, Failing(2, OSError(errno.EIO, "Input/output error\nmore")))
    assert said == [f"gold: [Errno 5] Input/output error; try {number} of 3 in 60 s" for number in (2, 3)]
