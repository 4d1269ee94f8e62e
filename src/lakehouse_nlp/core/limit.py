"""A block that is ended after some time, wherever it hangs.

What the main thread waits for (Spark's answer, a socket, a lock, sleep) is left by a signal, and by nothing else: an
exception that one thread raises in another comes only between two steps of Python. Spark's jobs would go on in Java, so
they are cancelled beside. A library that heeds no signal is left together with the process, after a grace.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

from lakehouse_nlp.core.errors import TimedOutError
from lakehouse_nlp.core.stop import STOPS

GRACE = 60.0  # seconds from the end of a block's time to the end of the process
AGAIN = 10.0  # seconds to the next signal: one that comes while Python collects garbage is lost


class OutOfTime(BaseException):
    """Raised where a block is when its time is over; no `except Exception` on the way keeps it."""


@contextmanager
def limited(
    what: str, time: timedelta | None, cancel: Callable[[], None], last: Callable[[TimedOutError], None]
) -> Iterator[None]:
    """Raises TimedOutError where the block takes longer than `time`; None: it may take for ever.

    `cancel` ends what goes on outside of Python; `last` is called before the process is left. Both are called in other
    threads. Outside of the main thread, where no signal comes, `cancel` alone has to bring the block to its end.
    """
    if time is None:
        yield
        return
    error, over = TimedOutError(what, time), threading.Event()

    def end() -> None:
        over.set()
        cancel()

    def leave() -> None:
        sys.stderr.write(f"error: {error}\nit heeds no signal, so the process ends here:\n")
        faulthandler.dump_traceback()
        recording = threading.Thread(target=last, args=(error,), daemon=True)  # it may fail, or hang
        recording.start()
        recording.join(GRACE)
        os._exit(error.exit_code)

    seconds = time.total_seconds()
    ending, leaving = threading.Timer(seconds, end), threading.Timer(seconds + GRACE, leave)
    ending.daemon = leaving.daemon = True
    try:
        with _alarm(seconds, over):
            ending.start()
            leaving.start()
            yield
    except BaseException as found:
        if over.is_set() and not isinstance(found, STOPS):
            ending.join(GRACE)  # else it might cancel what the next try begins
            raise error from found
        raise
    finally:
        ending.cancel()
        leaving.cancel()


@contextmanager
def _alarm(seconds: float, over: threading.Event) -> Iterator[None]:
    """Signals that raise OutOfTime in the main thread; an alarm of somebody else goes on afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    armed = True

    def ring(_number: int, _frame: FrameType | None) -> None:
        over.set()
        if armed:
            raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    left, every = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, left, every)
        signal.signal(signal.SIGALRM, before)
