"""Rows that were set aside, judged again: by `replay`, and by silver where the settings changed."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from rows import bring, content

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError, UsageError
from lakehouse_nlp.core.tables import Tables
from lakehouse_nlp.silver import stage
from lakehouse_nlp.silver.replay import replay

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

MakeContext = Callable[..., Context]
STRICT = {"rule": "range", "column": "stars", "max": 5}
WIDER = {"checks": [{**STRICT, "max": 10}]}
# By key: passes a wider rule; does so, and is older than what silver has; never passes; cannot be split; is good.
FIRST = (
    {"id": "wide", "stars": "7", "title": "4111 1111 1111 1111", "_line": 2},
    {"id": "older", "stars": "8", "body": "older", "_line": 3},
    {"id": "older", "stars": "4", "body": "newer of the same file"},
    {"id": "never", "stars": "x", "title": "a", "_line": 5},
    {"_corrupt": "a,b", "_line": 6},
    {"id": "good", "stars": "5"},
)
SECOND = (
    {"id": "good", "stars": "9", "body": "released over the one of the first batch"},
    {"id": "wider", "stars": "50"},
    {"id": "last", "stars": "1"},
)


class Killed(BaseException):
    """What a process that is killed does not handle either."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the lake that all tests begin with is kept, once the first of them has made it."""
    return tmp_path_factory.mktemp("made") / "home"


@pytest.fixture
def lake(home: Path, made: Path, spark: SparkSession, make_context: MakeContext) -> Path:
    """A home whose rows were judged by the strict rule, in two runs."""
    if made.exists():
        return Path(shutil.copytree(made, home, dirs_exist_ok=True))
    for batch, rows in enumerate((FIRST, SECOND), start=1):
        ctx = make_context(home, f"run-{batch}", checks=[STRICT])
        bring(ctx, spark, batch, *rows)
        stage.run(ctx)
    shutil.copytree(home, made)
    return home


def _quarantine(ctx: Context) -> dict[tuple[int, int], dict[str, Any]]:
    found = duck.rows(ctx.root, "SELECT * FROM tiny.quarantine", only=["tiny.quarantine"])
    return {(row["_batch"], row["_row"]): row for row in found}


def _silver(ctx: Context) -> dict[str, tuple[float, str | None, int]]:
    rows = duck.rows(ctx.root, "SELECT * FROM tiny.silver", only=["tiny.silver"])
    return {row["_key"]: (row["stars"], row["body"], row["_batch"]) for row in rows}


LAST = (1.0, None, 2)
NEWER = (4.0, "newer of the same file", 1)
OVER = (9.0, "released over the one of the first batch", 2)


def test_rows_that_pass_go_to_silver_and_their_history_stays(
    lake: Path, spark: SparkSession, make_context: MakeContext
) -> None:
    before = make_context(lake, checks=[STRICT])
    was, versions = _quarantine(before), before.versions("silver", "quarantine")
    assert {place: (row["state"], row["_line"]) for place, row in was.items()} == {
        (1, 0): ("open", 2), (1, 1): ("open", 3), (1, 3): ("open", 5), (1, 4): ("open", 6),
        (2, 0): ("open", None), (2, 1): ("open", None),
    }  # fmt: skip
    assert _silver(before) == {"older": NEWER, "good": (5.0, None, 1), "last": LAST}

    dry = replay(make_context(lake, "run-3", **WIDER), dry_run=True)
    assert (dry.judged, dry.released) == (6, 3)
    assert dry.stay == {"readable": 1, "type(stars)": 1, "range(stars)": 1}
    assert before.versions("silver", "quarantine") == versions

    one = replay(make_context(lake, "run-4", **WIDER), "file = 'f.csv' and line = 2 and raw like '%wide%'")
    assert (one.judged, one.released, one.stay) == (1, 1, {})
    every = replay(ctx := make_context(lake, "run-5", **WIDER))
    assert (every.judged, every.released) == (5, 2)
    assert _silver(ctx) == {"older": NEWER, "good": OVER, "wide": (7.0, None, 1), "last": LAST}
    now = _quarantine(ctx)
    assert {place: (row["state"], row["released_by"], row["run_id"]) for place, row in now.items()} == {
        (1, 0): ("released", "run-4", "run-1"), (1, 1): ("released", "run-5", "run-1"),
        (1, 3): ("open", None, "run-5"), (1, 4): ("open", None, "run-5"),
        (2, 0): ("released", "run-5", "run-2"), (2, 1): ("open", None, "run-5"),
    }  # fmt: skip
    assert [row["first_seen"] for row in now.values()] == [was[place]["first_seen"] for place in now]
    assert all((row["last_seen"] > was[place]["last_seen"]) == (row["state"] == "open") for place, row in now.items())
    assert now[1, 0]["reasons"] == was[1, 0]["reasons"]
    assert now[2, 1]["reasons"][0]["message"] == "stars is not at most 10.0: '50.0'"
    assert duck.rows(ctx.root, "SELECT count(*) AS n FROM tiny.rejected_rows") == [{"n": 3}]
    steps = "SELECT stage, read, written, rejected FROM ops.steps WHERE run_id = 'run-5'"
    assert duck.rows(ctx.root, steps) == [{"stage": "replay", "read": 5, "written": 2, "rejected": 3}]


