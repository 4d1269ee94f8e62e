"""Columns that leave the settings stay in the tables: rows that come later have null there, in every layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lakehouse_nlp import ingest
from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.gold import stage as gold
from lakehouse_nlp.silver import stage as silver

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
MakeContext = Callable[..., Context]
BEFORE: dict[str, Any] = {
    "columns": {
        "id": "string",
        "title": "string",
        "Body": {"type": "string", "source": "body"},
        "stars": "double",
        "price": "double",
    },
    "text": ["title"],
    "features": {"numeric": ["price"], "categorical": ["Body"]},
    "train": {"slices": ["stars"]},
    "gold": {"split": {"by": "title"}},
}
# A column leaves all layers, a slice and what keeps rows together leave gold alone, and one is written small.
AFTER: dict[str, Any] = {
    "columns": {"id": "string", "title": "string", "body": "string", "stars": "double"},
    "text": ["title"],
    "features": {"categorical": ["body"]},
}


def _run(ctx: Context, *lines: str) -> None:
    """The stages up to gold over one more file, if there are lines for it."""
    if lines:
        text = "\n".join(["id,title,body,stars,price", *lines])
        (ctx.folder / "raw/train" / f"{ctx.run_id}.csv").write_text(text, encoding="utf-8")
    ctx.sign("ingest")
    assert ingest.run(ctx).refused == ()
    silver.run(ctx)
    gold.run(ctx)


def _read(ctx: Context, table: str, *columns: str) -> list[tuple[Any, ...]]:
    found = duck.rows(ctx.root, f"SELECT {', '.join(columns)} FROM tiny.{table} ORDER BY ALL", only=[f"tiny.{table}"])
    return [tuple(row.values()) for row in found]


def test_what_comes_after_a_column_left_the_settings_is_merged_without_it(
    home: Path, make_context: MakeContext
) -> None:
    _run(make_context(home, "run-1", **BEFORE), "1,one,b,5,1.5", "2,two,b,1,2.5")
    of_gold = ("key", "price", "stars", "title", "Body", "clean_text")
    assert _read(make_context(home), "gold", *of_gold) == [
        ("1", 1.5, 5.0, "one", "b", "one"), ("2", 2.5, 1.0, "two", "b", "two")
    ]  # fmt: skip
    _run(make_context(home, "run-2", **AFTER))
    after = make_context(home, "run-3", **AFTER)
    _run(after, "2,two again,c,1,9.5", "3,three,c,4,9.5")
    assert _read(after, "bronze", "_batch", "id", "price")[2:] == [(2, "2", None), (2, "3", None)]
    assert _read(after, "silver", "_key", "price", "body", "stars") == [
        ("1", None, "b", 5.0), ("2", None, "c", 1.0), ("3", None, "c", 4.0)
    ]  # fmt: skip
    assert _read(after, "gold", *of_gold) == [
        ("1", None, None, None, "b", "one"), ("2", None, None, None, "c", "two again"),
        ("3", None, None, None, "c", "three"),
    ]  # fmt: skip
    assert silver.due(after) is gold.due(after) is None
