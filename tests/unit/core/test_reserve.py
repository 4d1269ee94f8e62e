"""A disk that a run fills has room for the run's record."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from lakehouse_nlp.core import reserve

pytestmark = pytest.mark.unit


def _free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))


def test_room_is_kept_and_given_up_where_there_is_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / reserve.NAME
    _free(monkeypatch, reserve.BYTES)
    reserve.keep(tmp_path)
    assert not place.exists(), "a disk that is nearly full is left alone"
    _free(monkeypatch, 10 * reserve.BYTES)
    reserve.keep(tmp_path)
    assert place.stat().st_blocks * 512 >= reserve.BYTES, "the room is taken"
    reserve.give_up(tmp_path)
    assert place.exists()
    _free(monkeypatch, reserve.BYTES - 1)
    reserve.give_up(tmp_path)
    assert not place.exists()
    reserve.give_up(tmp_path)