def _replayed(home: Path, make_context: MakeContext) -> Context:
    ctx = make_context(home, "run-9", **WIDER)
    replay(ctx)
    return ctx


def _made_anew(home: Path, make_context: MakeContext) -> Context:
    ctx = make_context(home, "run-9", **WIDER)
    stage.run(ctx)
    return ctx


def test_replay_leaves_what_a_silver_made_anew_would_hold_wherever_it_was_killed(
    lake: Path, tmp_path: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silver has the rows and quarantine has them open; some are released; all is written but the record."""
    anew = _made_anew(Path(shutil.copytree(lake, tmp_path / "anew")), make_context)
    wanted = content(anew, "silver"), content(anew, "quarantine")
    assert sum(row.count("'state': 'released'") * n for row, n in wanted[1].items()) == 3
    for place in range(3):
        home = Path(shutil.copytree(lake, tmp_path / f"killed-{place}"))
        with monkeypatch.context() as patch:
            patch.setattr(Tables, "merge_once", _dies(Tables.merge_once, place))
            with pytest.raises(Killed):
                _replayed(home, make_context)
        ctx = _replayed(home, make_context)
        assert (content(ctx, "silver"), content(ctx, "quarantine")) == wanted, place
    assert stage.due(ctx) == "settings changed: silver is made anew"
    again = _made_anew(ctx.home, make_context)
    assert (content(again, "silver"), content(again, "quarantine")) == wanted


def _dies(real: Callable[..., Any], place: int) -> Callable[..., Any]:
    """The function, which dies after its call number `place`."""
    calls = itertools.count()

    def dying(*args: Any, **named: Any) -> Any:
        result = real(*args, **named)
        if next(calls) == place:
            raise Killed
        return result

    return dying


def test_a_silver_made_anew_keeps_when_rows_were_first_seen_opens_them_again_and_masks_what_is_masked_now(
    lake: Path, make_context: MakeContext
) -> None:
    was = _quarantine(make_context(lake))
    stage.run(make_context(lake, "run-3", **WIDER))
    mask = {"mask": {"card": True, "columns": ["title"]}}
    wide = make_context(lake, "run-4", **WIDER, silver=mask)
    stage.run(wide)
    released = _quarantine(wide)[1, 0]
    assert (released["state"], released["released_by"], "[CARD]" in released["raw"]) == ("released", "run-3", True)
    strict = make_context(lake, "run-5", checks=[STRICT], silver=mask)
    stage.run(strict)
    now = _quarantine(strict)
    assert {place: (row["state"], row["released_by"]) for place, row in now.items()} == {
        (1, 0): ("open", "run-3"), (1, 1): ("open", "run-3"), (1, 3): ("open", None), (1, 4): ("open", None),
        (2, 0): ("open", "run-3"), (2, 1): ("open", None),
    }  # fmt: skip
    assert {place: row["first_seen"] for place, row in now.items()} == {p: row["first_seen"] for p, row in was.items()}
    assert _silver(strict) == {"older": NEWER, "good": (5.0, None, 1), "last": LAST}


def test_a_condition_that_is_wrong_says_so(lake: Path, make_context: MakeContext) -> None:
    with pytest.raises(UsageError, match="no_such") as caught:
        replay(make_context(lake), "no_such = 1")
    assert "tiny.rejected_rows" in caught.value.hint


def test_nothing_was_set_aside_yet(home: Path, make_context: MakeContext) -> None:
    with pytest.raises(UsageError, match=r"there is no tiny\.quarantine yet"):
        replay(make_context(home))


def test_replay_looks_into_tables_and_holds_a_tolerant_fail_to_its_tolerance(
    lake: Path, make_context: MakeContext
) -> None:
    """Of six open rows three pass the wider rule; silver knows the keys of two of them, and one has a title."""
    known = {"rule": "referential", "column": "id", "in": "tiny.silver.id"}
    dry = replay(make_context(lake, "run-3", checks=[*WIDER["checks"], known]), dry_run=True)
    assert (dry.released, dry.stay["referential(id)"]) == (2, 3)

    fails = {"rule": "not_null", "column": "title", "action": "fail"}
    ctx = make_context(lake, "run-4", checks=[*WIDER["checks"], {**fails, "tolerance": 0.5}])
    was = content(ctx, "silver"), content(ctx, "quarantine")
    message = r"not_null\(title\) by 3 of 6 rows, and at most 10.00% may"
    with pytest.raises(DataError, match=message):
        replay(make_context(lake, "run-4", checks=[*WIDER["checks"], {**fails, "tolerance": 0.1}]))
    assert (content(ctx, "silver"), content(ctx, "quarantine")) == was
    assert replay(ctx, dry_run=True).released == 3
    strict = replay(make_context(lake, "run-5", checks=[*WIDER["checks"], fails, {"rule": "row_count", "min": 99}]))
    assert (strict.released, strict.stay["not_null(title)"]) == (1, 3)
