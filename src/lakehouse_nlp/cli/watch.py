"""Running a stage again and again, with one session for all rounds: ingest by looking, score by a stream."""

from __future__ import annotations

import math
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from threading import Event
from typing import TYPE_CHECKING

from lakehouse_nlp.core.errors import UsageError

if TYPE_CHECKING:
    from lakehouse_nlp.core.context import Context
    from lakehouse_nlp.flow import Report


def reports(open_context: Callable[[], Context], stage: str, every: float | None = None) -> Iterator[Report]:
    """Runs a stage and tells how it ended: once, or (`every`: seconds) at every look that found something.

    Each round is a run of its own. Ctrl-C and SIGTERM end the watch, after the round that is on.
    """
    from lakehouse_nlp import flow
    from lakehouse_nlp.cli.progress import watched

    used, ended = None, Event()
    try:
        while not ended.is_set():
            ctx = open_context()
            if every is None or flow.plan(ctx, [stage]):
                used = ctx
                if every is not None:
                    _end_by_signal(ctx, ended)
                with watched(ctx, flow.chosen([stage])) as watch:
                    yield flow.run(ctx, [stage], watch=watch)
            if every is None:
                return
            ended.wait(every)
    except KeyboardInterrupt:
        if every is None or used:
            raise
    finally:
        if used:
            used.close()


def followed(open_context: Callable[[], Context], every: float, last: str | None = None) -> Iterator[Report]:
    """Runs score now, and at every micro-batch that finds something to do; tells how each run ended.

    Each is a run of its own, by the settings and aliases of its time. Ctrl-C and SIGTERM end it after the run that is
    on; so does the time `last` (`90s`, `30m`, `8h`, `7d`). A second process that follows waits, and takes over.
    """
    from lakehouse_nlp import flow
    from lakehouse_nlp.cli.progress import watched
    from lakehouse_nlp.core.lease import FOLLOW, lease
    from lakehouse_nlp.score.stream import micro_batches

    until = time.monotonic() + seconds(last) if last else math.inf
    ctx, ended = open_context(), Event()

    def over() -> bool:
        return ended.is_set() or time.monotonic() >= until

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # before there is a session, both just end it
    with (
        suppress(KeyboardInterrupt),
        closing(ctx),
        lease(ctx, FOLLOW),
        closing(micro_batches(ctx, every, over)) as batches,
    ):
        _end_by_signal(ctx, ended)
        ctx.say(f"following {ctx.tables.name('gold')}; Ctrl-C or SIGTERM ends it after the batch in hand")
        for _ in batches:
            now = open_context()
            if flow.plan(now, ["score"]):
                with watched(now, flow.chosen(["score"])) as watch:
                    yield flow.run(now, ["score"], watch=watch)


def seconds(text: str) -> float:
    """How long a span such as `30m` is. Raises UsageError where it is none."""
    from lakehouse_nlp.core.settings.runs import span

    if re.fullmatch(r"[1-9]\d*[smhd]", text):
        return span(text).total_seconds()
    raise UsageError(f"--for {text}", hint="a number, and s, m, h or d: 90s, 30m, 8h, 7d")


def _end_by_signal(ctx: Context, ended: Event) -> None:
    """From now on a signal ends no write half-way; the session is asked for first, because it sets a handler too."""
    assert ctx.spark
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
