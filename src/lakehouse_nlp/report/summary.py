"""What stands at the top of a report: how the run ended, what to do next, the figures that matter, what to look at."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lakehouse_nlp.report.facts import Check, Drift, Facts, Past, Step
from lakehouse_nlp.report.forms import money, number, share, span

# How a state is shown, and in words.
STATES = {
    "done": ("good", "Done", "Every stage that was due has run."),
    "rejected": ("warn", "Done, and something was refused", ""),
    "failed": ("bad", "Failed", ""),
    "timed_out": ("bad", "Out of time", ""),
    "cancelled": ("warn", "Cancelled", ""),
    "lost": ("bad", "Lost", ""),
    "running": ("flow", "Running", "It goes on, or was killed: the next run closes it as lost."),
}
FEWEST = 3  # runs before, of which a usual value is told
NAMES = {"roc_auc": "ROC AUC", "pr_auc": "PR AUC", "f1_macro": "macro F1", "rmse": "RMSE", "mae": "MAE", "r2": "R²"}
NEXT = "\n  next: "


@dataclass(frozen=True)
class State:
    """How the run ended: `kind` is a class of the style, `why` what was wrong or refused, `then` what to do next."""

    kind: str
    name: str
    why: Sequence[str]
    then: str


@dataclass(frozen=True)
class Tile:
    """A figure that matters, and what it is to be seen beside."""

    name: str
    value: str
    beside: str
    kind: str = ""


@dataclass(frozen=True)
class Sign:
    """Something to look at: `kind` is a class of the style, `place` the section that has more."""

    kind: str
    says: str
    place: str


@dataclass(frozen=True)
class Used:
    """What some steps used together; the memory is the most at once."""

    cpu_seconds: float | None
    peak_bytes: float | None
    bytes_read: float | None
    bytes_written: float | None
    price: float | None


def state(facts: Facts) -> State:
    """How the run ended. What to do next is the error's own word, else a command that fits the state."""
    run = facts.run
    kind, name, usual = STATES.get(run.state, ("", run.state, ""))
    why, _, then = (run.error or usual).partition(NEXT)
    said = _refusals(why) if run.state == "rejected" else [why]
    if facts.blocked or not then.strip():
        then = _next(facts)
    return State(kind, name, [each for each in said if each], then.strip())


def _refusals(text: str) -> list[str]:
    """The sentences of what was refused; a gate's reasons, which have no colon, stay with their version."""
    found: list[str] = []
    for part in text.split("; "):
        if found and ": " not in part:
            found[-1] += f"; {part}"
        else:
            found.append(part)
    return found


def _next(facts: Facts) -> str:
    run, option = facts.run, f"--project {facts.project}"
    if facts.blocked:
        return f'lakehouse-nlp unblock {option} --why "what was done about it"'
    if run.state == "rejected" and not any(event.event == "refused" for event in facts.events):
        return "lakehouse-nlp sql \"select name, failed, found, wanted from ops.files where state = 'rejected'\""
    known = {
        "done": f"lakehouse-nlp status {option}",
        "rejected": f"lakehouse-nlp models {option}",
        "running": f"lakehouse-nlp runs show {run.id} {option}",
    }
    return known.get(run.state, f"lakehouse-nlp run {option}")


def tiles(facts: Facts) -> list[Tile]:
    """Rows in, set aside and scored, the champion, time and cost; with what is usual where runs before tell it."""
    here = next((past for past in facts.past if past.id == facts.run.id), None)
    files = facts.came.get("loaded", 0)
    came = f"from {files:,} file{'' if files == 1 else 's'}" if files else "no file came"
    taken = came + _usual(facts, lambda past: past.taken, number)
    aside = here.share_aside if here else None
    usual_time = _usual(facts, lambda past: past.seconds, span).removeprefix(", ")
    return [
        Tile("Rows taken in", number(here.taken if here else None), taken),
        Tile("Set aside", share(aside), _aside(facts, here), "warn" if aside else ""),
        Tile("Rows scored", number(here.scored if here else None), _scored(facts, here)),
        _champion(facts),
        Tile("Time", span(facts.run.seconds), usual_time),
        _cost(facts, here),
    ]


def signs(facts: Facts) -> list[Sign]:
    """What to look at, worst first; none where all is as it should be."""
    order = {"bad": 0, "warn": 1}
    return sorted(_signs(facts), key=lambda sign: order[sign.kind])


def busy(facts: Facts) -> list[Step]:
    """The steps that did something, where what they used was counted."""
    return [step for step in facts.steps if step.state != "idle" and step.cpu_seconds is not None]


