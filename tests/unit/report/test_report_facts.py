"""The facts of a run, from tables that are written here as runs write them: by delta-rs, without a JVM."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lakehouse_nlp.cli import render
from lakehouse_nlp.core import history
from lakehouse_nlp.core.alerts import _link
from lakehouse_nlp.core.card import CARD, Section, as_json
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.pages import data_docs, report_page
from lakehouse_nlp.report import queries, write
from lakehouse_nlp.report.facts import Broken, Facts
from lakehouse_nlp.report.reading import gather
from lakehouse_nlp.status import status

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
Row = dict[str, Any]
NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)


def _at(number: int, **more: Any) -> Row:
    return {"project": "tiny", "run_id": f"run-{number}", **more, "recorded_at": NOON + timedelta(days=number)}


def _run(number: int, state: str = "done", error: str | None = None, project: str = "tiny") -> Row:
    began = NOON + timedelta(days=number)
    return _at(
        number, state=state, env="local", stages="ingest silver score", code="0.1.0", started_at=began,
        ended_at=None if state == "running" else began + timedelta(seconds=90), error=error,
    ) | {"project": project}  # fmt: skip


def _step(number: int, stage: str, versions: dict[str, int], state: str = "done", **more: Any) -> Row:
    began = NOON + timedelta(days=number)
    return _at(
        number, stage=stage, state=state, started_at=began, ended_at=began + timedelta(seconds=2),
        versions=json.dumps(versions), note="", error=None, cpu_seconds=1.5, peak_bytes=10**9, bytes_read=10**6,
        bytes_written=10**6, tries=1, **{"price": 0.25, "read": 100, "written": 90, "rejected": 0, **more},
    )  # fmt: skip


def _file(number: int, name: str, state: str, **more: Any) -> Row:
    usual = dict.fromkeys(("rows", "set_aside", "late", "reader", "failed", "found", "wanted"))
    return _at(number, file_hash=name, name=name, purpose="train", state=state, bytes=1000, **{**usual, **more})


def _check(number: int, rule: str, outcome: str, share: float | None = None, after: int = 0) -> Row:
    row = _at(number, rule=rule, action="quarantine", read=100, broken=1, share=share, tolerance=0.0, outcome=outcome,
              found="f")  # fmt: skip
    return row | {"recorded_at": row["recorded_at"] + timedelta(seconds=after)}


def _aside(number: int, rule: str, place: int, state: str = "open", raw: str = "raw") -> Row:
    reasons = [{"rule": rule, "message": f"{rule} is broken", "run_id": f"run-{number}", "fingerprint": "f"}]
    return {"reasons": reasons, "state": state, "run_id": f"run-{number}", "_file": "a.csv", "_line": place + 1,
            "_row": place, "raw": raw}  # fmt: skip


def _event(number: int, version: int, event: str, alias: str, metrics: Row) -> Row:
    return _at(number, model="tiny", version=version, event=event, alias=alias, reasons='["passed: all"]',
               metrics=json.dumps(metrics), who=None)  # fmt: skip


def _verdict(number: int, subject: str, value: float | None, model: str | None = "tiny/1", window: str = "") -> Row:
    state = "not judged" if value is None else "drifted" if value > 0.1 else "stable"
    return _at(
        number, model=model, window_id=window or f"run-{number}", kind="inputs" if model else "data", subject=subject,
        method="psi", against="training", rows=100, value=value, bound=None if value is None else 0.1, state=state,
        found=f"{subject} {value}",
    )  # fmt: skip


OPS: dict[str, list[Row]] = {
    "runs": [_run(1), _run(2), _run(3, "failed", "no\n  next: mend it"), _run(9, project="other")],
    "steps": [
        _step(1, "ingest", {"bronze": 0}, written=100),
        _step(1, "silver", {"silver": 0, "quarantine": 0}, rejected=5),
        _step(1, "score", {"predictions": 0}, price=None),
        _step(2, "ingest", {"bronze": 1}, written=50),
        _step(2, "silver", {"silver": 1, "quarantine": 0}, read=50, rejected=1),
        _step(3, "ingest", {}, "failed", written=0),
    ],
    "files": [
        _file(2, "b.csv", "claimed"),
        _file(2, "b.csv", "loaded", rows=50) | {"recorded_at": NOON + timedelta(days=2, seconds=1)},
        _file(2, "a.csv", "rejected", failed="size", found="0 bytes", wanted="1 or more"),
        _file(1, "c.csv", "loaded"),
    ],
    "checks": [
        _check(2, "a", "passed", 0.0),
        _check(2, "b", "failed", 0.01),
        _check(2, "c", "failed", 0.2),
        _check(2, "d", "passed", 0.0),
        _check(2, "d", "tolerated", 0.1, after=1),
        _check(1, "e", "failed"),
    ],
    "schema_changes": [
        _at(2, table_name="silver", column_name="extra", type="string", change="added", file="b.csv", found=None)
    ],
    "model_events": [
        _event(1, 1, "promoted", "champion", {"rows": 10, "roc_auc": 0.9}),
        _event(2, 2, "refused", "challenger", {"rows": 10, "roc_auc": 0.8}),
        _event(3, 3, "promoted", "champion", {"rows": 10, "roc_auc": 0.95}),
    ],
    "drift": [
        _verdict(1, "price", 0.02),
        _verdict(2, "price", 0.03),
        _verdict(2, "price", 0.3) | {"recorded_at": NOON + timedelta(days=2, seconds=1)},
        _verdict(2, "title", None),
        _verdict(2, "price", 0.9, model="tiny/2"),
        _verdict(3, "price", 0.4),
        _verdict(2, "files: rows", 0.05, model=None),
    ],
    "alerts": [
        _at(2, severity="error", reason="r", next="n", contact="operators", key="k", outcome=outcome, raised_at=NOON)
        | {"recorded_at": NOON + timedelta(seconds=after)}
        for after, outcome in enumerate(("failed", "sent"))
    ],
}


def _write(ctx: Context, table: str, rows: list[Row], mode: Any = "error") -> None:
    schema = pa.Table.from_pylist(rows).schema
    nulls = [(f.name, pa.string() if pa.types.is_null(f.type) else f.type) for f in schema]
    write_deltalake(str(ctx.tables.path(table)), pa.Table.from_pylist(rows, pa.schema(nulls)), mode=mode)


@pytest.fixture
def ctx(home: Path, make_context: MakeContext) -> Context:
    ctx = make_context(home, cost={"currency": "EUR", "hour": 1})
    for table, rows in OPS.items():
        _write(ctx, f"ops.{table}", rows)
    for table in ("bronze", "silver", "predictions"):
        _write(ctx, table, [{"n": n} for n in range(100)])
    _write(ctx, "bronze", [{"n": n} for n in range(50)], "append")
    _write(ctx, "bronze", [{"n": n} for n in range(7)], "append")  # by a run after it
    _write(ctx, "silver", [{"n": n} for n in range(40)], "append")
    aside = [_aside(2, "price", k, raw=f"{k}: " + "x" * 600) for k in range(5)] + [_aside(2, "title", 7)]
    _write(ctx, "quarantine", [*aside, _aside(2, "gone", 8, "released"), _aside(1, "title", 9)])
    return ctx


@pytest.fixture
def found(ctx: Context) -> Facts:
    return gather(ctx, "run-2")


def test_a_run_is_told_with_its_steps_and_the_rows_that_it_left(found: Facts) -> None:
    assert (found.run.state, found.run.seconds, found.run.started_at) == ("done", 90.0, NOON + timedelta(days=2))
    assert [(step.stage, step.written, step.rejected) for step in found.steps] == [("ingest", 50, 0), ("silver", 90, 1)]
    assert found.rows == {"bronze": 150, "silver": 140, "quarantine": 8, "predictions": 100}
    assert (found.currency, found.metric, found.blocked) == ("EUR", "roc_auc", None)


def test_files_and_checks_are_told_by_their_last_word_those_in_trouble_first(found: Facts) -> None:
    assert [(file.name, file.state, file.found) for file in found.files] == [
        ("a.csv", "rejected", "0 bytes"),
        ("b.csv", "loaded", None),
    ]
    assert found.came == {"rejected": 1, "loaded": 1}
    assert [check.rule for check in found.checks] == ["c", "b", "d", "a"]
    assert [(each.column, each.change) for each in found.changes] == [("extra", "added")]
    assert [(alert.reason, alert.outcome) for alert in found.alerts] == [("r", "sent")]


def test_rows_set_aside_are_counted_by_rule_and_a_few_are_shown_in_part(found: Facts) -> None:
    assert found.broken == [Broken("price", 5, 5), Broken("title", 1, 2)]
    assert [(example.rule, example.line) for example in found.examples] == [
        ("price", 1), ("price", 2), ("price", 3), ("title", 8)
    ]  # fmt: skip
    first = found.examples[0]
    assert (len(first.raw), first.length, first.message) == (queries.CUT, 603, "price is broken")


def test_the_champion_is_that_of_the_run_and_not_of_today(ctx: Context, found: Facts) -> None:
    assert found.model is not None
    assert (found.model.version, found.model.test["roc_auc"], found.model.card) == (1, 0.9, ())
    assert [(event.version, event.event, list(event.reasons)) for event in found.events] == [
        (2, "refused", ["passed: all"])
    ]
    later = gather(ctx, "run-3").model
    assert later is not None
    assert later.version == 3
    assert [past.figure for past in gather(ctx, "run-3").past] == [0.9, 0.9, 0.95]


def test_the_card_is_read_from_the_copy_of_the_version(ctx: Context) -> None:
    for name, number in (("v1.0", 11), ("v1.1", 1)):
        folder = ctx.folder / "models" / name
        (folder / "model").mkdir(parents=True)
        (folder / "card").mkdir()
        (folder / "model/registered_model_meta").write_text(f"model_name: tiny\nmodel_version: '{number}'\n")
        kept = {
            "test": {"roc_auc": 0.9},
            "intervals": {"roc_auc": [0.8, number]},
            "calibration": {"good": [[0.1, 0.2, 3]]},
        }
        (folder / "metrics.json").write_text(json.dumps(kept))
        (folder / "card" / CARD).write_text(as_json([Section(f"of {number}", ["one"], [["a", "b"]])]))
    model = gather(ctx, "run-2").model
    assert model is not None
    assert (model.version, model.intervals["roc_auc"], model.calibration["good"]) == (1, [0.8, 1], [[0.1, 0.2, 3]])
    assert [(part.title, list(part.says), list(map(list, part.table))) for part in model.card] == [
        ("of 1", ["one"], [["a", "b"]])
    ]


def test_what_is_watched_is_of_the_champion_by_its_last_word_on_each_window(found: Facts) -> None:
    told = {each.subject: [(w.window, w.value, w.state) for w in each.windows] for each in found.drift}
    assert told == {
        "price": [("run-1", 0.02, "stable"), ("run-2", 0.3, "drifted")],
        "title": [("run-2", None, "not judged")],
    }
    assert [each.subject for each in found.history] == ["files: rows"]
    assert found.drift[0].ratio == pytest.approx(3)


def test_the_last_runs_are_those_up_to_this_one(found: Facts) -> None:
    told = [(p.id, p.taken, p.judged, p.aside, p.scored, p.price, p.cpu_seconds) for p in found.past]
    assert told == [("run-1", 100, 100, 5, 90, 0.5, 4.5), ("run-2", 50, 50, 1, None, 0.5, 3.0)]
    assert found.past[0].share_aside == 0.05


def test_a_run_of_an_earlier_release_has_facts_too(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home)
    used = {"cpu_seconds", "peak_bytes", "bytes_read", "bytes_written", "price", "tries"}  # of later releases
    steps = [{name: value for name, value in step.items() if name not in used} for step in OPS["steps"]]
    _write(ctx, "ops.runs", OPS["runs"])
    _write(ctx, "ops.steps", steps)
    bare = gather(ctx, "run-3")
    assert (bare.run.error, bare.model, bare.files, bare.drift, bare.rows) == ("no\n  next: mend it", None, [], [], {})
    assert [(past.taken, past.price) for past in bare.past] == [(100, None), (50, None), (None, None)]


def test_the_page_is_written_beside_those_of_other_runs_and_links_to_them(ctx: Context) -> None:
    first = write(ctx, "run-1")
    assert first.path == report_page(ctx, "run-1") == ctx.folder / "reports/run-1.html"
    docs = data_docs(ctx)
    docs.parent.mkdir(parents=True)
    docs.touch()
    last = write(ctx)
    assert last.run_id == "run-3"
    text = last.path.read_text(encoding="utf-8")
    assert 'href="run-1.html"' in text
    assert "run-2.html" not in text
    elsewhere = write(ctx, "run-2", ctx.home / "a place" / "page.html").path.read_text(encoding="utf-8")
    assert 'href="../lake/tiny/reports/run-1.html"' in elsewhere
    assert 'href="../lake/tiny/quality/gx/uncommitted/data_docs/local_site/index.html"' in elsewhere
    assert not list(ctx.home.rglob("*.half"))


def test_a_page_that_cannot_be_is_refused_with_a_next_step(
    ctx: Context, tmp_path: Path, make_context: MakeContext
) -> None:
    with pytest.raises(UsageError, match="tiny had no run 'run-7'"):
        write(ctx, "run-7")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written") as refused:
        write(ctx, "run-1", tmp_path / "file" / "page.html")
    assert "--to FILE" in refused.value.hint
    with pytest.raises(UsageError, match="never never ran") as never:
        write(make_context(tmp_path, project="never"))
    assert never.value.hint == "lakehouse-nlp run --project never"


def test_status_and_runs_lead_to_the_page(ctx: Context, capsys: pytest.CaptureFixture[str]) -> None:
    assert history.run(ctx, "run-2")["report"] is None
    page = str(write(ctx, "run-2").path)
    render.run(history.run(ctx, "run-2"), as_json=False)
    assert capsys.readouterr().out.endswith(f"\nreport: {page}\n")
    assert history.run(ctx, "run-2")["report"] == page
    render.status(status(ctx), as_json=False)  # the last run has none yet
    assert capsys.readouterr().out.endswith("\nreport: lakehouse-nlp report\n")


def test_an_alert_leads_to_the_page_where_runs_write_one(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, runs={"report": True})
    assert _link(ctx, "run-1") == report_page(ctx, "run-1").resolve().as_uri()
    named = {"run_url": "https://x/{project}/reports/{run_id}.html"}
    assert (
        _link(make_context(home, runs={"report": True}, alerts=named), "run-1") == "https://x/tiny/reports/run-1.html"
    )
    assert _link(make_context(home), "run-1") == ""
