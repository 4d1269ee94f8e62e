"""What steps use: CPU time, memory and bytes of this process and of all below it, the JVM and Spark's Python workers.

Of a cluster, that is the driver's machine; what the others cost is in `cost.hour`, the price of all of them together.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehouse_nlp.core.settings.cost import Cost

if TYPE_CHECKING:
    import psutil

EVERY = 1.0  # seconds between two looks: a process that lives shorter is not seen
GB = 1e9


@dataclass(frozen=True)
class Usage:
    """What was used in some time, by all processes together.

    `peak_bytes`: the most resident memory at once; pages that forked workers share count in each of them.
    `bytes_read`, `bytes_written`: what went through the system's read and write calls; None where it does not count.
    """

    cpu_seconds: float
    peak_bytes: int
    bytes_read: int | None
    bytes_written: int | None

    def price(self, cost: Cost, seconds: float) -> float | None:
        """The price of that in so many seconds; None where the settings have no prices."""
        if not any((cost.hour, cost.cpu_hour, cost.gb_read, cost.gb_written)):
            return None
        moved = cost.gb_read * (self.bytes_read or 0) + cost.gb_written * (self.bytes_written or 0)
        return (cost.hour * seconds + cost.cpu_hour * self.cpu_seconds) / 3600 + moved / GB


Counts = tuple[float, int, int]  # CPU seconds, bytes read, bytes written


class Meter:
    """Looks at the processes now and then, from when it is made until it is stopped."""

    def __init__(self, every: float = EVERY) -> None:
        """`every`: seconds between two looks."""
        import psutil

        # Under spark-submit the JVM is not below this process: it started it.
        self._root = psutil.Process(os.getppid() if "PYSPARK_GATEWAY_PORT" in os.environ else None)
        self._seen: dict[tuple[int, float], Counts] = {}
        self._counts_bytes = hasattr(psutil.Process, "io_counters")
        self._peak, self._lock, self._ended = 0, threading.Lock(), threading.Event()
        self._look()
        self._before = self._total()
        threading.Thread(target=self._watch, args=(every,), daemon=True).start()

    def lap(self) -> Usage:
        """What was used since the last lap, or since the beginning."""
        with self._lock:
            self._look()
            now, before, peak = self._total(), self._before, self._peak
            self._before, self._peak = now, 0
        cpu, read, written = (b - a for a, b in zip(before, now, strict=True))
        known = self._counts_bytes
        return Usage(cpu, peak, int(read) if known else None, int(written) if known else None)

    def stop(self) -> None:
        """Looks no more."""
        self._ended.set()

    def _watch(self, every: float) -> None:
        while not self._ended.wait(every):
            with self._lock:
                self._look()

    def _look(self) -> None:
        """Notes what each process has used so far: of one that ends, the last that was seen stays."""
        import psutil

        resident = 0
        try:
            processes = [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:  # a JVM that died under spark-submit
            return
        for process in processes:
            try:
                with process.oneshot():
                    resident += process.memory_info().rss
                    self._seen[process.pid, process.create_time()] = self._counts(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        self._peak = max(self._peak, resident)

    def _counts(self, process: psutil.Process) -> Counts:
        times = process.cpu_times()
        if not self._counts_bytes:
            return times.user + times.system, 0, 0
        moved = process.io_counters()
        read = getattr(moved, "read_chars", moved.read_bytes)
        return times.user + times.system, read, getattr(moved, "write_chars", moved.write_bytes)

    def _total(self) -> Counts:
        cpu, read, written = zip(*self._seen.values(), strict=True)
        return sum(cpu), sum(read), sum(written)