def together(steps: Sequence[Step]) -> Used:
    """What the steps used, all of them."""

    def known(name: str) -> list[float]:
        return [value for step in steps if (value := getattr(step, name)) is not None]

    sums = {
        name: sum(known(name)) if known(name) else None
        for name in ("cpu_seconds", "bytes_read", "bytes_written", "price")
    }
    return Used(**sums, peak_bytes=max(known("peak_bytes"), default=None))


def furthest(drift: Sequence[Drift]) -> list[Drift]:
    """Of each thing that is watched the comparison that is furthest; first what has drifted or moved, then what is
    nearest its limit.
    """
    found: dict[tuple[str, str], Drift] = {}
    for each in sorted(drift, key=lambda each: (each.last.state not in ("drifted", "moved"), -each.ratio)):
        found.setdefault((each.kind, each.subject), each)
    return list(found.values())


def outcome(check: Check) -> tuple[str, str]:
    """A check's outcome as a class of the style and in a word: what broken means depends on the check's action."""
    if check.outcome != "failed":
        return {"passed": "good", "tolerated": "warn"}.get(check.outcome, ""), check.outcome
    return {"fail": ("bad", "failed"), "quarantine": ("warn", "set aside")}.get(check.action, ("warn", "warned"))


def called(figure: str) -> str:
    """A figure's name for people."""
    return NAMES.get(figure, figure.replace("_", " "))


def _signs(facts: Facts) -> Iterator[Sign]:
    if facts.blocked:
        yield Sign("bad", facts.blocked.partition("\n")[0] + ": no run begins", "runs")
    for file in facts.files:
        if file.state == "rejected" and facts.run.state != "rejected":  # there the head of the page says so
            yield Sign("warn", f"{file.name} was refused: {file.found or file.failed}", "files")
    for check in facts.checks:
        kind, word = outcome(check)
        if kind in ("bad", "warn"):
            of = f"{check.broken:,} of {check.read:,} rows" if check.share is not None else check.found
            yield Sign(kind, f"{check.rule}: {of} {word}", "checks")
    for event in facts.events:
        if event.event in ("refused", "held back") and facts.run.state != "rejected":
            failed = "; ".join(reason for reason in event.reasons if not reason.startswith("passed"))
            yield Sign("warn", f"version {event.version} was {event.event}: {failed}", "model")
    for watched in (*(furthest(facts.drift) if facts.monitored else ()), *facts.history):
        if watched.last.state == "drifted":
            grave = watched.kind in ("outputs", "performance")
            yield Sign("bad" if grave else "warn", watched.last.found, "drift")
    for told in facts.alerts:
        if told.outcome == "failed":
            yield Sign("warn", f"an alert could not be sent: {told.reason.partition(chr(10))[0]}", "alerts")


def _usual(facts: Facts, of: Callable[[Past], float | int | None], form: Callable[[float | None], str]) -> str:
    """`, usually 1,000`: the median of the runs before that have the figure."""
    known = [value for past in facts.past if past.id != facts.run.id and (value := of(past)) is not None]
    return f", usually {form(statistics.median_low(known))}" if len(known) >= FEWEST else ""


def _aside(facts: Facts, here: Past | None) -> str:
    known = here is not None and here.aside is not None
    of = f"{here.aside:,} of {here.judged or 0:,} rows" if here and known else "silver did nothing"
    return of + _usual(facts, lambda past: past.share_aside, share)


def _scored(facts: Facts, here: Past | None) -> str:
    by = f"by {facts.model.name}/{facts.model.version}" if facts.model else "no model yet"
    return (by if here and here.scored else "nothing was scored") + _usual(facts, lambda past: past.scored, number)


def _champion(facts: Facts) -> Tile:
    model = facts.model
    if model is None or model.test.get(facts.metric) is None:
        return Tile("Champion", "none yet", "no version has passed the gate")
    sure = model.intervals.get(facts.metric)
    between = f", {sure[0]:.3f} to {sure[1]:.3f}" if sure else ""
    of = f"{called(facts.metric)} of {model.name}/{model.version}"
    return Tile("Champion", number(float(model.test[facts.metric]), 3), of + between)


def _cost(facts: Facts, here: Past | None) -> Tile:
    if here and here.price is not None:
        usual = _usual(facts, lambda past: past.price, lambda value: money(value, facts.currency))
        return Tile("Cost", money(here.price, facts.currency), usual.removeprefix(", "))
    seconds = here.cpu_seconds if here else None
    return Tile("CPU time", span(seconds), _usual(facts, lambda past: past.cpu_seconds, span).removeprefix(", "))
