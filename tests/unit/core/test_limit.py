"""A block is ended when its time is over, wherever it waits; SIGTERM ends one as Ctrl-C does."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent import futures
from datetime import timedelta
from pathlib import Path

import pytest

from lakehouse_nlp.core.errors import TimedOutError
from lakehouse_nlp.core.limit import OutOfTime, limited
from lakehouse_nlp.core.stop import Terminated, exit_code, stoppable

pytestmark = pytest.mark.unit
SOON = timedelta(seconds=0.3)


def _nobody_answers() -> None:
    one, _other = socket.socketpair()
    one.recv(1)


def _waits_for_a_thread() -> None:
    with futures.ThreadPoolExecutor(1) as pool:
        pool.submit(time.sleep, 1.5).result()


def _spins() -> None:
    while True:
        pass


def _swallows() -> None:
    for _ in range(1000):
        with contextlib.suppress(Exception):
            time.sleep(60)


HANGS: list[Callable[[], object]] = [
    lambda: time.sleep(60), _nobody_answers, _waits_for_a_thread, threading.Event().wait, _spins, _swallows,
    lambda: subprocess.run(["sleep", "60"], check=True),
]  # fmt: skip


def _never(error: TimedOutError) -> None:
    raise AssertionError("the process need not end")


@pytest.mark.parametrize("hang", HANGS, ids=["sleep", "socket", "thread", "event", "loop", "except", "process"])
def test_a_block_that_hangs_is_ended(hang: Callable[[], object]) -> None:
    cancelled, began = threading.Event(), time.monotonic()
    says = r"gold was ended: it took longer than 0:00:00.3"
    with pytest.raises(TimedOutError, match=says), limited("gold", SOON, cancelled.set, _never):
        hang()
    assert 0.3 <= time.monotonic() - began < 10
    assert cancelled.is_set()


@pytest.mark.parametrize("time_", [None, timedelta(seconds=30)])
def test_a_block_that_ends_in_time_leaves_nothing_behind(time_: timedelta | None) -> None:
    handler, threads = signal.getsignal(signal.SIGALRM), set(threading.enumerate())
    with limited("gold", time_, pytest.fail, _never):
        found = 7
    assert found == 7
    assert signal.getsignal(signal.SIGALRM) is handler
    for thread in set(threading.enumerate()) - threads:
        thread.join(5)
        assert not thread.is_alive()


def test_an_error_of_the_block_is_its_own() -> None:
    with pytest.raises(ValueError, match="mine"), limited("gold", timedelta(seconds=30), pytest.fail, _never):
        raise ValueError("mine")


def test_what_the_block_raises_because_it_was_cancelled_is_a_timeout() -> None:
    """Outside of the main thread no signal comes: Spark's own error does."""
    cancelled = threading.Event()

    def block() -> None:
        with limited("gold", SOON, cancelled.set, _never):
            cancelled.wait(30)
            raise RuntimeError("Job 7 cancelled")

    with futures.ThreadPoolExecutor(1) as pool, pytest.raises(TimedOutError) as raised:
        pool.submit(block).result(30)
    assert str(raised.value.__cause__) == "Job 7 cancelled"


def test_an_alarm_of_somebody_else_goes_on() -> None:
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    left, every = signal.setitimer(signal.ITIMER_REAL, 20)
    try:
        with pytest.raises(TimedOutError), limited("gold", SOON, lambda: None, _never):
            time.sleep(60)
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 10
        assert rung == []
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, every)
        signal.signal(signal.SIGALRM, before)


def test_no_except_exception_keeps_it() -> None:
    assert not issubclass(OutOfTime, Exception)
    assert not issubclass(Terminated, Exception)


STUBBORN = """
import hashlib, sys
from datetime import timedelta
from pathlib import Path
from lakehouse_nlp.core import limit
limit.GRACE = 0.5
note = Path(sys.argv[1]).write_text
with limit.limited("train", timedelta(seconds=0.3), lambda: None, lambda error: note(str(error))):
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)
"""


def test_a_process_that_heeds_no_signal_is_left_with_a_record_and_the_place(tmp_path: Path) -> None:
    """A library's loop in C, without a look at signals."""
    note = tmp_path / "note"
    command = [sys.executable, "-c", STUBBORN, str(note)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == TimedOutError.exit_code == 124
    assert "error: train was ended: it took longer than 0:00:00.3" in ended.stderr
    assert 'File "<string>", line 9' in ended.stderr
    assert "train was ended" in note.read_text()


def test_it_is_left_where_its_record_cannot_be_written_or_hangs(tmp_path: Path) -> None:
    for last in ("lambda error: 1 / 0", "lambda error: time.sleep(60)"):
        script = "import time\n" + STUBBORN.replace("lambda error: note(str(error))", last)
        command = [sys.executable, "-c", script, str(tmp_path / "note")]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert ended.returncode == TimedOutError.exit_code


# -- SIGTERM ---------------------------------------------------------------------------------------------------------


def test_sigterm_is_an_exception_in_the_block() -> None:
    cancelled = threading.Event()
    with pytest.raises(Terminated) as stop, stoppable(cancelled.set):
        subprocess.run(["sh", "-c", f"kill -TERM {os.getpid()}; sleep 60"], check=True)
    assert cancelled.wait(5)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert (exit_code(stop.value), exit_code(KeyboardInterrupt())) == (143, 130)


def test_a_handler_of_somebody_else_is_left_alone() -> None:
    seen: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    try:
        with stoppable(pytest.fail):
            os.kill(os.getpid(), signal.SIGTERM)
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_a_second_sigterm_ends_the_process_at_once() -> None:
    code = (
        "import os, signal, time\n"
        "from lakehouse_nlp.core.stop import stoppable\n"
        "try:\n"
        "    with stoppable(lambda: None):\n"
        "        os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)\n"
        "finally:\n"
        "    os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert ended.returncode == -signal.SIGTERM
