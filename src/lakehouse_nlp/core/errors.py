"""Errors that say what, where, which value and what to do next; each kind has its exit code."""

from __future__ import annotations

from datetime import timedelta


class LakehouseError(Exception):
    """The root of what this package raises on purpose. `exit_code` 3 means a fault of ours."""

    exit_code = 3
    passes = False  # whether the same step may succeed if it is tried again

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


class UnreachableError(UsageError):
    """A server does not answer."""

    passes = True


class SessionLostError(UsageError):
    """The Spark session ended under a stage: killed, out of memory, or stopped by the platform."""

    def __init__(self, stage: str, *, renewed: bool = False) -> None:
        """`stage`: what ran when it ended; `renewed`: whether a new session can be had."""
        super().__init__(
            f"the Spark session ended while {stage} ran: its Java process was killed, or ran out of memory",
            hint="run the same command again: what was committed stays, and the rest is done then",
        )
        self.passes = renewed


class TimedOutError(LakehouseError):
    """A step took longer than the settings allow, and was ended."""

    exit_code = 124  # as of timeout(1)

    def __init__(self, what: str, limit: timedelta) -> None:
        """`what`: the stage; `limit`: its time."""
        super().__init__(
            f"{what} was ended: it took longer than {limit}, its time by runs.timeout",
            hint=f"run again: what was committed stays; where it needs longer: --set runs.timeouts.{what}=2h",
        )


class PassingError(LakehouseError):
    """A fault that can pass, where somebody else calls the next try."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h
    passes = True


class BlockedError(LakehouseError):
    """The project's runs failed in a row, and nobody has opened it since."""

    exit_code = 4
