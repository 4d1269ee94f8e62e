"""The train stage with a search: nested runs, a search that is taken up, the model that comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.registry import Registry, Version
from lakehouse_nlp.train import fitting, stage
from lakehouse_nlp.train.nested import NUMBER, PARENT, STATE
from lakehouse_nlp.train.reproduce import reproduce
from lakehouse_nlp.train.study import Study

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
MakeContext = Callable[..., Context]

SPACE = {"booster.max_depth": [1, 2, 5], "booster.learning_rate": {"low": 0.02, "high": 0.5}, "text.select": [0, 5]}
SPLITS = ("train", "train", "train", "validation", "test")


def _write_gold(ctx: Context, spark: SparkSession, count: int = 400) -> None:
    """Rows whose price and words tell the label, mostly."""
    rng = np.random.default_rng(0)
    good = rng.random(count) < 0.5
    price, word = good + rng.normal(size=count), np.where(rng.random(count) < 0.7, good, rng.random(count) < 0.5)
    rows = [
        (f"k{n:04}", "train", "good" if good[n] else "bad", SPLITS[n % 5], float(price[n]),
         "fox runs" if word[n] else "hen sits", ["fox"], 8, 2, "h", n)
        for n in range(count)
    ]  # fmt: skip
    schema = "key string, purpose string, label string, split string, price double, clean_text string, "
    schema += "tokens array<string>, n_chars int, n_tokens int, nlp_hash string, row_hash bigint"
    ctx.sign("gold")
    ctx.tables.ensure("gold", {"price": "double"})
    ctx.tables.replace_window("gold", spark.createDataFrame(rows, schema))


def _asking(trials: int = 5, **more: Any) -> dict[str, Any]:
    search = {"method": "random", "trials": trials, "space": SPACE, **more}
    text = {"buckets": 1024, "ngrams": 1, "select": 5}
    return {
        "features": {"numeric": ["price"], "text": text},
        "train": {"booster": {"rounds": 20, "max_depth": 1, "learning_rate": 0.01}, "search": search},
    }


def _trials(ctx: Context, version: Version) -> dict[str, Any]:
    """The runs nested under the version's, by the trial's number."""
    registry = Registry(ctx)
    found = registry.client.search_runs([registry.experiment()], f"tags.`{PARENT}` = '{version.run_id}'")
    return {run.data.tags[NUMBER]: run for run in found}


def test_the_best_candidate_is_trained_and_can_be_made_again_without_a_search(
    spark: SparkSession, home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int, str]] = []
    ctx = make_context(home, **_asking())
    ctx.progress = lambda done, of, what: told.append((done, of, what))
    _write_gold(ctx, spark)
    assert stage.due(ctx) == "no model yet"
    note = stage.run(ctx).note
    version = Registry(ctx).versions()[0]
    metrics, found = Registry(ctx).metrics(version), json.loads(version.tags["found"])
    search = metrics["search"]
    assert f"; 5 trials: validation roc_auc {search['before']:.4f}, with what was found {search['best']:.4f}" in note
    assert metrics["validation"]["roc_auc"] == search["best"] > search["before"]
    assert found == {name: now for name, (_, now) in search["params"].items()}
    assert (20, 20, "trial 5 of 5, round") in told
    assert told[-1] == (20, 20, "round")

    runs = _trials(ctx, version)
    assert sorted(runs) == ["0", "1", "2", "3", "4"]
    best = runs[str(search["best_trial"])]
    assert best.data.params == {name: str(value) for name, value in found.items()}
    assert best.data.metrics["validation.roc_auc"] == search["best"]
    assert {run.data.tags[STATE] for run in runs.values()} == {"complete"}
    assert all(run.info.status == "FINISHED" and run.info.end_time >= run.info.start_time for run in runs.values())
    parent = Registry(ctx).client.get_run(version.run_id)
    assert parent.data.params["train.booster.max_depth"] == str(found["booster.max_depth"])
    assert parent.data.metrics["search.best"] == search["best"]
    card = Registry(ctx).text(version, "card/card.md")
    assert (
        f"5 trials (random, 0 of them pruned), judged by roc_auc of the validation rows: {search['before']:.4f}" in card
    )
    assert f"| booster.max_depth | 1 | {found['booster.max_depth']} |" in card

    monkeypatch.setattr(Study, "run", None)  # from here on nothing is sought
    assert reproduce(make_context(home), version.run_id).same
    assert stage.due(ctx) is None
    stage.run(ctx)
    again = Registry(ctx).versions()[1]
    assert again.tags["booster_hash"] == version.tags["booster_hash"]
    assert Registry(ctx).metrics(again)["search"]["of_version"] == 1
    assert _trials(ctx, again) == {}


def test_a_search_that_was_ended_is_taken_up_in_its_run(
    spark: SparkSession, home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = make_context(home, **_asking())
    _write_gold(ctx, spark)
    real, judged = fitting.Candidates.judge, 0

    def interrupted(self: Any, params: Any, report: Any) -> float:
        nonlocal judged
        judged += 1
        if judged == 4:
            raise KeyboardInterrupt
        return real(self, params, report)

    monkeypatch.setattr(fitting.Candidates, "judge", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stage.run(ctx)
    client, experiment = Registry(ctx).client, Registry(ctx).experiment()
    (parent,) = client.search_runs([experiment], "tags.state IS NULL")
    assert parent.info.status == "KILLED"
    # As a kill would leave them: a trial that has no run, and one whose run was not ended.
    done = client.search_runs([experiment], "tags.trial = '1'")[0]
    client.delete_run(done.info.run_id)
    client.create_run(experiment, tags={PARENT: parent.info.run_id, NUMBER: "1"})

    stage.run(make_context(home, run_id="run-2", **_asking()))
    assert judged == 4 + 3, "the settings and two trials were judged before"
    (version,) = Registry(ctx).versions()
    assert version.run_id == parent.info.run_id
    assert sorted(_trials(ctx, version)) == ["0", "1", "2", "3", "4"]

    stage.run(make_context(home, **_asking(7)))
    assert judged == 4 + 3 + 2, "a larger budget goes on where the smaller ended"
    more = Registry(ctx).versions()[1]
    assert more.run_id != version.run_id
    assert len(_trials(ctx, more)) == 7


def test_what_cannot_be_judged_is_told(spark: SparkSession, home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, **_asking(metric="rmse"))
    _write_gold(ctx, spark)
    with pytest.raises(DataError, match=r"train.search.metric is rmse, which does not judge classes \(table tiny.gold"):
        stage.run(ctx)
