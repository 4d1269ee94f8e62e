"""The data's path: the stages in order, with what each reads and writes. `plan`, `run` and `status` walk this list."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.errors import SessionLostError, UsageError
from lakehouse_nlp.core.lease import lease
from lakehouse_nlp.core.runs import Record
from lakehouse_nlp.core.session import alive


@dataclass(frozen=True)
class Stage:
    """One stage: a folder of this package with `due(ctx) -> reason | None` and `run(ctx) -> StepResult`.

    `reads` and `writes` are tables (`labels` is people's to write), or `raw` (files), `candidate` and `champion` (model
    versions).
    `follows` says whether news in what it reads always means work; training may find that there is too little of it.
    """

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    does: str
    follows: bool = True

    def due(self, ctx: Context) -> str | None:
        """Why there is work, in a few words; None if there is none. Needs no Spark."""
        reason: str | None = self._module().due(ctx)
        return reason

    def run(self, ctx: Context) -> StepResult:
        """Does the work."""
        result: StepResult = self._module().run(ctx)
        return result

    def _module(self) -> Any:
        return importlib.import_module(f"lakehouse_nlp.{self.name}")


STAGES = (
    Stage("ingest", ("raw",), ("bronze", "ops.files"), "takes new files in, every row once"),
    Stage("silver", ("bronze",), ("silver", "quarantine", "ops.checks"), "checks, cleans, keeps one row a key"),
    Stage("gold", ("silver", "labels"), ("gold",), "makes tokens with Spark NLP, splits the rows"),
    Stage("train", ("gold",), ("candidate",), "trains a candidate, logged to MLflow", follows=False),
    Stage("register", ("candidate",), ("champion", "ops.model_events"), "judges it at the gate", follows=False),
    Stage("score", ("gold", "champion"), ("predictions", "ops.model_events"), "scores what the champion has not seen"),
    Stage("monitor", ("predictions",), ("ops.metrics",), "takes the figures of the run"),
)
NAMES = tuple(stage.name for stage in STAGES)


@dataclass(frozen=True)
class Step:
    """A planned step, and why; `certain` is False where only an earlier step will show whether there is work."""

    stage: Stage
    why: str
    certain: bool = True


@dataclass(frozen=True)
class Report:
    """How a run ended. `state`: idle, done, or rejected (done, but something was refused)."""

    run_id: str
    state: str
    steps: dict[str, StepResult] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


def chosen(names: Sequence[str]) -> tuple[Stage, ...]:
    """The named stages in the path's order; all of them if none is named. Raises UsageError for an unknown name."""
    if unknown := [name for name in names if name not in NAMES]:
        raise UsageError(f"no such stage: {', '.join(unknown)}", hint=f"stages are {' '.join(NAMES)}")
    return tuple(stage for stage in STAGES if not names or stage.name in names)


def plan(ctx: Context, names: Sequence[str] = ()) -> list[Step]:
    """The steps that `run` would take now, in order. Reads logs, ledgers and the registry; starts no Spark."""
    steps: list[Step] = []
    for stage in chosen(names):
        if why := stage.due(ctx):
            steps.append(Step(stage, why))
        elif before := [step for step in steps if set(step.stage.writes) & set(stage.reads)]:
            certain = stage.follows and all(step.certain for step in before)
            steps.append(Step(stage, "follows " + ", ".join(step.stage.name for step in before), certain))
    return steps


def run(
    ctx: Context,
    names: Sequence[str] = (),
    *,
    force: bool = False,
    watch: Callable[[Stage, str, str], None] | None = None,
) -> Report:
    """Runs what is due of the named stages, in order; `force` runs them all.

    One run of a project goes on at a time; another waits. `watch` is told of each stage: "begins", then "idle" or
    "done", and a line about it. With nothing to do, nothing is started and nothing written. Raises what a stage raised,
    after recording it.
    """
    stages = chosen(names)
    ctx.ready()
    if not force and not plan(ctx, names):
        return Report(ctx.run_id, "idle")
    with lease(ctx) as waited:
        if waited and not force and not plan(ctx, names):
            return Report(ctx.run_id, "idle")
        return _recorded(ctx, stages, force, watch or (lambda *_: None))


def _recorded(ctx: Context, stages: Sequence[Stage], force: bool, watch: Callable[[Stage, str, str], None]) -> Report:
    record = Record(ctx, tuple(stage.name for stage in stages))
    record.begin()
    try:
        steps = {stage.name: result for stage, result in _walk(ctx, stages, record, force, watch)}
    except SessionLostError:
        raise  # nothing can be recorded without a session; the run's row stays `running`
    except BaseException as error:
        if _lost(ctx):
            raise SessionLostError("the run") from error
        record.end("failed", str(error) or type(error).__name__)
        raise
    refused = tuple(sentence for result in steps.values() for sentence in result.refused)
    state = "rejected" if refused else "done"
    record.end(state, "; ".join(refused) or None)
    return Report(ctx.run_id, state, steps, refused)


def _walk(
    ctx: Context, stages: Sequence[Stage], record: Record, force: bool, watch: Callable[[Stage, str, str], None]
) -> Iterator[tuple[Stage, StepResult]]:
    for stage in stages:
        watch(stage, "begins", "")
        started = ctx.clock()
        if not force and not stage.due(ctx):
            record.step(stage.name, started, "idle", StepResult())
            watch(stage, "idle", "")
            continue
        ctx.sign(stage.name)
        try:
            result = stage.run(ctx)
        except BaseException as error:
            if _lost(ctx):
                raise SessionLostError(stage.name) from error
            record.step(stage.name, started, "failed", StepResult(), str(error) or type(error).__name__)
            raise
        record.step(stage.name, started, "done", result)
        watch(stage, "done", result.note)
        yield stage, result


def _lost(ctx: Context) -> bool:
    return ctx.tables.touched and not alive(ctx.spark)
