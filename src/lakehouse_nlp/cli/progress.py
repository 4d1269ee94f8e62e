"""How a run shows itself while it goes: a line a stage; on a terminal a bar, too, with what is left of the stage."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import ProgressColumn, Task

    from lakehouse_nlp.core.context import Context
    from lakehouse_nlp.flow import Stage

SURE = 2.0  # seconds after which a stage that has nothing to do is over
BETWEEN = 10.0  # seconds between two lines about one thing
Watch = Callable[["Stage", str, str], None]


@contextmanager
def watched(ctx: Context, stages: Sequence[Stage]) -> Iterator[Watch]:
    """What to call as `flow.run`'s watch; also shows what stages say and how far they are."""
    if not sys.stderr.isatty():
        yield _lines(ctx)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("[bold]{task.description:<9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[about]}"),
        _left_column(clock := Left(ctx)),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=len(stages), about="")
        ctx.say = lambda line: console.print(line, markup=False)
        ctx.progress = lambda done, total, what: bar.update(task, about=f"{what} {done} of {total}")
        tell = _lines(ctx)

        def watch(stage: Stage, what: str, note: str) -> None:
            bar.update(task, description=stage.name, about=stage.does, advance=0 if what == "begins" else 1)
            if what == "begins":
                clock.begin(stage)
            tell(stage, what, note)

        yield watch


class Left:
    """What is left of the stage that is on, by what it took before; nothing where it is not known."""

    def __init__(self, ctx: Context, now: Callable[[], float] = time.monotonic) -> None:
        """`now`: seconds of a clock."""
        self._ctx, self._now = ctx, now
        self._began, self._expected = now(), math.nan

    def begin(self, stage: Stage) -> None:
        """Looks what waits for a stage. No run fails by it."""
        from lakehouse_nlp import estimate

        self._began, self._expected = self._now(), math.nan
        with suppress(Exception):
            self._expected = estimate.expected(self._ctx, stage, self._history) or math.nan

    @cached_property
    def _history(self) -> dict[str, list[tuple[float, float]]]:
        from lakehouse_nlp import estimate

        return estimate.history(self._ctx)

    def __str__(self) -> str:
        from lakehouse_nlp import estimate

        spent = self._now() - self._began
        return "" if math.isnan(self._expected) or spent < SURE else estimate.left(self._expected - spent)


def _left_column(left: Left) -> ProgressColumn:
    from rich.progress import ProgressColumn
    from rich.text import Text

    class Column(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(str(left), style="dim")

    return Column()


def _lines(ctx: Context) -> Watch:
    began = time.monotonic()

    def watch(stage: Stage, what: str, note: str) -> None:
        nonlocal began
        if what == "begins":
            began = time.monotonic()
        else:
            ctx.say(f"{stage.name:<9} {what:<5} {time.monotonic() - began:6.1f} s  {note}".rstrip())

    return watch


@contextmanager
def counting() -> Iterator[Callable[[Context], None]]:
    """Gives what makes a context show how far it is, outside of runs: by a bar, or a line now and then."""
    if not sys.stderr.isatty():
        yield _counting_lines
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True, highlight=False)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(ctx: Context) -> None:
            ctx.say = lambda line: console.print(line, markup=False)
            ctx.progress = lambda done, total, what: bar.update(task, completed=done, total=total, description=what)

        yield show


def _counting_lines(ctx: Context) -> None:
    said = time.monotonic() + BETWEEN

    def progress(done: int, total: int, what: str) -> None:
        nonlocal said
        if 1 < done < total and time.monotonic() > said:
            said = time.monotonic() + BETWEEN
            ctx.say(f"{what} {done:,} of {total:,}")

    ctx.progress = progress
