"""The record of runs and their steps in `ops`."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from lakehouse_nlp import __version__
from lakehouse_nlp.core import duck, lineage, reserve
from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.cost import Meter
from lakehouse_nlp.core.errors import TimedOutError, UsageError
from lakehouse_nlp.core.stop import STOPS
from lakehouse_nlp.core.telemetry import Try, observers

# Columns that `ops.steps` of earlier releases lacks.
USED = {"cpu_seconds": "double", "peak_bytes": "bigint", "bytes_read": "bigint", "bytes_written": "bigint"}
USED |= {"price": "double", "tries": "int"}
RUNS, STEPS = "ops.runs", "ops.steps"
RUN = ("project", "run_id", "state", "env", "stages", "code", "started_at", "ended_at", "error")
KILLED = "the run was killed, or its machine was lost: nobody wrote down how it ended"


def checked_id(text: str) -> str:
    """The id that an orchestrator gives a run. Raises UsageError for one that does not sort by time, as ids do."""
    if not re.fullmatch(r"\d{8}T\d{6}-\w+", text):
        raise UsageError(
            f"--run-id {text!r}: no id of a run", hint="its beginning in UTC, as in 20240501T060000-1a2b3c"
        )
    return text


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
        self._begun, self._open = False, ("", 0)
        self._refused: str | None = None  # what processes before this one refused in the same run
        self._meter, self._told = Meter(), observers(ctx)

    def begin(self) -> None:
        """Writes that the run is going on. Rows that say so already were left by runs that were killed: this one holds
        the lease.
        """
        self.ctx.sign("run")
        self.ctx.tables.ensure(RUNS)
        self.ctx.tables.ensure(STEPS, USED)
        if not self.ctx.tables.log(lineage.TABLE).exists:
            self.ctx.tables.ensure(lineage.TABLE)
        over = self._own() if self._join() else None
        self.ctx.tables.record(RUNS, [self._row("running", None, self._refused)], over=over)
        reserve.keep(self.ctx.root)
        self._begun = True
        self._told.run_begins(self.stages, self.started)

    def pause(self) -> None:
        """Leaves the run as going on: the next try is made by a process that joins it."""
        self._meter.stop()
        self._flush()
        self._told.run_ends("running", self.ctx.clock(), None)

    def end(self, state: str, error: str | None = None, fault: BaseException | None = None) -> None:
        """Replaces the run's row by its end, if it began."""
        self._meter.stop()
        if not self._begun:
            return
        ended, (stage, number) = self.ctx.clock(), self._open
        if stage:  # what was begun and has no row of its own
            self._told.try_ends(Try(stage, number, state, self.started, ended, StepResult(), fault=fault))
        if self._refused and state in ("done", "rejected"):
            state, error = "rejected", "; ".join(filter(None, (self._refused, error)))
        try:
            self._flush()
            self.ctx.sign("run")
            self.ctx.tables.record(RUNS, [self._row(state, ended, error)], over=self._own())
        finally:
            self._told.run_ends(state, ended, fault)

    def fail(self, fault: BaseException) -> None:
        """Ends the run by this error."""
        self.end(state_of(fault), words_of(fault), fault)

    def begins(self, stage: str, number: int = 1) -> None:
        """Tells that a stage has work, and a try of it begins."""
        self._open = stage, number
        self._told.try_begins(stage, number, self.ctx.clock())

    def step(
        self,
        stage: str,
        started: datetime,
        state: str,
        result: StepResult,
        fault: BaseException | None = None,
        number: int = 1,
    ) -> None:
        """Writes how a try of a stage ended, the first being number 1, and what was used since the last one; idle ones
        wait for the next that was not, so that they cost no commit each. Then what came of what is written, too.
        """
        if state == "failed":
            reserve.give_up(self.ctx.root)  # it may have filled the disk
        self._open = "", 0
        used, ended, error = self._meter.lap(), self.ctx.clock(), words_of(fault) if fault else None
        price = used.price(self.ctx.settings.cost, (ended - started).total_seconds())
        self._steps.append((
            self.ctx.settings.project, self.ctx.run_id, stage, state, started, ended,
            result.read, result.written, result.rejected, json.dumps(result.versions), result.note, error,
            used.cpu_seconds, used.peak_bytes, used.bytes_read, used.bytes_written, price, number,
        ))  # fmt: skip
        edges: list[lineage.Edge] = []
        try:
            if state != "idle":
                self._flush()
                edges = lineage.record(self.ctx, stage)
        finally:
            mine = tuple(edge for edge in edges if (edge.run_id, edge.stage) == (self.ctx.run_id, stage))
            self._told.try_ends(Try(stage, number, state, started, ended, result, used, fault, mine))

    def _join(self) -> bool:
        """Takes up what processes before this one have done of the same run; whether any has. Closes other runs."""
        mine = f"project = '{self.ctx.settings.project}' AND (state = 'running' OR run_id = '{self.ctx.run_id}')"
        found = duck.rows(self.ctx.root, f"SELECT * FROM {RUNS} WHERE {mine}", only=[RUNS])
        self._close([row for row in found if row["run_id"] != self.ctx.run_id])
        own = [row for row in found if row["run_id"] == self.ctx.run_id]
        for row in own:
            self.started = row["started_at"]
            before = (row["error"] or "").removesuffix(KILLED).rstrip("\n")
            self._refused = before if before and row["state"] in ("running", "rejected", "lost") else None
            self.stages = tuple(dict.fromkeys([*row["stages"].split(), *self.stages]))
        return bool(own)

    def _close(self, left: list[dict[str, Any]]) -> None:
        """Says of runs that were killed that they are lost; when they ended, nobody knows."""
        if left:
            lost = [{**row, "state": "lost", "error": "\n".join(filter(None, (row["error"], KILLED)))} for row in left]
            names = ", ".join(row["run_id"] for row in left)
            ids = ", ".join(repr(row["run_id"]) for row in left)
            over = f"project = '{self.ctx.settings.project}' AND run_id IN ({ids})"
            self.ctx.tables.record(RUNS, [tuple(row[name] for name in RUN) for row in lost], over=over)
            self.ctx.say(f"{names}: killed, and closed as lost; this run does what it left")

    def _own(self) -> str:
        """The run's row: two projects may have been given the same id."""
        return f"project = '{self.ctx.settings.project}' AND run_id = '{self.ctx.run_id}'"

    def _flush(self) -> None:
        if self._steps:
            self.ctx.sign("run")
            self.ctx.tables.record(STEPS, self._steps)
            self._steps = []

    def _row(self, state: str, ended: datetime | None, error: str | None) -> tuple[object, ...]:
        ctx = self.ctx
        asked = " ".join(self.stages)
        return ctx.settings.project, ctx.run_id, state, ctx.env, asked, __version__, self.started, ended, error
