"""What becomes of a column that nobody declared, and of one that is not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lakehouse_nlp.core.drift import Decision, changes, decide
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.tables import Change

pytestmark = pytest.mark.unit

COLUMNS = ("id", "title", "body", "stars", "day", "price")
CASES: dict[str, tuple[Any, list[str], tuple[str, ...], Decision]] = {
    "nothing new": ("freeze", [*COLUMNS], (), Decision()),
    "rescued by default": ({}, [*COLUMNS, "more", "most"], (), Decision(rescue=("more", "most"))),
    "evolves": ("evolve", [*COLUMNS, "more", "most"], ("more",), Decision(evolve=("more", "most"))),
    "dropped": ("drop", ["more", *COLUMNS], (), Decision(drop=("more",))),
    "refused": ("freeze", [*COLUMNS, "more"], ("more",), Decision(refuse=("more",))),
    "by column": (
        {"new": "freeze", "columns": {"a": "evolve", "b": "drop", "c": "rescue"}},
        [*COLUMNS, "a", "b", "c", "d"],
        (),
        Decision(("a",), ("c",), ("b",), ("d",)),
    ),
    "no table's names are rescued": (
        "evolve",
        [*COLUMNS, "with blank", "_ours", "a.b", "", "Title", "More", "MORE", "ok"],
        ("more",),
        Decision(("ok",), ("with blank", "_ours", "a.b", "", "Title", "More", "MORE")),
    ),
    "twice in a file": ("evolve", [*COLUMNS, "more", "more", "More"], (), Decision(("more",), ("More",))),
    "missing": ("freeze", ["id", "title", "body", "day"], (), Decision(missing=("stars", "price"))),
}


def _settings(make_settings: Callable[..., Settings], drift: Any, **more: Any) -> Settings:
    return make_settings(ingest={"drift": drift}, **more)


@pytest.mark.parametrize("case", CASES)
def test_a_file_is_decided_on(make_settings: Callable[..., Settings], case: str) -> None:
    drift, found, known, wanted = CASES[case]
    assert decide(_settings(make_settings, drift), found, known) == wanted


def test_declared_columns_go_by_their_names_in_the_files(make_settings: Callable[..., Settings]) -> None:
    columns = {"id": "string", "title": "string", "body": "string", "stars": {"type": "double", "source": "Overall"}}
    settings = _settings(make_settings, "evolve", columns=columns)
    assert decide(settings, ["id", "title", "body", "Overall"]) == Decision()
    assert decide(settings, ["id", "title", "body", "stars"]) == Decision(rescue=("stars",), missing=("stars",))


def test_a_decision_is_noted_but_for_what_evolves(make_settings: Callable[..., Settings]) -> None:
    settings = _settings(make_settings, {"new": "rescue", "columns": {"b": "drop", "c": "freeze", "d": "evolve"}})
    found = changes(decide(settings, [*COLUMNS[:5], "a", "b", "c", "d"]), settings, "f.csv")
    assert found == [
        Change("bronze", "a", "STRING", "rescued", "f.csv", "declared by nobody; rescue"),
        Change("bronze", "b", "STRING", "dropped", "f.csv", "declared by nobody; drop"),
        Change("bronze", "c", "STRING", "refused", "f.csv", "declared by nobody; freeze"),
        Change("bronze", "price", "double", "missing", "f.csv", "declared, and not in the file"),
    ]
