"""Stages that do what they are told, for runs whose stages fail, hang or are stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lakehouse_nlp import flow
from lakehouse_nlp.core.context import Context, StepResult

Put = Callable[..., None]


@dataclass(frozen=True)
class Acting(flow.Stage):
    """A stage that does what it is told, try by try; from then on it has nothing to do."""

    acts: tuple[Any, ...] = ()

    def due(self, ctx: Context) -> str | None:
        return None if self.acts[0] == "done" else "told so"

    def run(self, ctx: Context) -> StepResult:
        act, *rest = self.acts
        object.__setattr__(self, "acts", (*rest, "done"))
        if isinstance(act, BaseException):
            raise act
        if callable(act):
            act(ctx)
        return StepResult(read=act if isinstance(act, int) else 1, written=1)


def patient(ctx: Context) -> tuple[Context, list[float]]:
    """A context that does not wait between two tries, and its waits."""
    waits: list[float] = []
    ctx.sleep = waits.append
    return ctx, waits
