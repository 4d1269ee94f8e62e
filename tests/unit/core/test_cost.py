"""What processes use, and what that costs."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from lakehouse_nlp.core.cost import Meter, Usage
from lakehouse_nlp.core.settings.cost import Cost

pytestmark = pytest.mark.unit

WORK = """
import sys, time
held = bytearray(150_000_000)
held[::4096] = b"x" * len(held[::4096])
began = time.process_time()
while time.process_time() - began < 0.6:
    pass
with open(sys.argv[1], "wb") as file:
    file.write(held[:30_000_000])
with open(sys.argv[1], "rb") as file:
    file.read(20_000_000)
print("done", flush=True)
sys.stdin.read()
"""


def test_a_lap_counts_what_processes_below_used_and_the_next_begins_anew(tmp_path: Path) -> None:
    meter = Meter(every=0.05)
    with subprocess.Popen(
        [sys.executable, "-c", WORK, str(tmp_path / "x")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        child.stdout.readline()
        used = meter.lap()
        assert 0.6 <= used.cpu_seconds < 5
        assert 150e6 < used.peak_bytes < 2e9
        assert used.bytes_read is not None
        assert used.bytes_written is not None
        assert 20e6 <= used.bytes_read < 100e6
        assert 30e6 <= used.bytes_written < 60e6
        again = meter.lap()
        assert again.cpu_seconds < 0.5
        assert again.bytes_written is not None
        assert again.bytes_written < 1e6
        assert again.peak_bytes > 150e6  # it is held still
        child.stdin.close()
    time.sleep(0.2)
    meter.lap()
    after = meter.lap()
    assert after.peak_bytes < used.peak_bytes - 100e6
    assert after.cpu_seconds >= 0  # of a process that ended, what was seen stays
    meter.stop()


@pytest.mark.parametrize(
    ("prices", "price"),
    [
        ({}, None),
        ({"hour": 3.6}, 0.010),
        ({"cpu_hour": 0.36}, 0.004),
        ({"gb_read": 0.5, "gb_written": 2}, 3.0),
        ({"hour": 3.6, "cpu_hour": 0.36, "gb_written": 2}, 2.014),
    ],
)
def test_a_price_is_made_of_time_and_of_what_was_used(prices: dict[str, float], price: float | None) -> None:
    used = Usage(cpu_seconds=40, peak_bytes=1, bytes_read=2_000_000_000, bytes_written=1_000_000_000)
    assert used.price(Cost(**prices), seconds=10) == (price if price is None else pytest.approx(price))


def test_where_bytes_are_not_counted_they_have_no_price() -> None:
    assert Usage(3600, 1, None, None).price(Cost(cpu_hour=2, gb_read=5), seconds=1) == pytest.approx(2)
