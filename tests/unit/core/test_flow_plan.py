from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lakehouse_nlp import flow
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError

pytestmark = pytest.mark.unit

Make = Callable[..., Context]


@pytest.fixture
def ctx(home: Path, make_context: Make) -> Context:
    return make_context(home)


def _put(home: Path, name: str, purpose: str = "train", text: str = "id,title\n1,a\n") -> Path:
    path = home / "lake" / "tiny" / "raw" / purpose / name
    path.write_text(text)
    return path


def test_the_path_is_the_seven_stages_in_order() -> None:
    assert flow.NAMES == ("ingest", "silver", "gold", "train", "register", "score", "monitor")


def test_what_a_stage_reads_is_written_by_an_earlier_one() -> None:
    there = {"raw", "champion", "labels"}
    for stage in flow.STAGES:
        assert set(stage.reads) <= there, stage.name
        there |= set(stage.writes)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ((), flow.NAMES),
        (("gold",), ("gold",)),
        (("score", "ingest"), ("ingest", "score")),
        (("gold", "gold"), ("gold",)),
    ],
)
def test_stages_are_chosen_in_the_order_of_the_path(names: tuple[str, ...], chosen: tuple[str, ...]) -> None:
    assert tuple(stage.name for stage in flow.chosen(names)) == chosen


def test_an_unknown_stage_is_refused_by_name() -> None:
    with pytest.raises(UsageError) as caught:
        flow.chosen(["ingest", "sliver", "glod"])
    assert caught.value.message == "no such stage: sliver, glod"
    assert caught.value.hint == "stages are ingest silver gold train register score monitor"


def test_an_empty_home_has_nothing_to_do_and_stays_empty(ctx: Context) -> None:
    before = sorted(ctx.home.rglob("*"))
    assert flow.plan(ctx) == []
    assert flow.run(ctx) == flow.Report("run-1", "idle")
    assert sorted(ctx.home.rglob("*")) == before
    assert not ctx.tables.touched


def test_one_waiting_file_plans_the_whole_path(home: Path, ctx: Context) -> None:
    _put(home, "a.csv")
    assert [(step.stage.name, step.why, step.certain) for step in flow.plan(ctx)] == [
        ("ingest", "1 file in raw/", True),
        ("silver", "follows ingest", True),
        ("gold", "follows silver", True),
        ("train", "follows gold", False),
        ("register", "follows train", False),
        ("score", "follows gold, register", False),
        ("monitor", "follows ingest, score", False),
    ]


def test_the_plan_of_named_stages_knows_only_these(home: Path, ctx: Context) -> None:
    _put(home, "a.csv")
    assert [(step.stage.name, step.why) for step in flow.plan(ctx, ["silver", "score"])] == []
    assert [(step.stage.name, step.why) for step in flow.plan(ctx, ["gold", "silver", "ingest"])] == [
        ("ingest", "1 file in raw/"),
        ("silver", "follows ingest"),
        ("gold", "follows silver"),
    ]


def test_files_of_both_purposes_are_counted_and_hidden_ones_are_not(home: Path, ctx: Context) -> None:
    for name in ("a.csv", "b.parquet", ".c.csv", "_d.csv"):
        _put(home, name)
    _put(home, "a.csv", "inference")
    assert flow.plan(ctx)[0].why == "3 files in raw/"


def test_a_project_whose_folders_were_never_made_has_nothing_to_do(tmp_path: Path, make_context: Make) -> None:
    assert flow.plan(make_context(tmp_path)) == []
