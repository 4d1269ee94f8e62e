"""The options of `score`, as the settings that its run gets."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lakehouse_nlp import flow
from lakehouse_nlp.cli.app import app
from lakehouse_nlp.core.errors import UsageError
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


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            "--since=",
            "score.window.since: must be a date such as 2024-01-31, or with a time, 2024-01-31T12:00:00, not ",
        ),
        ("--until=soon", "score.window.until: must be a date such as 2024-01-31, or with a time"),
        ("--until=2024-01-31T12:00:00Z", "score.window.until: must be a time without a zone, which is UTC, not "),
        ("--by=day", "score.window: by 'day' needs since or until"),
        ("--version=0", "score.models[1]: "),
        ("--for=8h", "--for 8h without --follow"),
        ("--follow --for=soon", "--for soon\n  next: a number, and s, m, h or d: 90s, 30m, 8h, 7d"),
        ("--follow --until=2024-01-31", "--follow, and a window of gold"),
        ("--follow", "score --follow: x.gold is not there yet\n  next: lakehouse-nlp run ingest silver gold"),
    ],
)
def test_an_option_that_makes_no_sense_stops_it(options: str, says: str, write: Write) -> None:
    home, command = write("score: {models: [champion]}\n"), ["score", "--project", "x"]
    with pytest.raises(UsageError, match=re.escape(says)):
        CliRunner().invoke(app, [*command, "--home", str(home), *options.split()], catch_exceptions=False)


def test_a_version_that_is_not_there_is_named_and_asking_makes_no_registry(write: Write) -> None:
    home = write("score: {models: [7]}\n")
    with pytest.raises(UsageError, match=r"no version 7 of model x\n  next: lakehouse-nlp models --project x"):
        CliRunner().invoke(app, ["score", "-p", "x", "--home", str(home)], catch_exceptions=False)
    assert not (home / "mlflow").exists()
