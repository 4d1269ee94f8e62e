"""The charts of a report: the last runs, what monitoring watches, and the champion's calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lakehouse_nlp.report.charts import Mark, bars, calibration, line
from lakehouse_nlp.report.facts import Drift, Facts, Model, Past
from lakehouse_nlp.report.forms import compact, money, number, share, span
from lakehouse_nlp.report.summary import STATES, called, furthest

DRAWN = 12  # things watched that are drawn; the others are in a table


@dataclass(frozen=True)
class Chart:
    """A drawing under its title."""

    title: str
    drawn: Markup


def over_runs(facts: Facts) -> list[Chart]:
    """The last runs: rows, time, rows set aside, the champion's figure, cost; without those that no run has."""
    found = [
        _of(facts, "Rows taken in", "rows", lambda past: past.taken, number, bars),
        _of(facts, "Rows scored", "rows", lambda past: past.scored, number, bars),
        _of(facts, "Time of a run", "seconds", lambda past: past.seconds, span, bars),
        _of(facts, "Rows set aside", "%", lambda past: past.share_aside, share, line, times=100),
        _of(facts, f"{called(facts.metric)} of the champion", f"{called(facts.metric)} on its test rows",
            lambda past: past.figure, number, _close),
        _of(facts, "Cost of a run", facts.currency, lambda past: past.price, lambda v: money(v, facts.currency), bars)
        or _of(facts, "CPU time of a run", "seconds", lambda past: past.cpu_seconds, span, bars),
    ]  # fmt: skip
    return [chart for chart in found if chart]


def watched(drift: Sequence[Drift]) -> list[tuple[Drift, Markup]]:
    """Each thing that was ever judged, with its values and limits over the last windows."""
    judged = [each for each in drift if any(window.value is not None for window in each.windows)]
    return [(each, _drift(each)) for each in furthest(judged)[:DRAWN]]


def trust(model: Model) -> Markup | None:
    """How far the champion's probabilities can be taken at their word; None where nothing was kept."""
    lines = list(model.calibration.items())
    return calibration(f"Calibration on test rows: {', '.join(name for name, _ in lines)}", lines) if lines else None


def _of(
    facts: Facts,
    title: str,
    unit: str,
    of: Callable[[Past], float | None],
    form: Callable[[float | None], str],
    draw: Callable[..., Markup],
    *,
    times: float = 1,
) -> Chart | None:
    if not any(of(past) is not None for past in facts.past):
        return None
    marks = []
    for past in facts.past:
        value = of(past)
        kind, state, _ = STATES.get(past.state, ("", past.state, ""))
        shade = "bad" if kind == "bad" else "now" if past.id == facts.run.id else ""
        says = f"{past.id}: {form(value)}, {state.lower()}"
        marks.append(Mark(None if value is None else value * times, says, shade))
    return Chart(
        title, draw(title, marks, unit, _ends([past.started_at.strftime("%d %b %H:%M") for past in facts.past]))
    )


def _close(title: str, marks: Sequence[Mark], unit: str, ends: tuple[str, str]) -> Markup:
    """A line whose axis begins near its least value."""
    return line(title, marks, unit, ends, from_zero=False)


def _drift(each: Drift) -> Markup:
    marks = [
        Mark(
            window.value,
            f"{window.window}: {_said(window.value)}, at most {_said(window.bound)}, {window.state}",
            "bad" if window.value is not None and window.bound is not None and window.value > window.bound else "",
            window.bound,
        )
        for window in each.windows
    ]
    unit = each.method.replace("_", " ")
    title = f"{each.subject} against {each.against}, {unit}"
    return line(title, marks, unit, _ends([_short(window.window) for window in each.windows]))


def _said(value: float | None) -> str:
    return "not judged" if value is None else compact(value)


def _short(window: str) -> str:
    """A run's id, or a day, as what stands under an axis."""
    day, _, rest = window.partition("T")
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    if len(day) == 8 and day.isdigit() and rest[:4].isdigit() and 1 <= int(day[4:6]) <= 12:
        return f"{day[6:]} {months[int(day[4:6]) - 1]} {rest[:2]}:{rest[2:4]}"
    return window[:16]


def _ends(names: Sequence[str]) -> tuple[str, str]:
    return (names[0], names[-1]) if names else ("", "")
