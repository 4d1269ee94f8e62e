"""Who is told what happens to a run, beside the record in `ops`: none of them can make a run fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.cost import Usage

if TYPE_CHECKING:
    from lakehouse_nlp.core.lineage import Edge

GIVEN_UP = 3  # faults in a row after which an observer is asked no more


@dataclass(frozen=True)
class Try:
    """How one try of a stage ended. `edges`: of the versions that it wrote."""

    stage: str
    number: int
    state: str
    started: datetime
    ended: datetime
    result: StepResult
    used: Usage | None = None
    fault: BaseException | None = None
    edges: Sequence[Edge] = field(default=())


class Observer:
    """Is told of a run, each stage that has work, and each try; of a stage without work only that it is idle."""

    name = "observer"

    def run_begins(self, stages: Sequence[str], started: datetime) -> None:
        """A run of these stages begins, and has the lease."""

    def try_begins(self, stage: str, number: int, started: datetime) -> None:
        """A stage has work, and a try of it begins, the first being number 1."""

    def try_ends(self, ended: Try) -> None:
        """A try has ended; of one that failed while it was asked whether there is work, none was told to begin."""

    def run_ends(self, state: str, ended: datetime, fault: BaseException | None) -> None:
        """The run has ended; nothing comes after."""


class Observers(Observer):
    """All of them. What goes wrong with one is said once, and after a few times in a row it is asked no more."""

    def __init__(self, ctx: Context, observers: Sequence[Observer]) -> None:
        """`observers`: in the order in which they are told."""
        self._ctx, self._faults = ctx, dict.fromkeys(observers, 0)

    def run_begins(self, stages: Sequence[str], started: datetime) -> None:
        """Tells all."""
        self._each(lambda one: one.run_begins(stages, started))

    def try_begins(self, stage: str, number: int, started: datetime) -> None:
        """Tells all."""
        self._each(lambda one: one.try_begins(stage, number, started))

    def try_ends(self, ended: Try) -> None:
        """Tells all."""
        self._each(lambda one: one.try_ends(ended))

    def run_ends(self, state: str, ended: datetime, fault: BaseException | None) -> None:
        """Tells all, the first last: the log hears what the others have to say."""
        self._each(lambda one: one.run_ends(state, ended, fault), reversed(list(self._faults)))

    def _each(self, tell: Callable[[Observer], None], whom: Iterable[Observer] = ()) -> None:
        for one in whom or tuple(self._faults):
            faults = self._faults[one]
            if faults >= GIVEN_UP:
                continue
            try:
                tell(one)
                self._faults[one] = 0
            except Exception as error:
                self._faults[one] += 1
                if not faults:
                    self._ctx.say(f"{one.name}: {type(error).__name__}; the run goes on without it")
