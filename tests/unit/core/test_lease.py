"""One run of a project at a time, and no command that writes beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path

import pytest

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.lease import lease
from lakehouse_nlp.register.aliases import promote, rollback
from lakehouse_nlp.silver.replay import replay

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
COMMANDS: dict[str, Callable[[Context], object]] = {
    "replay": replay,
    "promote": lambda ctx: promote(ctx, 1, "a test"),
    "rollback": lambda ctx: rollback(ctx, "a test"),
}


@contextmanager
def held(ctx: Context) -> Iterator[threading.Event]:
    """The project's lease in another thread, until the event is set."""
    begun, end = threading.Event(), threading.Event()

    def hold() -> None:
        with lease(ctx):
            begun.set()
            end.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert begun.wait(60)
        yield end
    finally:
        end.set()
        thread.join()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_writes_waits_for_the_run_that_is_on(
    command: str, home: Path, make_context: MakeContext
) -> None:
    ctx, said, told = make_context(home), [], threading.Event()

    def say(line: str) -> None:
        said.append(line)
        told.set()

    ctx.say = say
    running = make_context(home)
    with held(running) as end, futures.ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(COMMANDS[command], ctx)
        assert told.wait(60)
        with pytest.raises(futures.TimeoutError):
            outcome.result(timeout=0.2)
        assert len(said) == 1
        assert f"waiting for run {running.run_id} (process " in said[0]
        end.set()
        with pytest.raises(UsageError):  # there is nothing yet to replay, promote or go back to
            outcome.result(timeout=60)


def test_a_lease_that_nobody_holds_is_had_at_once_and_again(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home)
    for _ in range(2):
        with lease(ctx) as waited:
            assert not waited
