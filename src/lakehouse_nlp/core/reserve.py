"""Room that is kept for the record of a run that fills the disk: a file of no use, which is given up then."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

BYTES = 1 << 20  # what a dozen commits to `ops` take
NAME = ".reserve"


def keep(root: Path) -> None:
    """Takes the room, unless it is taken. A disk that has none left is left alone."""
    place = root / NAME
    if place.exists() or shutil.disk_usage(root).free < 2 * BYTES:
        return
    with contextlib.suppress(OSError):
        place.write_bytes(bytes(BYTES))


def give_up(root: Path) -> None:
    """Gives the room back where there is hardly any other."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(root).free < BYTES:
            (root / NAME).unlink()
