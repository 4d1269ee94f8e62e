from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lake
import pytest


@pytest.fixture(scope="session")
def pool(request: pytest.FixtureRequest, base: Path, clean: lake.Clean) -> Iterator[lake.Pool]:
    """The scenarios of every test that was collected, begun in the tests' order."""
    wanted: dict[tuple[str, str], Any] = {}
    for item in request.session.items:
        mark = item.get_closest_marker("usefixtures")
        names = mark.args if mark else ()
        params = getattr(getattr(item, "callspec", None), "params", {})
        for scenario in [params.get("scenario"), *names]:
            found = getattr(item.module, "SCENARIOS", {}).get(scenario)
            if found:
                wanted[item.module.__name__, str(scenario)] = found
    pool = lake.Pool(base, wanted)
    yield pool
    pool.close()


@pytest.fixture
def outcome(request: pytest.FixtureRequest, pool: lake.Pool, scenario: str) -> Any:
    """What the scenario of this test gave."""
    return pool.outcome((request.module.__name__, scenario))
