"""When projects are run by themselves, by a clock that nobody waits for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from lakehouse_nlp.core import breaker
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.settings.runs import Schedule
from lakehouse_nlp.fleet import Ended
from lakehouse_nlp.schedule import Scheduler, Timer, keep

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
MONDAY = datetime(2024, 1, 1, 5, 59, tzinfo=timezone.utc)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"2024-01-{text}+00:00")


# -- one project's triggers ------------------------------------------------------------------------------------------


def _struck(cron: str, times: list[str]) -> list[str]:
    timer = Timer(MONDAY, MONDAY)
    return [time for time in times if timer.struck(Schedule(cron=cron), _at(time))]


@pytest.mark.parametrize(
    ("cron", "times", "struck"),
    [
        ("0 6 * * *", ["01 05:59:59", "01 06:00", "01 06:00:01", "02 05:59", "02 06:01"], ["01 06:00", "02 06:01"]),
        ("0 6 * * *", ["04 12:00", "04 12:01"], ["04 12:00"]),  # three were missed, and count once
        ("0 6 * * 6-7", ["05 23:00", "06 06:00", "07 06:00", "08 06:00"], ["06 06:00", "07 06:00"]),
        ("*/15 * * * *", ["01 06:00", "01 06:14", "01 06:15", "01 06:31"], ["01 06:00", "01 06:15", "01 06:31"]),
        ("0 6 * * *", ["01 06:00", "01 05:30", "01 05:45", "01 06:00:01"], ["01 06:00", "01 06:00:01"]),  # an hour back
    ],
)  # fmt: skip
def test_a_cron_expression_strikes_once_for_each_of_its_times(cron: str, times: list[str], struck: list[str]) -> None:
    assert _struck(cron, times) == struck


def _looks(asked: Schedule, upto: int, ended: dict[int, str] | None = None, timer: Timer | None = None) -> list[int]:
    """The seconds at which it looks, asked every second; `ended`: when runs ended, and how."""
    timer, found = timer or Timer(MONDAY, MONDAY), []
    for second in range(upto):
        now = MONDAY + timedelta(seconds=second)
        if second in (ended or {}):
            timer.ended(asked, (ended or {})[second], now)
        if timer.looks(asked, now):
            found.append(second)
    return found


FILES = Schedule(files=True, every="10s")


def test_it_looks_at_once_and_then_every_so_often() -> None:
    assert _looks(FILES, 35) == [0, 10, 20, 30]
    assert _looks(Schedule(events=True, every="1m"), 130) == [0, 60, 120]
    assert _looks(Schedule(cron="0 6 * * *"), 130) == []


def test_after_runs_that_failed_it_looks_less_and_less_often() -> None:
    ended = {1: "failed", 22: "timed_out", 65: "blocked", 150: "done"}
    assert _looks(FILES, 240, ended) == [0, 21, 62, 145, *range(150, 240, 10)]
    hour = 3600
    assert _looks(FILES, 3 * hour, dict.fromkeys(range(1, 21), "failed")) == [0, 20 + hour, 20 + 2 * hour]


def test_a_clock_that_goes_back_stops_no_look() -> None:
    timer = Timer(MONDAY + timedelta(days=365), MONDAY + timedelta(days=365))
    assert _looks(FILES, 12, timer=timer) == [0, 10]


# -- several projects -------------------------------------------------------------------------------------------------


class Plant:
    """Projects with a clock of their own, and runs that end when they are told to."""

    def __init__(self, home: Path, make: MakeContext, **asked: dict[str, Any]) -> None:
        self.now, self.said, self.started = MONDAY, list[str](), list[str]()
        self.home, self.make, self.asked = home, make, asked
        self.going: dict[str, Future[Ended]] = {}
        self.scheduler = Scheduler(self.open, lambda: self.now, self.said.append)

    def open(self, project: str) -> Context:
        asked = self.asked[project]
        if "fault" in asked:
            raise UsageError(asked["fault"])
        if "breaks" in asked:
            raise asked["breaks"]
        return self.make(self.home, project=project, runs={"schedule": asked})

    def start(self, project: str) -> Future[Ended]:
        self.started.append(f"{self.now:%H:%M:%S} {project}")
        self.going[project] = Future()
        return self.going[project]

    def end(self, project: str, state: str = "done") -> None:
        self.going[project].set_result(Ended(project, state, 0 if state == "done" else 3, 1.0))

    def live(self, seconds: int, at: dict[int, Callable[[], object]], **more: Any) -> list[str]:
        """Lets so many seconds pass, one at a time; at some of them something happens. What ended, in its order."""
        passed, found = 0, []

        class OverError(Exception):
            pass

        def wait(pause: float) -> None:
            nonlocal passed
            passed += 1
            self.now += timedelta(seconds=pause)
            if passed > seconds:
                raise OverError
            at.get(passed, lambda: None)()

        try:
            for ended in keep(list(self.asked), self.scheduler, self.start, wait, **more):
                found.append(f"{ended.project} {ended.state}")
        except OverError:
            pass
        return found


@pytest.fixture
def plant(tmp_path: Path, make_context: MakeContext) -> Callable[..., Plant]:
    return lambda **asked: Plant(tmp_path, make_context, **asked)


def _bring(home: Path, project: str, name: str = "a.csv") -> None:
    folder = home / "lake" / project / "raw/train"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("id\n1\n")


def test_each_project_runs_by_its_own_trigger_and_never_twice_at_once(plant: Callable[..., Plant]) -> None:
    found = plant(daily={"cron": "0 6 * * *"}, filed={"files": True, "every": "10s"}, by_hand={})
    at = {
        5: lambda: _bring(found.home, "filed"),
        30: lambda: found.end("filed"),
        100: lambda: found.end("daily"),
    }
    ended = found.live(105, at, pause=1.0)
    assert found.started == ["05:59:10 filed", "05:59:30 filed", "06:00:00 daily"]  # the file still waits at :30
    assert ended == ["filed done", "daily done"]
    assert found.said == ["filed: ingest: 1 file in raw/"] * 2 + ["daily: schedule 0 6 * * *"]


def test_a_time_that_comes_while_the_project_runs_is_made_up_for(plant: Callable[..., Plant]) -> None:
    found = plant(often={"cron": "* * * * *"})
    found.live(300, {250: lambda: found.end("often")}, pause=1.0)
    assert found.started == ["06:00:00 often", "06:03:10 often"]


def test_it_ends_after_so_many_runs_when_they_have_ended(plant: Callable[..., Plant]) -> None:
    found = plant(often={"cron": "* * * * *"})
    at = {second: lambda: found.end("often") for second in (65, 125)}
    assert found.live(1000, at, pause=1.0, runs=2) == ["often done", "often done"]
    assert len(found.started) == 2
    assert found.now < MONDAY + timedelta(seconds=200)


def test_settings_with_a_fault_are_told_once_and_stop_no_other_project(plant: Callable[..., Plant]) -> None:
    found = plant(odd={"fault": "odd.yml:3: unknown key"}, often={"cron": "* * * * *"})
    found.live(90, {}, pause=1.0)
    assert found.said == ["odd: odd.yml:3: unknown key", "often: schedule * * * * *"]
    found.asked["odd"] = {"cron": "* * * * *"}
    found.live(60, {}, pause=1.0)
    assert "odd: schedule * * * * *" in found.said


def test_a_store_that_breaks_off_ends_no_schedule(plant: Callable[..., Plant]) -> None:
    found = plant(odd={"breaks": OSError("database is locked")}, often={"cron": "* * * * *"})
    found.live(90, {}, pause=1.0)
    assert found.said == ["odd: database is locked", "often: schedule * * * * *"]
    assert found.started == ["06:00:00 often"]


def test_a_project_with_a_fault_keeps_no_other_from_being_expected(plant: Callable[..., Plant]) -> None:
    found = plant(odd={"fault": "odd.yml:3: unknown key"}, daily={"cron": "0 6 * * *"})
    found.scheduler.expect(["odd", "daily"])
    assert found.said == ["odd: odd.yml:3: unknown key", "daily: at 0 6 * * * (UTC)"]
    with pytest.raises(UsageError, match="no project has a schedule"):
        found.scheduler.expect(["odd"])


def test_a_blocked_project_is_not_started(plant: Callable[..., Plant], monkeypatch: pytest.MonkeyPatch) -> None:
    failed = ({"run_id": "run-1", "state": "failed", "error": "no disk"},)
    monkeypatch.setattr(breaker, "last", lambda ctx: breaker.Event(1, True, failed))
    found = plant(filed={"files": True, "every": "10s"})
    _bring(found.home, "filed")
    found.live(60, {}, pause=1.0)
    assert found.started == []
    assert len(found.said) == 1
    assert found.said[0].startswith("filed: filed is blocked: 1 runs in a row failed\n  run-1 failed: no disk\n")


def test_what_is_expected_is_said_and_no_schedule_at_all_is_a_fault(plant: Callable[..., Plant]) -> None:
    found = plant(daily={"cron": "0 6 * * *", "files": True}, new={"events": True, "files": True}, by_hand={})
    found.scheduler.expect(list(found.asked))
    assert found.said == [
        "daily: at 0 6 * * * (UTC), when files come, looking every 30s",
        "new: when plan finds work, every 30s",
        "by_hand: has no schedule",
    ]
    with pytest.raises(UsageError, match="no project has a schedule"):
        found.scheduler.expect(["by_hand"])
