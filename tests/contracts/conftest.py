from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flow"))

import lake


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The session's folder, where the homes are."""
    return tmp_path_factory.getbasetemp()


@pytest.fixture(scope="session")
def clean(base: Path) -> lake.Clean:
    """The home of one undisturbed run; copy it before changing it."""
    return lake.clean(base)
