"""The data's path: the stages in order, with what each reads and writes. `plan`, `run` and `status` walk this list."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakehouse_nlp.core import breaker, disk
from lakehouse_nlp.core.alerts import alert, resend
from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.errors import SessionLostError, TimedOutError, UsageError
from lakehouse_nlp.core.lease import lease
from lakehouse_nlp.core.limit import limited
from lakehouse_nlp.core.retry import can_pass, passing, retrying
from lakehouse_nlp.core.runs import Record, state_of, words_of
from lakehouse_nlp.core.stop import STOPS, stoppable
from lakehouse_nlp.report import write


@dataclass(frozen=True)
class Stage:
    """One stage: a folder of this package with `due(ctx) -> reason | None`, `size(ctx)` and `run(ctx) -> StepResult`.

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

    def size(self, ctx: Context) -> int:
        """How much waits for it, about: rows, and of ingest bytes. Needs no Spark."""
        found: int = self._module().size(ctx)
        return found

    def _module(self) -> Any:
        return importlib.import_module(f"lakehouse_nlp.{self.name}")


STAGES = (
    Stage("ingest", ("raw",), ("bronze", "ops.files"), "takes new files in, every row once"),
    Stage("silver", ("bronze",), ("silver", "quarantine", "ops.checks"), "checks, cleans, keeps one row a key"),
    Stage("gold", ("silver", "labels"), ("gold",), "makes tokens with Spark NLP, splits the rows"),
    Stage("train", ("gold",), ("candidate",), "trains a candidate, logged to MLflow", follows=False),
    Stage("register", ("candidate",), ("champion", "ops.model_events"), "judges it at the gate", follows=False),
    Stage(
        "score",
        ("gold", "champion"),
        ("predictions", "ops.model_events", "ops.actions"),
        "scores what the champion has not seen, unless monitoring blocks it",
    ),
    Stage(
        "monitor",
        ("predictions", "ops.files"),
        ("ops.metrics", "ops.windows", "ops.drift"),
        "counts and judges what was scored, files and steps",
    ),
)
NAMES = tuple(stage.name for stage in STAGES)


Watch = Callable[[Stage, str, str], None]


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
    watch: Watch | None = None,
    attempt: int | None = None,
) -> Report:
    """Runs what is due of the named stages, in order; `force` runs them all.

    One run of a project goes on at a time; another waits. `watch` is told of each stage: "begins", then "idle" or
    "done", and a line about it. With nothing to do, nothing is started and nothing written. Faults that can pass are
    tried again, and a step whose time is over is ended, by the settings of `runs`. Without room on the disk no step
    begins. Raises what a stage raised in the end, after recording it; Ctrl-C and SIGTERM are recorded, too. Raises
    BlockedError where too many runs before it failed.

    `attempt`: an orchestrator makes the tries, and this is its so manieth. A fault that can pass is raised as
    PassingError while tries are left: nobody is told, and the run goes on with the next one.
    """
    stages = chosen(names)
    ctx.ready()
    breaker.refuse(ctx)
    again = attempt is not None and attempt > 1  # whose run says that it goes on, whether or not there is work left
    if not force and not _work(ctx, names, attempt) and not again:
        return Report(ctx.run_id, "idle")
    with lease(ctx) as waited:
        if waited and not force and not _work(ctx, names, attempt) and not again:
            return Report(ctx.run_id, "idle")
        ctx.sign("run")
        breaker.trip(ctx)  # which the run that failed last may have been killed before
        breaker.refuse(ctx)
        return _recorded(ctx, stages, force, watch or (lambda *_: None), attempt)


def _work(ctx: Context, names: Sequence[str], attempt: int | None) -> bool:
    """Whether there is work. A server that knows and does not answer is asked again for a while; nothing is started."""
    try:
        for trying in retrying(ctx, "plan", attempt):
            with trying:
                found = plan(ctx, names)
    except Exception as error:
        if later := passing(ctx, error, attempt):
            raise later from error
        if can_pass(error):
            _tell(ctx, error, f"lakehouse-nlp plan --project {ctx.settings.project}")  # there is no run to show
        raise
    return bool(found)


