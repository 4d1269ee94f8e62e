"""OpenLineage events of a run, sent by the standard's client to a server on loopback, and to a file."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from openlineage.client import event_v2
from openlineage.client.generated import base
from pydantic import ValidationError

from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.lineage import Edge
from lakehouse_nlp.core.telemetry import Try, observers
from lakehouse_nlp.core.telemetry.openlineage import asked_for

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
SECRET = "review R17: my address is Main Street 1"


class Sink(ThreadingHTTPServer):
    """A server that keeps what it is sent, and answers what it is told to."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str | None]] = []
        self.answer = 200

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sink: Any = self.server
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.events.append(json.loads(body))
                sink.asked.append((self.path, self.headers.get("Authorization")))
                self.send_response(sink.answer)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("OPENLINEAGE")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def _run(ctx: Context) -> None:
    """Ingest and gold end well, score fails, and a second try is stopped by a person."""
    edges = [
        Edge("run-1", "gold", "table", "tiny.gold", "id", 4, 90, False, "table", "tiny.silver", 7, NOON),
        Edge("run-1", "gold", "table", "tiny.gold", "id", 4, 90, False, "table", "tiny.labels", 2, NOON),
    ]
    brought = Edge("run-1", "ingest", "table", "tiny.bronze", "id", 1, 12, False, "files", "tiny.raw", 3, NOON)
    scored = Edge("run-1", "score", "table", "tiny.predictions", "id", 1, None, False, "model", "tiny", 5, NOON)
    told = observers(ctx)
    told.run_begins(["ingest", "gold", "score"], NOON)
    for number, (stage, state, fault, made) in enumerate([
        ("ingest", "done", None, [brought]),
        ("gold", "done", None, edges),
        ("score", "failed", DataError(SECRET), [scored]),
        ("score", "cancelled", KeyboardInterrupt(), []),
    ]):  # fmt: skip
        at = NOON + timedelta(minutes=number)
        told.try_begins(stage, number, at)
        told.try_ends(Try(stage, number, state, at, at + timedelta(seconds=9), StepResult(), None, fault, made))
    told.try_ends(Try("monitor", 1, "idle", NOON, NOON, StepResult()))
    told.run_ends("cancelled", NOON + timedelta(hours=1), KeyboardInterrupt())


@pytest.fixture
def ctx(home: Path, make_context: MakeContext, sink: Sink) -> Context:
    ctx = make_context(home, lineage={"openlineage": sink.url})
    rows = pa.table({"key": ["a"], "n_tokens": [1], "tokens": [["a"]]})
    write_deltalake(str(ctx.tables.path("gold")), rows)
    return ctx


def test_each_try_begins_and_ends_as_the_standard_has_it(ctx: Context, sink: Sink) -> None:
    _run(ctx)
    assert [(event["eventType"], event["job"]["name"]) for event in sink.events] == [
        ("START", "tiny"),
        *[(kind, "tiny.ingest") for kind in ("START", "COMPLETE")],
        *[(kind, "tiny.gold") for kind in ("START", "COMPLETE")],
        *[(kind, "tiny.score") for kind in ("START", "FAIL", "START", "ABORT")],
        ("ABORT", "tiny"),
    ]
    assert {event["job"]["namespace"] for event in sink.events} == {"lakehouse-nlp"}
    ids = [event["run"]["runId"] for event in sink.events]
    assert ids[1:9:2] == ids[2:9:2]  # a try is one run from START to its end
    assert len(set(ids)) == 5
    above = {event["run"]["facets"]["parent"]["run"]["runId"] for event in sink.events[1:-1]}
    assert above == {ids[0]} == {ids[-1]}
    assert sink.events[4]["eventTime"] == "2024-05-01T12:01:09+00:00"
    assert set(sink.asked) == {("/api/v1/lineage", None)}
    _run(ctx)
    assert [event["run"]["runId"] for event in sink.events[10:]] == ids  # of the same run, the same ids


def test_datasets_have_their_place_version_columns_and_rows(ctx: Context, sink: Sink) -> None:
    _run(ctx)
    gold = sink.events[4]
    (made,) = gold["outputs"]
    assert (made["namespace"], made["name"]) == ("file", str(ctx.tables.path("gold")))
    assert made["facets"]["version"]["datasetVersion"] == "4"
    assert made["facets"]["symlinks"]["identifiers"][0]["name"] == "tiny.gold"
    columns = [(field["name"], field["type"]) for field in made["facets"]["schema"]["fields"]]
    assert columns == [("key", "string"), ("n_tokens", "long"), ("tokens", "array")]
    assert made["outputFacets"]["outputStatistics"]["rowCount"] == 90
    read = {each["name"]: each["facets"]["version"]["datasetVersion"] for each in gold["inputs"]}
    assert read == {str(ctx.tables.path("silver")): "7", str(ctx.tables.path("labels")): "2"}
    (files,) = sink.events[2]["inputs"]
    assert (files["name"], files["facets"]["version"]["datasetVersion"]) == (str(ctx.folder / "raw"), "3")
    failed = sink.events[6]
    assert (failed["inputs"][0]["namespace"], failed["inputs"][0]["name"]) == ("mlflow", "models:/tiny")
    assert "outputFacets" not in failed["outputs"][0] or failed["outputs"][0]["outputFacets"] == {}
    assert failed["run"]["facets"]["errorMessage"]["message"] == "DataError; lakehouse-nlp runs show run-1"
    assert SECRET not in json.dumps(sink.events)


