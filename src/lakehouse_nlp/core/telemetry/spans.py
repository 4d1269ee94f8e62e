"""OpenTelemetry traces: a span for a run, below it one for each step, and below that one for each try.

The standard's own variables say where they go (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER …), as what whom
(OTEL_SERVICE_NAME), how many (OTEL_TRACES_SAMPLER) and below which span of a caller's (TRACEPARENT). A provider that
the process has set up is taken as it is.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lakehouse_nlp import __version__
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.hush import hush
from lakehouse_nlp.core.telemetry.observer import Observer, Try

if TYPE_CHECKING:
    from opentelemetry.context import Context as Around
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
OURS = "lakehouse_nlp"
SERVICE = "lakehouse-nlp"
WELL = ("done", "rejected", "idle", "running")  # the last: another process goes on with it
FLUSHED_WITHIN = 5_000  # milliseconds for the last spans


def asked_for() -> bool:
    """Whether the variables, or the process, say where spans go."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = os.environ.get("OTEL_TRACES_EXPORTER")
    if exporter == "none":
        return False
    return bool(exporter or any(os.environ.get(name) for name in ENDPOINTS) or _of_the_process())


class Spans(Observer):
    """Makes the spans of one run."""

    name = "OpenTelemetry"

    def __init__(self, ctx: Context, provider: TracerProvider | None = None) -> None:
        """`provider`: of the spans; the process's, or one by the variables, if it is left out."""
        self._ctx, self._given = ctx, provider
        self._run: Span | None = None
        self._step: Span | None = None
        self._try: Span | None = None
        self._stage, self._last = "", 0
        self._current: tuple[int, Any] | None = None

    def run_begins(self, stages: Sequence[str], started: datetime) -> None:
        """Begins the run's span."""
        hush("opentelemetry", level=50)  # what cannot be sent is said once, by us
        ctx = self._ctx
        about = {"project": ctx.settings.project, "run_id": ctx.run_id, "env": ctx.env, "stages": list(stages)}
        self._run = self._begun(f"run {ctx.settings.project}", started, _caller(), about)

    def try_begins(self, stage: str, number: int, started: datetime) -> None:
        """Begins the span of a try, and with the first of a stage that of the step. Others' spans come below it."""
        from opentelemetry import context

        around = self._open(stage, started)
        self._try = self._begun(f"{stage} try {number}", started, around, {"stage": stage, "attempt": number})
        self._current = threading.get_ident(), context.attach(_below(self._try))

    def try_ends(self, ended: Try) -> None:
        """Ends the span of a try, with what it did and used."""
        if ended.state == "idle" and self._stage != ended.stage:
            return
        if self._try is None:  # it failed when it was asked whether there is work
            self.try_begins(ended.stage, ended.number, ended.started)
        self._leave()
        rows = {f"rows.{name}": getattr(ended.result, name) for name in ("read", "written", "rejected")}
        used = {name: value for name, value in (vars(ended.used) if ended.used else {}).items() if value is not None}
        self._last = _nanoseconds(ended.ended)
        for span, fault in ((self._try, ended.fault), (self._step, None)):
            if span:
                _set(span, {**rows, **used})
                _end_of(span, ended.state, fault)
        if self._try:
            self._try.end(self._last)
        self._try = None

    def run_ends(self, state: str, ended: datetime, fault: BaseException | None) -> None:
        """Ends what is open, and sends what waits."""
        self._close()
        if self._run:
            _end_of(self._run, state, fault)
            self._run.end(_nanoseconds(ended))
        self._provider.force_flush(FLUSHED_WITHIN)
        if self._given is None and _of_the_process() is None:
            self._provider.shutdown()

    @cached_property
    def _provider(self) -> TracerProvider:
        return self._given or _of_the_process() or _by_variables(self._ctx)

    def _open(self, stage: str, started: datetime) -> Around:
        """Below which span a try of the stage comes: that of its step, which begins with the first."""
        if self._stage != stage or self._step is None:
            self._close()
            around = _below(self._run) if self._run else None
            self._stage, self._step = stage, self._begun(stage, started, around, {"stage": stage})
        return _below(self._step)

    def _close(self) -> None:
        """Ends the span of the step that is open, when its last try did."""
        if self._step:
            self._step.end(self._last)
        self._stage, self._step = "", None

    def _begun(self, name: str, at: datetime, around: Around | None, about: dict[str, Any]) -> Span:
        tracer = self._provider.get_tracer(OURS, __version__)
        return tracer.start_span(
            name,
            around,
            start_time=_nanoseconds(at),
            attributes={f"{OURS}.{key}": value for key, value in about.items()},
        )

    def _leave(self) -> None:
        """The span of the try is no more what others' spans come below; only its own thread can say so."""
        from opentelemetry import context

        if self._current and self._current[0] == threading.get_ident():
            context.detach(self._current[1])
        self._current = None


def _of_the_process() -> TracerProvider | None:
    """The provider that somebody has set up for this process; asking imports nothing."""
    if "opentelemetry.sdk.trace" not in sys.modules:
        return None
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    found = trace.get_tracer_provider()
    return found if isinstance(found, TracerProvider) else None


def _by_variables(ctx: Context) -> TracerProvider:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    resource = Resource.create({"service.version": __version__, **({} if named else {"service.name": SERVICE})})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_saying(ctx, _exporter())))
    return provider


def _exporter() -> SpanExporter:
    if os.environ.get("OTEL_TRACES_EXPORTER") == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


def _saying(ctx: Context, exporter: SpanExporter) -> SpanExporter:
    """The exporter, with a word to people the first time that it could not send."""
    from opentelemetry.sdk.trace.export import SpanExportResult

    export = exporter.export
    told: list[bool] = []

    def exported(spans: Any) -> SpanExportResult:
        result = export(spans)
        if result is SpanExportResult.FAILURE and not told:
            told.append(True)
            ctx.say("OpenTelemetry: spans could not be sent; the run goes on without it")
        return result

    exporter.export = exported  # type: ignore[method-assign]
    return exporter


def _caller() -> Around | None:
    """The span of whoever started the process, by the variables of W3C's Trace Context."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    names = ("traceparent", "tracestate")
    told = {name: value for name in names if (value := os.environ.get(name.upper()))}
    return TraceContextTextMapPropagator().extract(told) if told else None


def _below(span: Span) -> Around:
    from opentelemetry import trace

    return trace.set_span_in_context(span)


def _set(span: Span, about: dict[str, Any]) -> None:
    span.set_attributes({f"{OURS}.{key}": value for key, value in about.items()})


def _end_of(span: Span, state: str, fault: BaseException | None) -> None:
    """State, and of an error its class: its words may hold values of rows."""
    from opentelemetry.trace import Status, StatusCode

    _set(span, {"state": state})
    if state in WELL:
        span.set_status(Status(StatusCode.OK))
    else:
        span.set_status(Status(StatusCode.ERROR, type(fault).__name__ if fault else state))
    if fault:
        span.set_attribute("error.type", f"{type(fault).__module__}.{type(fault).__qualname__}")


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1e6) * 1000
