"""The options of `score`, as the settings that its run gets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lakehouse_nlp import flow
from lakehouse_nlp.cli.app import app
from lakehouse_nlp.core.settings.models import Score, Window

pytestmark = pytest.mark.unit
Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ((), Score(models=("champion", 2))),
        (("--version", "2"), Score(models=("champion", 2))),
        (("--version", "3"), Score(models=("champion", 2, 3))),
        (
            ("--since", "2024-01-01", "--until", "2024-02-01T12:00:00", "--by", "day"),
            Score(
                models=("champion", 2),
                window=Window(by="day", since=datetime(2024, 1, 1), until=datetime(2024, 2, 1, 12)),
            ),
        ),
    ],
)
def test_options_become_settings(
    options: tuple[str, ...], wanted: Score, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, real, given = write("score: {models: [champion, 2]}\n"), flow.run, []

    def run(ctx: Any, *args: Any, **named: Any) -> Any:
        given.append(ctx.settings.score)
        return real(ctx, *args, **named)

    monkeypatch.setattr(flow, "run", run)
    ended = CliRunner().invoke(app, ["score", "--project", "x", "--home", str(home), *options])
    assert (ended.exit_code, ended.stdout) == (0, "nothing to do: nothing was started, nothing was written\n")
    assert given == [wanted]
