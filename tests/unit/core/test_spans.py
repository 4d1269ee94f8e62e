"""OpenTelemetry spans of a run: in memory, and as protobuf that a server on loopback is sent."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.cost import Usage
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.telemetry import Observers, Try, observers
from lakehouse_nlp.core.telemetry.spans import Spans, asked_for

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
TEXT = "I live in Main Street 1"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("OTEL_", "TRACE"))]:
        monkeypatch.delenv(name)


def _at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def _run(told: Observers | Spans, inside: Callable[[], None] = lambda: None) -> None:
    """Ingest is idle, silver fails once and then ends well, gold is out of time when asked whether there is work."""
    used, did = Usage(1.5, 10**9, 10**6, None), StepResult(12, 10, 2)
    told.run_begins(["ingest", "silver", "gold"], _at(0))
    told.try_ends(Try("ingest", 1, "idle", _at(0), _at(1), StepResult()))
    told.try_begins("silver", 1, _at(1))
    told.try_ends(Try("silver", 1, "failed", _at(1), _at(3), StepResult(), used, OSError(TEXT)))
    told.try_begins("silver", 2, _at(4))
    inside()
    told.try_ends(Try("silver", 2, "done", _at(4), _at(6.5), did, used))
    told.try_ends(Try("gold", 1, "failed", _at(7), _at(8), StepResult(), used, DataError(TEXT)))
    told.run_ends("failed", _at(9), DataError(TEXT))


def _seconds(span: ReadableSpan) -> tuple[float, float]:
    begin, end = span.start_time or 0, span.end_time or 0
    return begin / 1e9 - NOON.timestamp(), end / 1e9 - NOON.timestamp()


@pytest.fixture
def spans(home: Path, make_context: MakeContext) -> list[ReadableSpan]:
    """Those of one run, with one that a library made within the second try of silver."""
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))

    def library() -> None:
        provider.get_tracer("a library").start_span("a query").end()

    _run(Spans(make_context(home), provider), library)
    return list(kept.get_finished_spans())


def test_a_run_has_steps_and_a_step_has_tries(spans: list[ReadableSpan]) -> None:
    names = {span.context.span_id: span.name for span in spans if span.context}
    above = [(span.name, span.parent and names[span.parent.span_id], _seconds(span)) for span in spans]
    assert [each for each in above if each[0] != "a query"] == [
        ("silver try 1", "silver", (1, 3)),
        ("silver try 2", "silver", (4, 6.5)),
        ("silver", "run tiny", (1, 6.5)),
        ("gold try 1", "gold", (7, 8)),
        ("gold", "run tiny", (7, 8)),
        ("run tiny", None, (0, 9)),
    ]
    assert next(each[1] for each in above if each[0] == "a query") == "silver try 2"
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_spans_say_rows_bytes_and_state_and_no_words_of_errors(spans: list[ReadableSpan]) -> None:
    by = {span.name: span for span in spans}
    about = {
        name.removeprefix("lakehouse_nlp."): value for name, value in (by["silver try 2"].attributes or {}).items()
    }
    assert about == {
        "stage": "silver", "attempt": 2, "state": "done", "rows.read": 12, "rows.written": 10, "rows.rejected": 2,
        "cpu_seconds": 1.5, "peak_bytes": 10**9, "bytes_read": 10**6,
    }  # fmt: skip
    status = {name: span.status.status_code.name for name, span in by.items() if name != "a query"}
    assert status == {
        "silver try 1": "ERROR", "silver try 2": "OK", "silver": "OK", "gold try 1": "ERROR", "gold": "ERROR",
        "run tiny": "ERROR",
    }  # fmt: skip
    assert (by["run tiny"].attributes or {})["error.type"] == "lakehouse_nlp.core.errors.DataError"
    assert by["silver try 1"].status.description == "OSError"
    assert all(TEXT not in span.to_json() for span in spans)


class Collector(ThreadingHTTPServer):
    """A server that keeps the spans that it is sent."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.resources: list[dict[str, str]] = []
        self.spans: list[Any] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector: Any = self.server
                body = self.rfile.read(int(self.headers["Content-Length"]))
                body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                collector.asked.append((self.path, self.headers.get("x-team")))
                for found in ExportTraceServiceRequest.FromString(body).resource_spans:
                    told = {each.key: each.value.string_value for each in found.resource.attributes}
                    collector.resources.append(told)
                    collector.spans += [span for scope in found.scope_spans for span in scope.spans]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        yield server
        server.shutdown()


def test_the_standard_s_variables_say_where_spans_go_and_below_which(
    home: Path, make_context: MakeContext, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_address[1]}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=data")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    monkeypatch.setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    _run(observers(make_context(home)))
    assert set(collector.asked) == {("/v1/traces", "data")}
    assert sorted(span.name for span in collector.spans) == [
        "gold", "gold try 1", "run tiny", "silver", "silver try 1", "silver try 2",
    ]  # fmt: skip
    assert {span.trace_id.hex() for span in collector.spans} == {"0af7651916cd43dd8448eb211c80319c"}
    assert next(s.parent_span_id.hex() for s in collector.spans if s.name == "run tiny") == "b7ad6b7169203331"
    assert {each["service.name"] for each in collector.resources} == {"lakehouse-nlp"}
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop,team=data")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    sent = len(collector.spans)
    monkeypatch.delenv("TRACEPARENT")
    _run(observers(make_context(home)))
    assert len(collector.spans) == sent
    monkeypatch.delenv("OTEL_TRACES_SAMPLER")
    _run(observers(make_context(home)))
    assert (collector.resources[-1]["service.name"], collector.resources[-1]["team"]) == ("shop", "data")


def test_a_collector_that_is_not_there_is_said_once_and_stops_nothing(
    home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    said: list[str] = []
    ctx = make_context(home)
    ctx.say = said.append
    _run(observers(ctx))
    assert said == ["OpenTelemetry: spans could not be sent; the run goes on without it"]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("variables", "asked"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_spans_are_made_where_the_variables_ask_for_them(
    variables: dict[str, str], asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert asked_for() is asked


def test_what_nobody_asks_for_is_not_imported() -> None:
    code = """
import sys
from pathlib import Path
from lakehouse_nlp.core.telemetry import observers
import lakehouse_nlp.flow
class Ctx:
    class settings:
        class lineage: openlineage = None
observers(Ctx)
print([name for name in ("opentelemetry", "openlineage", "structlog") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
