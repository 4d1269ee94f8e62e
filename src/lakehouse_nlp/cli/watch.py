"""Looking for new files again and again, with one session for all rounds."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lakehouse_nlp.core.context import Context
    from lakehouse_nlp.flow import Report


def reports(open_context: Callable[[], Context], every: float | None) -> Iterator[Report]:
    """Runs ingest and tells how it ended: once, or (`every`: seconds) at every look that found something.

    Each round is a run of its own. Ctrl-C and SIGTERM end the watch, after the round that is on.
    """
    from lakehouse_nlp import flow
    from lakehouse_nlp.cli.progress import watched

    used, ended = None, Event()
    try:
        while not ended.is_set():
            ctx = open_context()
            if every is None or flow.plan(ctx, ["ingest"]):
                used = ctx
                if every is not None:
                    _end_by_signal(ctx, ended)
                with watched(ctx, flow.chosen(["ingest"])) as watch:
                    yield flow.run(ctx, ["ingest"], watch=watch)
            if every is None:
                return
            ended.wait(every)
    except KeyboardInterrupt:
        if every is None or used:
            raise
    finally:
        if used:
            used.close()


def _end_by_signal(ctx: Context, ended: Event) -> None:
    """From now on a signal ends no write half-way; the session is asked for first, because it sets a handler too."""
    assert ctx.spark
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
