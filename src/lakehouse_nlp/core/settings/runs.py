"""The section of runs: what is tried again, what is ended, what blocks a project, and when it runs by itself."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from lakehouse_nlp.core.settings.section import Section

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
Span = Annotated[str, Field(pattern=r"^\d+[smhd]$")]
StageName = Literal["ingest", "silver", "gold", "train", "register", "score", "monitor"]


def span(text: str) -> timedelta:
    """`90s`, `5m`, `2h`, `30d` as a time."""
    number, unit = re.fullmatch(r"(\d+)([smhd])", text).groups()  # type: ignore[union-attr]  # the settings' pattern
    return timedelta(**{UNITS[unit]: int(number)})


class Retries(Section):
    """Faults that can pass are tried again after `wait`, then after `wait` x `backoff`, x `backoff` again …

    `jitter` adds a random time of at most so much, so that projects do not all come back at once.
    """

    tries: int = Field(3, ge=1, le=100, description="of a step, the first among them; 1: none is tried again")
    wait: Span = "1m"
    backoff: float = Field(1, ge=1, le=10)
    jitter: Span = "0s"
    timeouts: bool = Field(False, description="whether a step that ran out of time is tried again, too")

    @property
    def wait_seconds(self) -> float:
        """The wait before the second try."""
        return span(self.wait).total_seconds()

    @property
    def jitter_seconds(self) -> float:
        """The most that chance adds to a wait."""
        return span(self.jitter).total_seconds()


class Breaker(Section):
    """So many failed runs in a row block the project until somebody says `lakehouse-nlp unblock --why`."""

    after: int | None = Field(3, ge=1, description="null: nothing blocks")


class Schedule(Section):
    """When `lakehouse-nlp schedule` runs the project: at the times of a cron expression, in UTC, and where it looks and
    finds work.
    """

    cron: str | None = Field(None, description="minute hour day month weekday")
    files: bool = Field(False, description="when files have come to raw/")
    events: bool = Field(False, description="when plan says so: labels, a trigger of train.retrain, new settings")
    every: Span = Field("30s", description="between two looks")

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, text: str | None) -> str | None:
        if text is None:
            return None
        from datetime import datetime, timezone

        from cronsim import CronSim, CronSimError

        try:
            next(CronSim(text, datetime(2024, 1, 1, tzinfo=timezone.utc)))
        except (CronSimError, StopIteration) as error:
            raise ValueError(
                f"no cron expression: {text!r} ({str(error) or 'no such time'}); 0 6 * * 1-5 is six on workdays"
            ) from error
        return text

    @field_validator("every")
    @classmethod
    def _waits(cls, every: str) -> str:
        if not span(every):
            raise ValueError("must be at least 1s")
        return every

    @property
    def asked(self) -> bool:
        """Whether anything starts a run."""
        return bool(self.cron or self.files or self.events)


class Runs(Section):
    """How a run of the project goes on when something goes wrong."""

    retries: Retries = Retries()
    timeout: Span | None = Field(None, description="of a step, after which it is ended")
    timeouts: dict[StageName, Span] = Field({}, description="the same for a stage by its name")
    deadline: Span | None = Field(None, description="of a whole run, after which an orchestrator tells that it is late")
    breaker: Breaker = Breaker()
    max_concurrent: int = Field(2, ge=1, description="projects that run --all and schedule run at a time")
    schedule: Schedule = Schedule()
    report: bool = Field(False, description="whether each run writes its page when it ends")

    def limit(self, stage: str) -> timedelta | None:
        """After how long a step of this stage is ended; None: never."""
        asked = {**self.timeouts}.get(stage, self.timeout)  # type: ignore[call-overload]  # a stage's name is text here
        return span(asked) if asked else None

    @model_validator(mode="after")
    def _limits_are_times(self) -> Runs:
        if nothing := [each for each in (self.timeout, *self.timeouts.values()) if each and not span(each)]:
            raise ValueError(f"a step cannot end within {nothing[0]}; null is no limit")
        if self.deadline and not span(self.deadline):
            raise ValueError(f"a run cannot end within {self.deadline}; null is no deadline")
        if self.retries.timeouts and not self.timeout and not self.timeouts:
            raise ValueError("retries.timeouts asks to try again what ran out of time, and there is no timeout")
        return self
