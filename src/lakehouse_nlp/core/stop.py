"""SIGTERM as Ctrl-C is: an exception in the main thread, under which whoever writes may end well."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(BaseException):
    """SIGTERM came; no `except Exception` on the way keeps it."""

    def __str__(self) -> str:
        return "ended by SIGTERM"


STOPS = (KeyboardInterrupt, Terminated)


@contextmanager
def stoppable(cancel: Callable[[], None]) -> Iterator[None]:
    """In the block SIGTERM raises Terminated; `cancel`, in a thread, ends what would keep the block waiting.

    A second SIGTERM ends the process at once. Ctrl-C is Python's, and with a session PySpark's, which cancels the jobs.
    Whoever has a handler of his own for SIGTERM keeps it.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    mine = os.getpid()

    def end(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() != mine:  # a forked worker
            os.kill(os.getpid(), number)
        threading.Thread(target=cancel, daemon=True).start()
        raise Terminated

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def exit_code(stop: BaseException) -> int:
    """The code that shells give a process which ended by the signal."""
    return 128 + (signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT)
