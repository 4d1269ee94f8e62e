"""Training that goes on from the champion, and is made once more from what it recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from golds import write_gold
from pyspark.sql import SparkSession

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import CHAMPION, Registry
from lakehouse_nlp.train import stage, warm
from lakehouse_nlp.train.reproduce import reproduce

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
MakeContext = Callable[..., Context]
LEARNING: dict[str, Any] = {
    "features": {"numeric": ["price"]},
    "train": {"booster": {"rounds": 5}, "warm_start": True},
}


def test_a_warm_start_goes_on_from_the_champion_and_says_why_where_it_cannot(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, **LEARNING)
    write_gold(ctx, spark)
    ctx.sign("train")
    assert stage.run(ctx).note.endswith("; trained anew: there is no champion")
    registry = Registry(ctx)
    registry.client.set_registered_model_alias("tiny", CHAMPION, "1")

    write_gold(ctx, spark, rows=300)
    assert stage.run(ctx).note.endswith("; goes on from tiny/1")
    first, second = (warm.load(ctx, version) for version in registry.versions())
    assert (first.booster.num_boosted_rounds(), second.booster.num_boosted_rounds()) == (5, 10)
    assert (second.features.idf == first.features.idf).all()
    assert registry.versions()[1].tags[warm.TAG] == "1"
    assert "| goes on from | version 1 |" in registry.text(registry.versions()[1], "card/card.md")

    registry.client.set_registered_model_alias("tiny", CHAMPION, "2")  # what it began from is the run's, not today's
    found = reproduce(make_context(home), registry.versions()[1].run_id)
    assert (found.version.number, found.same) == (2, True)

    other = {**LEARNING, "features": {"numeric": ["price"], "text": {"select": 9}}}
    reasons = [
        (other, "h", "tiny/2 was trained with another features"),
        (LEARNING, "other", "tiny/2 was trained on tokens of another pipeline"),
        ({**LEARNING, "train": {"booster": {"rounds": 2}, "warm_start": True}}, "h", "tiny/2 has 10 rounds, 5 times "),
    ]
    for settings, tokens, why in reasons:
        assert warm.start(make_context(home, **settings), tokens)[1].startswith(why)
    assert warm.start(ctx, "h")[0] == registry.versions()[1]
    ctx.tables.replace_window("gold", ctx.tables.read("gold").replace({"bad": "so-so"}, subset="label").limit(299))
    assert warm.start(ctx, "h")[1] == "tiny/2 knows bad, good, and now it is good, so-so"
