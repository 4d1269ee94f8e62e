from __future__ import annotations

from typing import Any

import pytest
from acting import Acting, Put

from lakehouse_nlp import flow


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Put:
    """Puts stages that act so in the place of the package's."""

    def put(**acts: tuple[Any, ...]) -> None:
        made = tuple(Acting(name, (), (), "acts", acts=told) for name, told in acts.items())
        monkeypatch.setattr(flow, "STAGES", made)

    return put
