"""A run tells its log, OpenLineage and ops.lineage what its stages did: the same from flow to each of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from acting import Put, patient
from deltalake import CommitProperties, write_deltalake
from pyspark.sql import SparkSession

from lakehouse_nlp import flow
from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError, UnreachableError
from lakehouse_nlp.core.history import run as told
from lakehouse_nlp.core.tables import Stamp

pytestmark = pytest.mark.spark
MakeContext = Callable[..., Context]


def _writes_gold(ctx: Context) -> None:
    stamp = CommitProperties(
        custom_metadata={"userMetadata": Stamp(ctx.run_id, "gold", "", "", {"silver": 5}).to_json()}
    )
    write_deltalake(str(ctx.tables.path("gold")), pa.table({"key": ["a", "b"]}), commit_properties=stamp)


def test_what_a_stage_did_is_logged_sent_and_traced(
    spark: SparkSession, home: Path, make_context: MakeContext, stages: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx, _ = patient(make_context(home, lineage={"openlineage": "events.jsonl"}))
    stages(ingest=("done",), gold=(UnreachableError("no answer"), _writes_gold), score=(DataError("a row's text"),))
    with pytest.raises(DataError):
        flow.run(ctx)
    (edge,) = duck.rows(ctx.root, "SELECT * EXCLUDE (output_id, committed_at, recorded_at) FROM ops.lineage")
    assert edge == {
        "project": "tiny", "run_id": "run-1", "stage": "gold", "output_kind": "table", "output": "tiny.gold",
        "output_version": 0, "rows": 2, "anew": False,
        "input_kind": "table", "input": "tiny.silver", "input_version": 5,
    }  # fmt: skip
    log = Path(told(ctx, "run-1")["log"])
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [(x["event"], x["stage"], x["attempt"], x.get("state"), x.get("error")) for x in lines] == [
        ("run begins", None, None, None, None),
        ("step ends", "ingest", 1, "idle", None),
        ("step begins", "gold", 1, None, None),
        ("step ends", "gold", 1, "failed", "UnreachableError"),
        ("step begins", "gold", 2, None, None),
        ("step ends", "gold", 2, "done", None),
        ("step begins", "score", 1, None, None),
        ("step ends", "score", 1, "failed", "DataError"),
        ("run ends", None, None, "failed", "DataError"),
    ]
    assert lines[5]["peak_bytes"] > 0
    events = [json.loads(line) for line in (home / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(event["eventType"], event["job"]["name"].removeprefix("tiny.")) for event in events] == [
        ("START", "tiny"), ("START", "gold"), ("FAIL", "gold"), ("START", "gold"), ("COMPLETE", "gold"),
        ("START", "score"), ("FAIL", "score"), ("FAIL", "tiny"),
    ]  # fmt: skip
    (made,) = events[4]["outputs"]
    assert (made["name"], made["outputFacets"]["outputStatistics"]["rowCount"]) == (str(ctx.tables.path("gold")), 2)
    assert "a row's text" not in log.read_text(encoding="utf-8") + (home / "events.jsonl").read_text(encoding="utf-8")
