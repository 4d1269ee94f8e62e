"""The secret of hashed masks makes another recipe, and is told nowhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lakehouse_nlp.core.recipes import SILVER, recipe
from lakehouse_nlp.core.settings import load

pytestmark = pytest.mark.unit


def test_another_salt_is_another_recipe_and_no_salt_is_told(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = write("silver: {mask: {email: true, style: hash}}\n")
    recipes = set()
    for salt in ("first secret", "second secret"):
        monkeypatch.setenv("LAKEHOUSE_NLP_SILVER__MASK__SALT", salt)
        settings = load(home, "x")
        assert "secret" not in settings.model_dump_json() + repr(settings)
        recipes.add(recipe(settings, SILVER))
    assert len(recipes) == 2


def test_text_columns_are_masked_unless_others_are_named(write: Callable[..., Path]) -> None:
    assert load(write(), "x").masked == ("title",)
    assert load(write("silver: {mask: {columns: []}}\n"), "x").masked == ()
