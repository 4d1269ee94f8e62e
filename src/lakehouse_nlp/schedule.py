"""When a project is to run: at the times of a cron expression, when files came, when `plan` finds work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lakehouse_nlp import flow
from lakehouse_nlp.core import breaker
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import LakehouseError, UsageError
from lakehouse_nlp.core.settings.runs import Schedule, span
from lakehouse_nlp.fleet import Ended

WELL = ("done", "rejected", "idle")
LONGEST = timedelta(hours=1)  # between two looks, however often the runs failed
MOST = 16  # doublings


@dataclass
class Timer:
    """The state of one project's triggers: pure, but for the clock's times that it is given."""

    since: datetime  # the last look at the cron expression
    look_at: datetime  # the next look for work
    failures: int = 0

    def struck(self, asked: Schedule, now: datetime) -> bool:
        """Whether a time of the cron expression has come since the last look. Several that were missed count once."""
        from cronsim import CronSim

        since, self.since = min(self.since, now), now  # a clock that went back counts anew
        return bool(asked.cron and next(CronSim(asked.cron, since)) <= now)

    def looks(self, asked: Schedule, now: datetime) -> bool:
        """Whether it is time to look for work."""
        pause = self._pause(asked)
        if not (asked.files or asked.events) or self.look_at - pause <= now < self.look_at:
            return False
        self.look_at = now + pause
        return True

    def ended(self, asked: Schedule, state: str, now: datetime) -> None:
        """Takes note of how the run ended: after runs that failed, there are less and less looks."""
        self.failures = 0 if state in WELL else min(self.failures + 1, MOST)
        if self.failures:
            self.look_at = now + self._pause(asked)

    def _pause(self, asked: Schedule) -> timedelta:
        every = span(asked.every)
        longer: timedelta = every * 2**self.failures
        return max(every, min(longer, LONGEST))


@dataclass
class Scheduler:
    """Decides which projects are to run now. `open_` gives a project's context anew, with the settings of now."""

    open_: Callable[[str], Context]
    clock: Callable[[], datetime]
    say: Callable[[str], None]
    _timers: dict[str, Timer] = field(default_factory=dict)
    _asked: dict[str, Schedule] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)

    def expect(self, projects: Sequence[str]) -> None:
        """Says when each is to run. Raises UsageError where none of them has a schedule."""
        asked: dict[str, Schedule] = {}
        for name in projects:
            try:
                asked[name] = self.open_(name).settings.runs.schedule
            except LakehouseError as error:  # it may be mended while the others go on
                self._said[name] = str(error)
                self.say(f"{name}: {error}")
            else:
                self.say(f"{name}: {_told(asked[name])}")
        if not any(each.asked for each in asked.values()):
            raise UsageError("no project has a schedule", hint="runs: {schedule: {cron: 0 6 * * *}} in its settings")

    def due(self, project: str) -> str | None:
        """Why the project is to run now; None where it is not. What keeps it from running is said once."""
        now = self.clock()
        timer = self._timers.setdefault(project, Timer(now, now))
        try:
            ctx = self.open_(project)
            why = self._why(ctx, timer, now)
            if why:
                breaker.refuse(ctx)
        except Exception as error:  # whatever it is, other projects go on, and this one is looked at again
            if self._said.get(project) != str(error):
                self._said[project] = str(error)
                self.say(f"{project}: {error}")
            return None
        if why:
            self._said.pop(project, None)
        return why

    def ended(self, found: Ended) -> None:
        """Takes note of how a run ended."""
        self._timers[found.project].ended(self._asked[found.project], found.state, self.clock())

    def _why(self, ctx: Context, timer: Timer, now: datetime) -> str | None:
        asked = self._asked[ctx.settings.project] = ctx.settings.runs.schedule
        if timer.struck(asked, now):
            return f"schedule {asked.cron}"
        if not timer.looks(asked, now):
            return None
        steps = flow.plan(ctx) if asked.events else flow.plan(ctx, ["ingest"])
        return f"{steps[0].stage.name}: {steps[0].why}" if steps else None


def _told(asked: Schedule) -> str:
    by = [f"at {asked.cron} (UTC)"] if asked.cron else []
    by += [f"when plan finds work, every {asked.every}"] if asked.events else []
    by += [f"when files come, looking every {asked.every}"] if asked.files and not asked.events else []
    return ", ".join(by) or "has no schedule"


def keep(
    projects: Sequence[str],
    scheduler: Scheduler,
    start: Callable[[str], Future[Ended]],
    wait: Callable[[float], None],
    *,
    runs: int | None = None,
    pause: float = 1.0,
) -> Iterator[Ended]:
    """Starts what is due, one run of a project at a time, and tells how each ended; `runs`: ends after so many."""
    going: dict[str, Future[Ended]] = {}
    begun = 0
    while going or runs is None or begun < runs:
        for project in [name for name, run in going.items() if run.done()]:
            found = going.pop(project).result()
            scheduler.ended(found)
            yield found
        for project in projects:
            if project not in going and (runs is None or begun < runs) and (why := scheduler.due(project)):
                scheduler.say(f"{project}: {why}")
                going[project] = start(project)
                begun += 1
        if going or runs is None or begun < runs:
            wait(pause)
