"""Errors that say what, where, which value and what to do next; each kind has its exit code."""

from __future__ import annotations


class LakehouseError(Exception):
    """The root of what this package raises on purpose. `exit_code` 3 means a fault of ours."""

    exit_code = 3

    def __init__(self, message: str, *, hint: str = "") -> None:
        """`message`: what, where and which value; `hint`: the next command or change."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  next: {self.hint}" if self.hint else self.message


class DataError(LakehouseError):
    """The data, or a gate over it, said no."""

    exit_code = 1


class UsageError(LakehouseError):
    """The command, the settings or the machine's set-up is wrong; nothing was started."""

    exit_code = 2


class SessionLostError(UsageError):
    """The Spark session ended under a stage: killed, out of memory, or stopped by the platform."""

    def __init__(self, stage: str) -> None:
        """`stage`: what ran when it ended."""
        super().__init__(
            f"the Spark session ended while {stage} ran: its Java process was killed, or ran out of memory",
            hint="run the same command again: what was committed stays, and the rest is done then",
        )
