"""The record of runs and their steps in `ops`."""

from __future__ import annotations

import json
from datetime import datetime

from lakehouse_nlp import __version__
from lakehouse_nlp.core import duck, reserve
from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.cost import Meter
from lakehouse_nlp.core.errors import TimedOutError
from lakehouse_nlp.core.stop import STOPS

# Columns that `ops.steps` of earlier releases lacks.
USED = {"cpu_seconds": "double", "peak_bytes": "bigint", "bytes_read": "bigint", "bytes_written": "bigint"}
USED |= {"price": "double", "tries": "int"}
RUNS, STEPS = "ops.runs", "ops.steps"
RUN = ("project", "run_id", "state", "env", "stages", "code", "started_at", "ended_at", "error")
KILLED = "the run was killed, or its machine was lost: nobody wrote down how it ended"


def state_of(error: BaseException) -> str:
    """What the record calls a run, or a step, that ended by this error."""
    if isinstance(error, TimedOutError):
        return "timed_out"
    return "cancelled" if isinstance(error, STOPS) else "failed"


def words_of(error: BaseException) -> str:
    """What the record says of it."""
    return "ended by Ctrl-C" if isinstance(error, KeyboardInterrupt) else str(error) or type(error).__name__


class Record:
    """Writes what happens to a run: one row in `ops.runs`, and a row in `ops.steps` for each stage that ends."""

    def __init__(self, ctx: Context, stages: tuple[str, ...]) -> None:
        """Begins the record; nothing is written before `begin`."""
        self.ctx, self.stages, self.started = ctx, stages, ctx.clock()
        self._steps: list[tuple[object, ...]] = []
        self._begun = False
        self._meter = Meter()

    def begin(self) -> None:
        """Writes that the run is going on. Rows that say so already were left by runs that were killed: this one holds
        the lease.
        """
        self.ctx.sign("run")
        self.ctx.tables.ensure(RUNS)
        self.ctx.tables.ensure(STEPS, USED)
        self._close()
        self.ctx.tables.record(RUNS, [self._row("running", None, None)])
        reserve.keep(self.ctx.root)
        self._begun = True

    def end(self, state: str, error: str | None = None) -> None:
        """Replaces the run's row by its end, if it began."""
        self._meter.stop()
        if not self._begun:
            return
        self._flush()
        self.ctx.sign("run")
        row = self._row(state, self.ctx.clock(), error)
        self.ctx.tables.record(RUNS, [row], over=f"run_id = '{self.ctx.run_id}'")

    def step(
        self, stage: str, started: datetime, state: str, result: StepResult, error: str | None = None, number: int = 1
    ) -> None:
        """Writes how a try of a stage ended, the first being number 1, and what was used since the last one; idle ones
        wait for the next that was not, so that they cost no commit each.
        """
        if state == "failed":
            reserve.give_up(self.ctx.root)  # it may have filled the disk
        used, ended = self._meter.lap(), self.ctx.clock()
        price = used.price(self.ctx.settings.cost, (ended - started).total_seconds())
        self._steps.append((
            self.ctx.settings.project, self.ctx.run_id, stage, state, started, ended,
            result.read, result.written, result.rejected, json.dumps(result.versions), result.note, error,
            used.cpu_seconds, used.peak_bytes, used.bytes_read, used.bytes_written, price, number,
        ))  # fmt: skip
        if state != "idle":
            self._flush()

    def _close(self) -> None:
        """Says of runs that were killed that they are lost; when they ended, nobody knows."""
        mine = f"project = '{self.ctx.settings.project}' AND state = 'running'"
        left = duck.rows(self.ctx.root, f"SELECT * FROM {RUNS} WHERE {mine}", only=[RUNS])
        if left:
            lost = [{**row, "state": "lost", "error": KILLED} for row in left]
            names = ", ".join(row["run_id"] for row in left)
            over = f"run_id IN ({', '.join(repr(row['run_id']) for row in left)})"
            self.ctx.tables.record(RUNS, [tuple(row[name] for name in RUN) for row in lost], over=over)
            self.ctx.say(f"{names}: killed, and closed as lost; this run does what it left")

    def _flush(self) -> None:
        if self._steps:
            self.ctx.sign("run")
            self.ctx.tables.record(STEPS, self._steps)
            self._steps = []

    def _row(self, state: str, ended: datetime | None, error: str | None) -> tuple[object, ...]:
        ctx = self.ctx
        asked = " ".join(self.stages)
        return ctx.settings.project, ctx.run_id, state, ctx.env, asked, __version__, self.started, ended, error
