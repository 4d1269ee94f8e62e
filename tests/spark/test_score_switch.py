"""What `current_predictions` shows: whole and checked versions, a canary for its share of keys, and the way back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from golds import write_gold
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from scored import events, more_gold, registered, said

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import Registry
from lakehouse_nlp.core.tables import Tables
from lakehouse_nlp.register import stage as register
from lakehouse_nlp.register.aliases import promote, rollback
from lakehouse_nlp.score import stage, switch

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
MakeContext = Callable[..., Context]


def _settings(**score: Any) -> dict[str, Any]:
    return {"features": {"numeric": ["price"]}, "score": score}


def _shown(ctx: Context) -> dict[str, int]:
    """Key -> version in `current_predictions`, the same in Spark and DuckDB."""
    found = dict(said(ctx, "current_predictions").keys())
    ctx.tables.attach_all()
    rows = ctx.spark.sql("SELECT key, version FROM tiny.current_predictions").collect()
    assert {row["key"]: row["version"] for row in rows} == found
    assert len(rows) == len(found)
    return found


def test_a_version_with_all_rows_of_gold_is_shown_without_a_join_and_a_change_of_one_row_is_seen(
    spark: SparkSession, home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = make_context(home, **_settings())
    write_gold(ctx, spark, rows=40)
    version = Registry(ctx).get(registered(ctx))
    with monkeypatch.context() as here:
        here.setattr(switch, "COUNTS", "SELECT error('joined')")
        stage.run(ctx)
        assert set(_shown(ctx).values()) == {1}
    assert switch.whole(ctx, version) == (True, "version 1 scored 40 of 40 rows of gold")
    ctx.spark.sql("UPDATE tiny.gold SET row_hash = row_hash + 1000 WHERE key = 'k007'")
    assert switch.whole(ctx, version) == (False, "version 1 scored 39 of 40 rows of gold")
    ctx.spark.sql("DELETE FROM tiny.gold WHERE key = 'k007'")  # what is scored beyond gold is in nobody's way
    assert switch.whole(ctx, version) == (True, "version 1 scored 39 of 39 rows of gold")


def test_a_canary_answers_its_share_of_the_keys_and_a_larger_one_takes_more_of_them(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    both = {"models": ["champion", "challenger"]}
    ctx = make_context(home, **_settings(**both))
    write_gold(ctx, spark, rows=400)
    registered(ctx)
    registered(ctx, "challenger", cut=5.5)
    stage.run(ctx)
    assert set(_shown(ctx).values()) == {1}

    before: set[str] = set()
    for share in (0.1, 0.5):
        ctx = make_context(home, **_settings(**both, canary=share))
        assert stage.due(ctx) == "tiny/1 is to be shown by current_predictions"
        assert stage.run(ctx).note.endswith(f"shows version 1, version 2 for {share} of the keys")
        found = _shown(ctx)
        canary = {key for key, version in found.items() if version == 2}
        wanted = {key for key in found if int(hashlib.md5(key.encode()).hexdigest()[:8], 16) < int(share * 2**32)}
        assert len(found) == 400
        assert canary == wanted > before
        assert abs(len(canary) / 400 - share) < 0.05
        before = canary
    assert events(ctx) == [
        (1, "shown", None, None, None), (1, "shown", 1, 2, 0.1), (1, "shown", 1, 2, 0.5),
    ]  # fmt: skip
    rows = said(ctx)
    assert all(row == rows[key] for key, row in said(ctx, "current_predictions").items())

    stage.run(make_context(home, **_settings(**both)))
    assert set(_shown(ctx).values()) == {1}


def test_a_challenger_that_is_not_there_has_no_canary_and_the_next_model_does_not_take_its_place(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, **_settings(models=["champion", "challenger", "previous"], canary=0.5))
    write_gold(ctx, spark, rows=10)
    registered(ctx)
    registered(ctx, "previous", cut=5.5)
    assert stage.run(ctx).note == "20 rows scored by tiny/1, tiny/2; current_predictions shows version 1"
    assert set(_shown(ctx).values()) == {1}


def test_a_version_that_the_gate_refused_is_no_canary_unless_a_person_makes_it_one(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, **_settings(models=["champion", "challenger"], canary=0.5), register={"min_gain": 0.9})
    write_gold(ctx, spark, rows=40)
    registered(ctx)
    assert stage.run(ctx).note == "40 rows scored by tiny/1; current_predictions shows version 1"
    registered(ctx, "nobody", cut=4.5)
    assert register.run(ctx).refused
    no = "tiny/2 was refused by the gate and is no canary, unless score.models is [champion, 2]"
    assert stage.run(ctx).note == f"40 rows scored by tiny/2; {no}"  # in the shadow
    assert set(_shown(ctx).values()) == {1}
    assert stage.due(ctx) is None

    named = make_context(home, **_settings(models=["champion", 2], canary=0.5))
    assert stage.run(named).note.endswith("shows version 1, version 2 for 0.5 of the keys")
    assert set(_shown(named).values()) == {1, 2}
    assert stage.due(ctx) == "tiny/1 is to be shown by current_predictions"
    stage.run(ctx)
    assert set(_shown(ctx).values()) == {1}

    registered(ctx, "nobody", cut=5.5)
    register.run(ctx)
    assert "tiny/3 was refused by the gate and is no canary" in stage.run(ctx).note
    Registry(ctx).client.set_registered_model_alias("tiny", "challenger", "2")  # by hand: the gate's is 3
    assert stage.run(ctx).note.endswith("shows version 1, version 2 for 0.5 of the keys")

    Registry(ctx).client.set_registered_model_alias("tiny", "challenger", "3")
    stage.run(ctx)
    assert set(_shown(ctx).values()) == {1}
    promote(ctx, 3, "tried by hand")
    rollback(ctx, "to be tried on some")
    assert stage.run(ctx).note.endswith("shows version 1, version 3 for 0.5 of the keys")


def test_a_new_champion_is_shown_when_it_is_scored_and_rollback_switches_back_at_once(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, **_settings())
    write_gold(ctx, spark, rows=50)
    registered(ctx)
    stage.run(ctx)
    registered(ctx, "challenger", cut=4.5)
    promote(ctx, 2, "tried by hand")
    assert set(_shown(ctx).values()) == {1}
    assert stage.run(ctx).note == "50 rows scored by tiny/2; current_predictions shows version 2"
    assert set(_shown(ctx).values()) == {2}

    rollback(ctx, "complaints")
    found = _shown(ctx)
    assert (len(found), set(found.values())) == (50, {1})
    assert stage.due(ctx) is None
    assert events(ctx) == [
        (1, "shown", None, None, None),
        (2, "promoted by hand", 1, None, None),
        (2, "shown", 1, None, None),
        (1, "rolled back", 2, None, None),
        (1, "shown", 2, None, None),
    ]
    (last,) = duck.rows(ctx.root, "SELECT who, reasons FROM ops.model_events ORDER BY recorded_at DESC LIMIT 1")
    assert last["who"]
    assert last["reasons"] == '["complaints"]'


def test_classes_that_move_too_far_are_held_back_until_the_bound_is_moved(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    strict = make_context(home, **_settings(max_drift=0.1))
    write_gold(strict, spark, rows=50)
    registered(strict)
    assert not stage.run(strict).refused
    registered(strict, cut=6.5)
    result = stage.run(strict)
    assert result.written == 50
    (refused,) = result.refused
    assert refused.startswith("current_predictions shows version 1 still: classes of version 2 moved by ")
    assert set(_shown(strict).values()) == {1}
    assert stage.due(strict) is None
    assert events(strict)[1:] == [(2, "held back", 1, None, None)]

    wide = make_context(home, **_settings(max_drift=5))
    assert stage.due(wide) == "tiny/2 is to be shown by current_predictions"
    result = stage.run(wide)
    assert (result.written, result.refused) == (0, ())
    assert set(_shown(wide).values()) == {2}


def test_what_is_shown_still_is_scored_along_until_another_is(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    strict = make_context(home, **_settings(max_drift=0.1))
    write_gold(strict, spark, rows=50)
    registered(strict)
    stage.run(strict)
    registered(strict, cut=6.5)
    assert stage.run(strict).note.startswith("50 rows scored by tiny/2; current_predictions shows version 1 still")

    more_gold(strict, spark, "k003", "new", row_hash=99)
    assert stage.due(strict)
    assert stage.size(strict) == 4
    result = stage.run(strict)
    assert (result.read, result.written) == (4, 4)
    assert result.note.startswith("4 rows scored by tiny/2, tiny/1; current_predictions shows version 1 still")
    assert result.refused
    assert strict.tables.log("predictions").version() == 3  # made, and written three times: both from one read
    assert stage.due(strict) is None
    rows = said(strict, "current_predictions")
    assert len(rows) == 51
    assert {(row["version"], row["row_hash"]) for (key, _), row in rows.items() if key in ("k003", "new")} == {(1, 99)}

    registered(strict, "nobody", cut=6.4)
    promote(strict, 3, "tried by hand")
    more_gold(strict, spark, "late")
    assert stage.run(strict).note.startswith(
        "53 rows scored by tiny/3, tiny/1; current_predictions shows version 1 still"
    )
    assert len(said(strict, "current_predictions")) == 52
    rollback(strict, "no better")
    assert stage.run(strict).note.startswith("1 rows scored by tiny/2; ")

    wide = make_context(home, **_settings(max_drift=9))
    assert stage.run(wide).note == "tiny/2, tiny/1 scored everything before; current_predictions shows version 2"
    registered(wide, cut=6.3)
    more_gold(wide, spark, "newer")
    assert stage.run(wide).note == "53 rows scored by tiny/4; current_predictions shows version 4"
    assert stage.due(wide) is None
    assert set(_shown(wide).values()) == {4}


def test_a_canary_that_is_shown_still_is_scored_along_and_one_of_another_pipeline_or_none_is_not(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, **_settings(models=["champion", "challenger"], canary=0.5))
    write_gold(ctx, spark, rows=40)
    registered(ctx)
    registered(ctx, "challenger", cut=4.5)
    stage.run(ctx)
    shown = _shown(ctx)
    assert set(shown.values()) == {1, 2}

    registered(ctx, cut=6.5)
    strict = make_context(home, **_settings(max_drift=0.01))
    more_gold(strict, spark, "new", "k001", row_hash=99)
    assert stage.run(strict).refused
    assert stage.due(strict) is None
    assert {key: version for key, version in _shown(strict).items() if key != "new"} == shown
    fresh = {row["row_hash"] for (key, _), row in said(strict, "current_predictions").items() if key in ("new", "k001")}
    assert fresh == {99}

    Registry(ctx).client.delete_model_version("tiny", "2")
    Registry(ctx).client.set_model_version_tag("tiny", "1", "nlp_hash", "other")
    more_gold(strict, spark, "newer")
    assert stage.run(strict).note.startswith("1 rows scored by tiny/3; ")


def test_rollback_leaves_to_the_next_run_a_version_that_lacks_rows(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, **_settings())
    told: list[str] = []
    ctx.say = told.append
    write_gold(ctx, spark, rows=20)
    registered(ctx)
    stage.run(ctx)
    registered(ctx, "challenger", cut=4.5)
    promote(ctx, 2, "tried by hand")
    stage.run(ctx)
    more_gold(ctx, spark, "k003", "new", row_hash=99)
    assert stage.run(ctx).note == "2 rows scored by tiny/2"

    rollback(ctx, "complaints")
    assert told == [
        "current_predictions shows version 2 still: version 1 scored 19 of 21 rows of gold; "
        "next: lakehouse-nlp run score --project tiny"
    ]
    found = _shown(ctx)
    assert (len(found), set(found.values())) == (21, {2})
    assert stage.run(ctx).note == "2 rows scored by tiny/1; current_predictions shows version 1"
    found = _shown(ctx)
    assert (len(found), set(found.values())) == (21, {1})


def test_predictions_that_lack_rows_or_probabilities_are_held_back(
    spark: SparkSession, home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Tables.merge_once

    def merge_once(self: Tables, table: str, rows: Any, **named: Any) -> Any:
        kept = F.expr(f"nullif(probability * {keeps}, 0D)")
        return real(self, table, rows.where("key <> 'k001'").withColumn("probability", kept), **named)

    ctx = make_context(home, **_settings())
    write_gold(ctx, spark, rows=10)
    monkeypatch.setattr(Tables, "merge_once", merge_once)
    for keeps, says in ((1, ""), (0, "; 9 of these without probability or number, of version 2")):
        registered(ctx)
        (refused,) = stage.run(ctx).refused
        version = keeps + 2 * (1 - keeps)
        assert refused == (
            f"current_predictions shows version none still: version {version} scored 9 of 10 rows of gold{says}"
        )
    assert _shown(ctx) == {}
