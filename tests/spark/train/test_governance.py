"""Versions in a registry of their own: the gate's decision, promotion and return, and what is written down."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golds import write_gold
from pyspark.sql import SparkSession
from scipy.sparse import csr_matrix

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.events import EVENTS
from lakehouse_nlp.core.registry import CHALLENGER, CHAMPION, PREVIOUS, Registry
from lakehouse_nlp.model.rows import Rows, Spec
from lakehouse_nlp.model.stacked import fit
from lakehouse_nlp.models import ROWS, compared, listed, shown
from lakehouse_nlp.register import stage
from lakehouse_nlp.register.aliases import promote, rollback
from lakehouse_nlp.train import stage as train_stage
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.evaluation import figures
from lakehouse_nlp.train.log import log
from lakehouse_nlp.train.reproduce import reproduce

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
MakeContext = Callable[..., Context]


def _part(n: int, seed: int, knows: float) -> Labelled:
    """Rows whose number tells the label as far as `knows`."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(np.array(["bad", "good"], dtype=object), n)
    x = knows * (labels == "good") + rng.normal(size=n)
    keys = np.array([f"{seed}-{k}" for k in range(n)], dtype=object)
    return Labelled(Rows(csr_matrix((n, 0)), x[:, None], np.zeros((n, 0), object)), keys, labels, np.full(n, "test"))


def _candidate(ctx: Context, knows: float, recipe: str = "r", **more: Any) -> int:
    """A version whose figures are those of a model on such rows."""
    train, validation, test = (_part(400, seed, knows) for seed in range(3))
    model = fit(train.rows, train.labels, Spec(buckets=0, numeric=("x",), rounds=5), threads=1)
    metrics = {**figures(model, train, validation, test), **more}
    tags = {"recipe": recipe, "gold_version": "1", "train_rows": "400", "nlp_hash": recipe}
    return log(ctx, model, metrics, tags, test).number


def _champion(ctx: Context, alias: str = CHAMPION) -> int | None:
    found = Registry(ctx).alias(alias)
    return found.number if found else None


def _events(ctx: Context) -> list[tuple[Any, ...]]:
    rows = ctx.tables.read(EVENTS).orderBy("recorded_at").collect()
    return [(row["version"], row["event"], row["alias"], row["previous"]) for row in rows]


@pytest.mark.usefixtures("spark")
def test_the_gate_promotes_refuses_and_people_move_the_alias(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home)
    assert listed(ctx) == []
    _candidate(ctx, 3.0)
    assert stage.run(ctx).note == "tiny/1 is champion"
    assert (ctx.folder / "models" / "current" / "card" / "card.html").exists()
    # Random labels, and another token pipeline, so that the champion's recorded figures count.
    _candidate(ctx, 0.0, "other")
    (refused,) = stage.run(ctx).refused
    assert "accuracy 0." in refused
    assert "the champion (recorded: it reads tokens of another pipeline) has 0.9" in refused
    assert (_champion(ctx), _champion(ctx, CHALLENGER)) == (1, 2)

    promote(ctx, 2, "because")
    assert (_champion(ctx), _champion(ctx, PREVIOUS)) == (2, 1)
    assert (ctx.folder / "models" / "current").resolve().name == "v2.0"
    with pytest.raises(UsageError, match="tiny/2 is champion already"):
        promote(ctx, 2, "again")
    rollback(ctx, "it was worse")
    assert (_champion(ctx), _champion(ctx, PREVIOUS)) == (1, 2)
    assert (ctx.folder / "models" / "current").resolve().name == "v1.0"

    assert _events(ctx) == [
        (1, "promoted", CHAMPION, None),
        (2, "refused", CHALLENGER, 1),
        (2, "promoted by hand", CHAMPION, 1),
        (1, "rolled back", CHAMPION, 2),
    ]
    last = ctx.tables.read(EVENTS).orderBy("recorded_at", ascending=False).first()
    assert json.loads(last["reasons"]) == ["it was worse"]
    assert last["who"]
    assert [(v["version"], v["name"], v["aliases"]) for v in listed(ctx)] == [
        (2, "v2.0", [PREVIOUS, CHALLENGER]),
        (1, "v1.0", [CHAMPION]),
    ]
    assert shown(ctx, 1)["figures"]["roc_auc"] == compared(ctx, [1, 2])["roc_auc"][1] > 0.9


@pytest.mark.usefixtures("spark")
def test_a_leak_a_dry_run_and_a_champion_that_has_vanished(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, register={"mode": "dry_run"})
    _candidate(ctx, 3.0)
    assert stage.run(ctx).note == "tiny/1 is challenger (dry run: it passed the gate)"
    assert _champion(ctx) is None
    with pytest.raises(UsageError, match="has no champion before this one"):
        rollback(ctx, "why not")

    ctx = make_context(home)
    _candidate(ctx, 3.0, leaks=[{"grave": True, "says": "x alone tells the label"}])
    assert stage.run(ctx).refused == ("tiny/2 was refused: x alone tells the label",)
    promote(ctx, 1, "checked")
    Registry(ctx).client.delete_model_version("tiny", "1")
    _candidate(ctx, 3.0)
    assert stage.run(ctx).refused == (
        "tiny/3 was refused: version 1 was champion and is no more: lakehouse-nlp promote says who is",
    )
    ctx = make_context(home, register={"mode": "off"})
    _candidate(ctx, 0.0)
    assert stage.run(ctx).note == "tiny/4 is champion"


@pytest.mark.usefixtures("spark")
def test_a_champion_that_has_vanished_with_its_registry(home: Path, make_context: MakeContext) -> None:
    _candidate(ctx := make_context(home), 3.0)
    stage.run(ctx)
    ctx = make_context(home, mlflow={"tracking_uri": "sqlite:///other/mlflow.db"})
    _candidate(ctx, 3.0)
    assert stage.run(ctx).refused == (
        "tiny/1 was refused: version 1 was champion and is no more: lakehouse-nlp promote says who is",
    )
    promote(ctx, 1, "the store was lost")
    _candidate(ctx, 0.0, "other")
    assert stage.run(ctx).refused
    assert _events(ctx) == [
        (1, "promoted", CHAMPION, None),
        (1, "refused", CHALLENGER, None),
        (1, "promoted by hand", CHAMPION, None),
        (2, "refused", CHALLENGER, 1),
    ]


def test_a_run_is_reproduced_byte_for_byte_from_what_it_recorded(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    learning = {"features": {"numeric": ["price"]}, "train": {"booster": {"rounds": 5}, "seed": 3}}
    ctx = make_context(home, **learning)
    write_gold(ctx, spark, 3)
    ctx.sign("train")
    train_stage.run(ctx)
    version = Registry(ctx).versions()[0]
    write_gold(ctx, spark, 1)  # the same rows, in another order
    train_stage.run(ctx)
    first, second = Registry(ctx).versions()
    assert first.tags["booster_hash"] == second.tags["booster_hash"]
    assert first.tags["gold_version"] != second.tags["gold_version"]

    assert [shown(ctx, 1)[tag] for tag in ("seed", *ROWS)] == ["3", "120", "40", "40"]
    import mlflow

    model = mlflow.pyfunc.load_model(first.uri)
    example = model.input_example
    assert set(example["clean_text"][0].split()) & {"fox", "good", "hen", "so"}
    assert list(model.predict(example)["prediction"]) in (["good"], ["bad"])

    other = make_context(home, train={"seed": 4})
    found = reproduce(other, version.run_id)
    assert (found.version.number, found.same) == (1, True)
    with pytest.raises(UsageError, match="no version of model tiny is of run 'nobody'"):
        reproduce(other, "nobody")
