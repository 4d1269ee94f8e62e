"""What is planted on which day of a simulated month, what has to be found of it, and what was missed or invented.

Pure: days and words go in and come out. A finding is a day and what the ledger says of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

Finding = tuple[int, str]

# What the ledger can say of a day. The first of each pair is found, the second is what was done about it.
REFUSED, COLUMNS, DATA, TOLD_DATA = "file refused", "columns changed", "data drifted", "alert: data"
INPUTS, TOLD_INPUTS = "inputs drifted", "alert: inputs"
OUTPUTS, BLOCKED, CLEARED = "outputs drifted", "scoring blocked", "scoring cleared"
LABELS, PERFORMANCE, PROMOTED, SPOILT = "labels drifted", "performance drifted", "model promoted", "model refused"
FAILED, ERRORS, TOLD_FAILED, AWAY = "disk full", "errors noted", "alert: run failed", "alert: tracking store away"
OTHERWISE, TOLD_BLOCKED, TOLD_PERFORMANCE = "run failed", "alert: scoring blocked", "alert: performance"

SHORTEST, MONTH = 7, 28
LONG = {"bad file": 6, "schema change": 9, "vocabulary": 12, "outage": 16, "labels": 19, "full disk": 26}
SHORT = {"bad file": 2, "vocabulary": 2, "outage": 4, "labels": 4, "full disk": 5, "schema change": 6}


@dataclass(frozen=True)
class Event:
    """Something planted: on which days, what has to be found of it, and what may come along with that."""

    name: str
    days: tuple[int, ...]
    says: str
    must: frozenset[Finding]
    may: frozenset[Finding] = frozenset()


def plan(days: int, *, disk: bool = True) -> tuple[Event, ...]:
    """The events of a month of so many days, in order. `disk`: whether a disk can be made full here."""
    if days < SHORTEST:
        raise ValueError(f"{days} days have no room for the events; {SHORTEST} have")
    at = LONG if days >= MONTH else SHORT
    start = Event("first model", (1,), "labelled reviews of the time before", frozenset({(1, PROMOTED)}))
    found = [start, *(event(name, day) for name, day in at.items() if disk or name != "full disk")]
    return tuple(sorted(found, key=lambda each: each.days))


def event(name: str, day: int) -> Event:
    """The event of this name, planted from this day on."""
    # A thing has drifted once it is beyond its bound in two of three windows, so a shift lasts two days, and has to be
    # found on the second; labels come a day later, and what they ask for is done by the run after that.
    second, third, fourth = day + 1, day + 2, day + 3
    beside = {(k, what) for k in (second, third, fourth) for what in (PERFORMANCE, TOLD_PERFORMANCE)}
    beside |= {(k, what) for k in (day, second) for what in (INPUTS, TOLD_INPUTS, OUTPUTS)}
    beside |= {(k, what) for k in (second, third) for what in (BLOCKED, CLEARED, TOLD_BLOCKED)}
    made = {
        "bad file": Event(
            name, (day,), "a gzip file that ends in the middle",
            _on(day, REFUSED, DATA, TOLD_DATA),
        ),
        "schema change": Event(
            name, (day,), "the column price is called cost",
            _on(day, COLUMNS, DATA, TOLD_DATA),
        ),
        "vocabulary": Event(
            name, (day, second), "reviews of laptops, which no training row is of",
            _on(second, INPUTS, TOLD_INPUTS),
            frozenset(beside) | _on(day, DATA, TOLD_DATA) | _on(second, DATA, TOLD_DATA),  # they are longer, too
        ),
        "outage": Event(name, (day,), "the MLflow server is down in the morning", _on(day, AWAY)),
        "labels": Event(
            name, (day, second), "half of the reviews are negative",
            _on(second, OUTPUTS) | _on(third, BLOCKED, CLEARED, TOLD_BLOCKED, LABELS) | _on(fourth, PROMOTED),
            frozenset(beside),
        ),
        "full disk": Event(
            name, (day,), "the lake's disk has no room in the morning",
            _on(day, FAILED, ERRORS, TOLD_FAILED),
        ),
    }  # fmt: skip
    return made[name]


def planted(events: Collection[Event], name: str, day: int) -> bool:
    """Whether the event is on this day."""
    return any(each.name == name and day in each.days for each in events)


def faults(events: Collection[Event], found: Collection[Finding]) -> Iterator[str]:
    """What was missed, and what was invented: a line each, day by day."""
    must = {each for event in events for each in event.must}
    may = {each for event in events for each in event.may}
    missed, invented = must - set(found), set(found) - must - may
    for day, what in sorted(missed | invented):
        yield f"day {day}: {what!r} was {'missed' if (day, what) in missed else 'invented'}"


def _on(day: int, *what: str) -> frozenset[Finding]:
    return frozenset((day, each) for each in what)
