from __future__ import annotations

import pytest

from lakehouse_nlp.model.stacked import Spec


@pytest.fixture(scope="session")
def spec() -> Spec:
    booster = {"max_depth": 3, "learning_rate": 0.3, "max_bin": 64}
    return Spec(buckets=2**12, numeric=("price",), categorical=("kind",), select=50, rounds=10, booster=booster)
