"""What columns and checks can say, and how a wrong one is told."""

from __future__ import annotations

import pytest

from lakehouse_nlp.core.settings.models import Column

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("given", "formats"),
    [
        ("date", ()),
        ({"type": "date", "format": None}, ()),
        ({"type": "date", "format": "d.M.yyyy"}, ("d.M.yyyy",)),
        ({"type": "date", "format": ["d.M.yyyy", "yyyy-MM-dd"]}, ("d.M.yyyy", "yyyy-MM-dd")),
    ],
)
def test_a_format_is_none_one_or_several(given: object, formats: tuple[str, ...]) -> None:
    assert Column.model_validate(given).format == formats
