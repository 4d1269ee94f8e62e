"""Why a file is turned away."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False)
class Fault(Exception):
    """A check that a file fails: the check, the value found, the value wanted, and the first line that offends.

    Checks in order: format, readable, size, rows, columns. `line` counts from 1; None where no line is to blame.
    `refused`: columns that nobody declared and for which the file is turned away.
    """

    check: str
    found: str
    wanted: str
    line: int | None = None
    refused: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f" (line {self.line:,})" if self.line else ""
        return f"{self.check}: found {self.found}, wanted {self.wanted}{where}"
