from __future__ import annotations

import json
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from lakehouse_nlp import flow
from lakehouse_nlp.cli import render
from lakehouse_nlp.core.context import StepResult
from lakehouse_nlp.silver.replay import Replayed

pytestmark = pytest.mark.unit

WHEN = datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""), ("", ""), ("text", "text"), (True, "True"), (False, "False"),
        (0, "0"), (1234567, "1,234,567"), (-1234, "-1,234"),
        (0.0, "0"), (0.5, "0.5"), (0.94961, "0.9496"), (100.0, "100"), (1234.5, "1,234.5"), (-0.25, "-0.25"),
        (Decimal("1.50"), "1.50"), (date(2024, 1, 2), "2024-01-02"), (WHEN, "2024-01-02 03:04:05+00:00"),
        (["a", 1], "['a', 1]"),
    ],
)  # fmt: skip
def test_a_cell(value: Any, shown: str) -> None:
    assert render.cell(value) == shown


def test_a_table_has_its_numbers_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    render.table(["name", "rows"], [("gold", 12345), ("ops", None), ("[b]x", 5)], title="tables")
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "tables", "name    rows", "gold  12,345", "ops", "[b]x       5"
    ]  # fmt: skip


def test_rows_as_csv_are_quoted_where_need_be_and_null_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    render.rows(["id", "text"], [(1, 'a, "b"'), (None, "ü\nx")], "csv")
    assert capsys.readouterr().out == 'id,text\n1,"a, ""b"""\n,"ü\nx"\n'


def test_rows_as_json_are_objects_of_values_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    render.rows(["n", "at", "text"], [(1234, WHEN, "ü"), (None, None, None)], "json")
    out = capsys.readouterr().out
    assert "ü" in out
    assert json.loads(out) == [
        {"n": 1234, "at": "2024-01-02 03:04:05+00:00", "text": "ü"},
        {"n": None, "at": None, "text": None},
    ]


@pytest.mark.parametrize("form", ["csv", "json", "table"])
def test_an_answer_without_rows_is_one_too(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    render.rows(["a", "b"], [], form)
    out = capsys.readouterr().out
    assert out == {"csv": "a,b\n", "json": "[]\n"}.get(form, out)


def test_an_empty_plan_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    render.plan([], as_json=False)
    render.plan([], as_json=True)
    assert capsys.readouterr().out == "nothing to do\n[]\n"


def test_a_plan_tells_what_will_be_from_what_may_be(capsys: pytest.CaptureFixture[str]) -> None:
    steps = [flow.Step(flow.STAGES[0], "1 file in raw/"), flow.Step(flow.STAGES[3], "follows gold", certain=False)]
    render.plan(steps, as_json=False)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["stage", "why"],
        ["ingest", "will", "1", "file", "in", "raw/"],
        ["train", "may", "follows", "gold"],
    ]
    render.plan(steps, as_json=True)
    assert json.loads(capsys.readouterr().out)[1] == {
        "stage": "train", "why": "follows gold", "certain": False, "does": flow.STAGES[3].does
    }  # fmt: skip


def test_what_was_refused_is_talk_and_not_data(capsys: pytest.CaptureFixture[str]) -> None:
    report = flow.Report("run-1", "rejected", {"ingest": StepResult(1, 2, 3, {"bronze": 4}, "n")}, ("a.csv: empty",))
    render.report(report, as_json=False)
    assert capsys.readouterr() == ("run run-1: rejected\n", "refused: a.csv: empty\n")
    render.report(report, as_json=True)
    assert json.loads(capsys.readouterr().out)["steps"]["ingest"]["versions"] == {"bronze": 4}


def test_an_idle_run_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    render.report(flow.Report("run-1", "idle"), as_json=False)
    assert capsys.readouterr() == ("nothing to do: nothing was started, nothing was written\n", "")


def test_what_a_replay_did_is_told_in_words_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = Replayed("run-1", 1200, 1199, {"range(stars)": 1})
    render.replayed(found, as_json=False)
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == "1,200 rows judged again: 1,199 pass and went to silver"
    assert [line.split() for line in said.out.splitlines()[1:]] == [
        ["rule", "rows", "that", "stay"],
        ["range(stars)", "1"],
    ]
    assert said.err == "next: lakehouse-nlp run\n"
    render.replayed(Replayed("run-1", 2, 2, {}, dry_run=True), as_json=False)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("2 rows judged again: 2 pass and would go to silver\n", "")
    render.replayed(found, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "run_id": "run-1", "judged": 1200, "released": 1199, "stay": {"range(stars)": 1}, "dry_run": False
    }  # fmt: skip


def test_what_steps_used_is_shown_with_prices_only_where_there_are_some(capsys: pytest.CaptureFixture[str]) -> None:
    step = {
        "stage": "gold", "state": "done", "rows_per_second": 2000, "cpu_seconds": 12.345, "peak_bytes": 1_500_000_000,
        "bytes_read": 20_400_000, "bytes_written": None, "price": None, "price_per_million": None,
    }  # fmt: skip
    render.used([step, {**step, "stage": "train", "state": "idle"}], "EUR")
    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["stage", "rows/s", "CPU", "s", "peak", "MB", "MB", "read", "MB", "written"],
        ["gold", "2,000", "12.3", "1,500", "20", "0"],
    ]
    render.used([{**step, "price": 0.0125, "price_per_million": 6.25}], "EUR")
    said = capsys.readouterr().out.splitlines()[1:]
    assert said[0].endswith("EUR  for 1M rows")
    assert said[1].split()[-2:] == ["0.0125", "6.25"]
    render.used([{**step, "cpu_seconds": None}], "EUR")  # a run of an earlier release
    assert capsys.readouterr().out == ""