def _recorded(ctx: Context, stages: Sequence[Stage], force: bool, watch: Watch, attempt: int | None) -> Report:
    record = Record(ctx, tuple(stage.name for stage in stages))
    with stoppable(ctx.cancel):
        try:
            record.begin()
            disk.guard(ctx, ingest="ingest" in record.stages)
            steps = {stage.name: result for stage, result in _walk(ctx, stages, record, force, watch, attempt)}
        except BaseException as error:
            if later := passing(ctx, error, attempt):
                record.pause()
                raise later from error
            record.fail(error)
            _tell(ctx, error)
            if state_of(error) in breaker.FAILED:
                _write_report(ctx)
            raise
    refused = tuple(sentence for result in steps.values() for sentence in result.refused)
    state = "rejected" if refused else "done"
    record.end(state, "; ".join(refused) or None)
    resend(ctx)
    _write_report(ctx)
    return Report(ctx.run_id, state, steps, refused)


def _tell(ctx: Context, error: BaseException, then: str | None = None) -> None:
    """Whom a run that failed concerns is told, with the command to begin with (`then`); nothing that goes wrong with it
    hides why the run failed.
    """
    try:
        ctx.sign("run")
        if state_of(error) in breaker.FAILED and ctx.settings.alerts.operators:
            project, reason = ctx.settings.project, words_of(error)
            then = then or f"lakehouse-nlp runs show {ctx.run_id} --project {project}"
            alert(ctx, "error", f"{project} {state_of(error)}: {reason}", then, key=f"{state_of(error)} {reason}")
        breaker.trip(ctx)
    except Exception as fault:
        ctx.say(f"the failure could not be passed on: {fault}")


def _write_report(ctx: Context) -> None:
    """The run's page, where the settings ask for it; nothing that goes wrong with it is a fault of the run."""
    if ctx.settings.runs.report:
        try:
            ctx.say(f"report: {write(ctx, ctx.run_id).path}")
        except Exception as fault:
            ctx.say(f"the report could not be written: {fault}")


def _walk(
    ctx: Context, stages: Sequence[Stage], record: Record, force: bool, watch: Watch, attempt: int | None
) -> Iterator[tuple[Stage, StepResult]]:
    for stage in stages:
        watch(stage, "begins", "")
        for trying in retrying(ctx, stage.name, attempt):
            with trying:
                result = _step(ctx, stage, record, force, attempt or trying.retry_state.attempt_number)
        if result is None:
            watch(stage, "idle", "")
        else:
            watch(stage, "done", result.note)
            yield stage, result


def _step(ctx: Context, stage: Stage, record: Record, force: bool, number: int) -> StepResult | None:
    """One try of a stage; None where nothing is due (any more: the try before may have done it and not come back)."""
    started, result = ctx.clock(), None

    def end(state: str, error: BaseException | None = None) -> None:
        record.step(stage.name, started, state, result or StepResult(), error, number)

    def leave(error: BaseException) -> None:
        end(state_of(error), error)
        record.fail(error)

    try:
        with limited(stage.name, ctx.settings.runs.limit(stage.name), ctx.cancel, leave):
            if force or stage.due(ctx):
                record.begins(stage.name, number)
                ctx.sign(stage.name)
                ctx.group(stage.name)
                result = stage.run(ctx)
    except BaseException as error:
        found = error
        if isinstance(error, (TimedOutError, *STOPS)):
            ctx.reconnect()
        if not isinstance(error, STOPS) and ctx.lost:
            renewed = ctx.renew()
            found = error if isinstance(error, TimedOutError) else SessionLostError(stage.name, renewed=renewed)
        end(state_of(found), found)
        if found is error:
            raise
        raise found from error
    end("done" if result else "idle")
    return result
