"""The record of runs and their steps in `ops`."""

from __future__ import annotations

import json
from datetime import datetime

from lakehouse_nlp import __version__
from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.cost import Meter

# Columns that `ops.steps` of earlier releases lacks.
USED = {"cpu_seconds": "double", "peak_bytes": "bigint", "bytes_read": "bigint", "bytes_written": "bigint"}
USED |= {"price": "double"}


class Record:
    """Writes what happens to a run: one row in `ops.runs`, and a row in `ops.steps` for each stage that ends."""

    def __init__(self, ctx: Context, stages: tuple[str, ...]) -> None:
        """Begins the record; nothing is written before `begin`."""
        self.ctx, self.stages, self.started = ctx, stages, ctx.clock()
        self._steps: list[tuple[object, ...]] = []
        self._meter = Meter()

    def begin(self) -> None:
        """Writes that the run is going on; a row that stays so was left by a run that was killed."""
        self.ctx.sign("run")
        self.ctx.tables.ensure("ops.runs")
        self.ctx.tables.ensure("ops.steps", USED)
        self.ctx.tables.record("ops.runs", [self._row("running", None, None)])

    def end(self, state: str, error: str | None = None) -> None:
        """Replaces the run's row by its end."""
        self._meter.stop()
        self._flush()
        self.ctx.sign("run")
        row = self._row(state, self.ctx.clock(), error)
        self.ctx.tables.record("ops.runs", [row], over=f"run_id = '{self.ctx.run_id}'")

    def step(self, stage: str, started: datetime, state: str, result: StepResult, error: str | None = None) -> None:
        """Writes how a stage ended, and what was used since the last one; idle ones wait for the next that was not,
        so that they cost no commit each.
        """
        used, ended = self._meter.lap(), self.ctx.clock()
        price = used.price(self.ctx.settings.cost, (ended - started).total_seconds())
        self._steps.append((
            self.ctx.settings.project, self.ctx.run_id, stage, state, started, ended,
            result.read, result.written, result.rejected, json.dumps(result.versions), result.note, error,
            used.cpu_seconds, used.peak_bytes, used.bytes_read, used.bytes_written, price,
        ))  # fmt: skip
        if state != "idle":
            self._flush()

    def _flush(self) -> None:
        if self._steps:
            self.ctx.sign("run")
            self.ctx.tables.record("ops.steps", self._steps)
            self._steps = []

    def _row(self, state: str, ended: datetime | None, error: str | None) -> tuple[object, ...]:
        ctx = self.ctx
        asked = " ".join(self.stages)
        return ctx.settings.project, ctx.run_id, state, ctx.env, asked, __version__, self.started, ended, error
