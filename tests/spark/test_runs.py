"""The record of runs: what steps used, also in a lake that earlier releases made."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from acting import Put
from pyspark.sql import SparkSession

from lakehouse_nlp import flow
from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.history import last_run
from lakehouse_nlp.core.pages import report_page
from lakehouse_nlp.core.runs import USED, Record
from lakehouse_nlp.core.tables import ddl

pytestmark = pytest.mark.spark
MakeContext = Callable[..., Context]


def _ran(ctx: Context, rows: int) -> None:
    record = Record(ctx, ("gold",))
    started = ctx.clock()
    record.begin()
    record.step("gold", started, "done", StepResult(read=rows, written=rows))
    record.end("done")


def _made_by_an_earlier_release(ctx: Context) -> None:
    (made,) = ddl.statements("steps", "ops.steps", f"LOCATION '{ctx.tables.path('ops.steps')}'", {})
    lines = [line for line in made.splitlines() if line.split()[0] not in USED]
    ctx.spark.sql("CREATE SCHEMA IF NOT EXISTS ops")
    ctx.spark.sql("\n".join(lines))


def test_what_steps_used_is_recorded_and_told_with_its_price(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    earlier = make_context(home, "run-1")
    _made_by_an_earlier_release(earlier)
    row = ("tiny", "run-1", "gold", "done", earlier.clock(), earlier.clock(), 500, 500, 0, "{}", "", None)
    earlier.tables.record("ops.steps", [row])
    earlier.tables.ensure("ops.runs")
    run = ("tiny", "run-1", "done", "local", "gold", "0.0.1", earlier.clock(), earlier.clock(), None)
    earlier.tables.record("ops.runs", [run])
    told = last_run(earlier)
    assert told is not None
    assert (told["steps"][0]["read"], told["steps"][0]["cpu_seconds"], told["steps"][0]["price"]) == (500, None, None)

    _ran(make_context(home, "run-2", cost={"hour": 2.0, "currency": "EUR"}), 1000)
    told = last_run(make_context(home, "run-3", cost={"hour": 2.0, "currency": "EUR"}))
    assert told is not None
    (step,) = told["steps"]
    assert told["currency"] == "EUR"
    assert step["cpu_seconds"] > 0.1
    assert step["peak_bytes"] > 200e6
    assert step["bytes_written"] > 1000
    assert step["price"] == pytest.approx(2.0 * step["seconds"] / 3600, abs=2.0 * 0.06 / 3600)
    assert step["price_per_million"] == pytest.approx(1000 * step["price"])
    assert step["rows_per_second"] == pytest.approx(1000 / step["seconds"], rel=0.2)
    was = spark.sql("SELECT read, price FROM ops.steps WHERE run_id = 'run-1'").collect()
    assert [tuple(row) for row in was] == [(500, None)]


def test_a_run_writes_its_page_where_asked_and_does_not_fail_by_it(
    spark: SparkSession, home: Path, make_context: MakeContext, stages: Put
) -> None:
    failing = make_context(home, "run-1", runs={"report": True})
    stages(silver=(7,), gold=(DataError("no <b>label</b>", hint="mend it"),))
    with pytest.raises(DataError):
        flow.run(failing)
    text = report_page(failing, "run-1").read_text(encoding="utf-8")
    assert "Failed" in text
    assert "no &lt;b&gt;label&lt;/b&gt;" in text
    assert "mend it" in text

    said: list[str] = []
    done = make_context(home, "run-2", runs={"report": True})
    done.say = said.append
    shutil.rmtree(report_page(done, "run-2").parent)
    report_page(done, "run-2").parent.touch()  # a file where the folder would be
    stages(gold=(7,))
    assert flow.run(done).state == "done"
    assert any(line.startswith("the report could not be written: ") for line in said)
