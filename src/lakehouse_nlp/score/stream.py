"""The moments at which there may be something to score: micro-batches of a stream over gold and the ledger of models.

Structured Streaming says when. What is scored, and that it is scored once, is the stage's affair: it reads gold between
the stamps in the log of predictions, where rows and position are one commit. So the checkpoint decides nothing, and is
made anew at every start: none that is lost, old or of another table leaves a row out, or has one scored twice.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from threading import Semaphore

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError, SessionLostError, UsageError
from lakehouse_nlp.core.events import EVENTS, ledger
from lakehouse_nlp.core.session import alive
from lakehouse_nlp.core.uri import file_uri

SOURCE = "gold"
# Seconds between two looks at whether the stream still runs, and whether it is to end.
LOOK = 0.5
# How Delta's source says that a table has other columns than when the stream began.
OTHER_COLUMNS = "DELTA_SCHEMA_CHANGED"


class Gate:
    """Holds each micro-batch, in the thread of Spark's that brings it, until another thread has done its work."""

    def __init__(self) -> None:
        """Begins closed: micro-batches wait."""
        self._come, self._done, self._open = Semaphore(0), Semaphore(0), False

    def __call__(self, rows: DataFrame, number: int) -> None:
        """What `foreachBatch` calls. The rows are not touched, and so are not read."""
        if not self._open:
            self._come.release()
            self._done.acquire()

    def waits(self, seconds: float) -> bool:
        """Whether a micro-batch is there, or comes within the seconds."""
        return self._come.acquire(timeout=seconds)

    def lets_go(self) -> None:
        """The work of the micro-batch that waits is done."""
        self._done.release()

    def opens(self) -> None:
        """From now on no micro-batch waits; the one that does goes on."""
        self._open = True
        self._done.release()


def micro_batches(ctx: Context, every: float, over: Callable[[], bool]) -> Generator[None, None, None]:
    """Yields at once, and then whenever gold or the ledger of models has a new commit, until it is over.

    A micro-batch lasts until the next one is asked for, so an end falls between two. `every`: seconds between two looks
    into the tables' logs. Raises UsageError where there is no gold yet, DataError where the stream cannot go on.
    """
    if not ctx.tables.log(SOURCE).exists:
        raise UsageError(
            f"score --follow: {ctx.tables.name(SOURCE)} is not there yet", hint="lakehouse-nlp run ingest silver gold"
        )
    return _micro_batches(ctx, every, over)


def _micro_batches(ctx: Context, every: float, over: Callable[[], bool]) -> Generator[None, None, None]:
    ctx.sign("score")
    ledger(ctx)
    while not over():
        gate = Gate()
        query = _started(ctx, every, gate)
        try:
            yield  # what came before the stream began
            while not over() and _runs(ctx, query):
                if gate.waits(LOOK):
                    yield
                    gate.lets_go()
        finally:
            gate.opens()
            if alive(ctx.spark):
                query.stop()
        if error := query.exception():
            tables = f"{ctx.tables.name(SOURCE)} and {EVENTS}"
            if OTHER_COLUMNS not in str(error):
                raise DataError(
                    f"the stream over {tables} failed: {str(error).splitlines()[0]}",
                    hint="run the same command again: it goes on from what is scored",
                )
            ctx.say(f"columns changed: the stream over {tables} begins anew")


def _started(ctx: Context, every: float, gate: Gate) -> StreamingQuery:
    checkpoint = ctx.folder / ".checkpoint"
    shutil.rmtree(checkpoint, ignore_errors=True)
    gold, events = (ctx.tables.stream(table).select(F.lit(table).alias("table")) for table in (SOURCE, EVENTS))
    return (
        gold.union(events)
        .writeStream.queryName(f"score {ctx.settings.project}")
        .foreachBatch(gate)
        .option("checkpointLocation", file_uri(checkpoint))
        .trigger(processingTime=f"{round(every * 1000)} milliseconds")
        .start()
    )


def _runs(ctx: Context, query: StreamingQuery) -> bool:
    if not alive(ctx.spark):
        raise SessionLostError("score --follow")
    return bool(query.isActive)