def _facets(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    datasets = event["inputs"] + event["outputs"]
    for holder in (event["run"], event["job"], *datasets):
        yield from {**holder.get("facets", {}), **holder.get("outputFacets", {})}.values()


def test_events_are_what_the_client_s_classes_take(ctx: Context, sink: Sink) -> None:
    _run(ctx)
    from importlib import import_module
    from pkgutil import iter_modules

    import openlineage.client.generated as generated

    modules = [import_module(f"{generated.__name__}.{found.name}") for found in iter_modules(generated.__path__)]
    kinds = [kind for module in modules for kind in vars(module).values() if isinstance(kind, type)]
    known = {kind._get_schema(): kind for kind in kinds if issubclass(kind, base.BaseFacet)}
    seen = set()
    for event in sink.events:
        parts = {name: [base.Dataset(each["namespace"], each["name"]) for each in event[name]] for name in
                 ("inputs", "outputs")}  # fmt: skip
        made = event_v2.RunEvent(
            eventTime=event["eventTime"], producer=event["producer"], eventType=base.EventType[event["eventType"]],
            run=base.Run(event["run"]["runId"]), job=base.Job(event["job"]["namespace"], event["job"]["name"]), **parts,
        )  # fmt: skip
        assert made.schemaURL == event["schemaURL"]
        for facet in _facets(event):
            kind = known[facet["_schemaURL"]]
            fields = {name: value for name, value in facet.items() if not name.startswith("_")}
            kind(**fields, producer=facet["_producer"])
            seen.add(kind.__name__)
    assert seen >= {"SchemaDatasetFacet", "DatasetVersionDatasetFacet", "OutputStatisticsOutputDatasetFacet"}
    assert seen >= {"ParentRunFacet", "ErrorMessageRunFacet", "SymlinksDatasetFacet", "JobTypeJobFacet"}


def test_a_server_that_refuses_or_is_not_there_is_said_once_and_stops_nothing(
    home: Path, make_context: MakeContext, sink: Sink
) -> None:
    said: list[str] = []
    ctx = make_context(home, lineage={"openlineage": sink.url})
    ctx.say = said.append
    sink.answer = 403
    _run(ctx)
    assert said == ["OpenLineage: HTTPError; the run goes on without it"]
    assert len(sink.events) == 3  # it is given up
    gone = make_context(home, lineage={"openlineage": "http://127.0.0.1:9"})
    gone.say = said.append
    _run(gone)
    assert said[1:] == ["OpenLineage: ConnectionError; the run goes on without it"]


def test_a_file_gets_a_line_an_event_and_variables_of_the_client_count(
    home: Path, make_context: MakeContext, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = make_context(home, lineage={"openlineage": "events/run.jsonl", "namespace": "shop"})
    _run(ctx)
    _run(ctx)
    events = [json.loads(line) for line in (home / "events/run.jsonl").read_text().splitlines()]
    assert len(events) == 20
    assert {event["job"]["namespace"] for event in events} == {"shop"}
    assert sink.events == []
    for name, value in {"URL": sink.url, "API_KEY": "k-1", "ENDPOINT": "lineage", "NAMESPACE": "prod"}.items():
        monkeypatch.setenv(f"OPENLINEAGE_{name}", value)
    _run(make_context(home))
    assert set(sink.asked) == {("/lineage", "Bearer k-1")}
    assert {event["job"]["namespace"] for event in sink.events} == {"prod"}
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    _run(make_context(home))
    assert len(sink.events) == 10


@pytest.mark.parametrize("place", ["openlineage.yml", ".openlineage/openlineage.yml"])
def test_the_client_s_own_file_counts(
    home: Path, make_context: MakeContext, sink: Sink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not asked_for(make_context(home))
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(f"transport: {{type: http, url: '{sink.url}'}}")
    _run(make_context(home))
    assert len(sink.events) == 10


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("kafka://broker", "no place for events"),
        ("https://me:secret@lineage.example.com", "use OPENLINEAGE_API_KEY"),
        ("https://lineage.example.com?token=secret", "use OPENLINEAGE_API_KEY"),
        ("https://", "no place for events"),
    ],
)
def test_a_place_that_takes_no_events_or_holds_a_secret_is_refused(
    make_settings: Callable[..., Any], where: str, says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        make_settings(lineage={"openlineage": where})
