from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = """\
columns:
  id: string
  title: string
  stars: double
  day: {type: date, format: "MMMM d, yyyy"}
key: id
text: title
label: "case when stars > 3 then 'good' else 'bad' end"
"""


@pytest.fixture(autouse=True)
def _no_settings_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LAKEHOUSE_NLP_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes the project `x`, plus lines; gives the home folder. It has no base.yml and no envs of its own."""

    def _write(more: str = "", project: str = PROJECT, name: str = "x") -> Path:
        file = tmp_path / "conf" / "projects" / f"{name}.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(project + more, encoding="utf-8")
        return tmp_path

    return _write
