"""Whether a window has drifted: its histograms against those of training and of the windows before it.

Pure: counts go in, verdicts come out. A distance is beyond its bound if chance alone takes it there in fewer windows
than `monitor.false_alarms`, all features together, and if it is above what the settings pass over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from lakehouse_nlp.core.settings.monitoring import Monitor
from lakehouse_nlp.model.distances import DISTANCES, limit, pooled
from lakehouse_nlp.model.histograms import Histogram
from lakehouse_nlp.model.reference import Reference

Kind = Literal["inputs", "outputs", "labels", "performance", "data", "runs"]
TRAINING, BEFORE = "training", "last windows"
KINDS: dict[str, Kind] = {"input": "inputs", "output": "outputs", "label": "labels"}
CENTROID = "centroid"
# Real windows have heavier tails than chi-squared: bounds for so much of the share of false alarms that the settings
# allow are passed about as often as these say (docs/monitoring.md, the drift study).
KEPT = 0.4


@dataclass(frozen=True)
class Counts:
    """A histogram of a window: its rows, and how many of them fell into each bin."""

    rows: int
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """Rows that are judged together: when they were scored, and their histograms by name. `since`: the version of
    predictions after which they came. `more`: sums that are no histogram: `outcomes` and `vectors`.
    """

    name: str
    at: datetime
    since: int
    of: Mapping[str, Counts]
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """A distance, and what it may be."""

    method: str
    value: float
    bound: float

    @property
    def beyond(self) -> bool:
        """Whether it is further than it may be."""
        return self.value > self.bound


@dataclass(frozen=True)
class Finding:
    """What was found of one subject in one window, before it is held against the windows before: `comparison` is None
    where there were too few rows.
    """

    kind: Kind
    subject: str
    method: str
    against: str
    rows: int
    comparison: Comparison | None
    says: str

    @property
    def beyond(self) -> bool:
        """Whether it is beyond its bound."""
        return self.comparison is not None and self.comparison.beyond


def compared(then: Histogram, now: Sequence[int], rows: int, settings: Monitor, alpha: float) -> Comparison:
    """A histogram of so many rows against one of the same bins; `alpha`: the share of false alarms."""
    method = method_of(then, settings)
    passed = next((most for name, most in settings.ignore.items() if name == method), 0.0)
    bound = limit(method, then.chance, alpha, rows, then.rows)
    return Comparison(method, DISTANCES[method](then.counts, now), max(bound, passed))


def method_of(histogram: Histogram, settings: Monitor) -> str:
    """The distance that the settings name for histograms of this kind."""
    kind = "terms" if histogram.kind == "new_terms" else histogram.kind
    return str(getattr(settings.methods, kind))


def findings(reference: Reference, window: Window, before: Sequence[Window], settings: Monitor) -> Iterator[Finding]:
    """Each feature of the window against training, and against the windows before, oldest first.

    Of these only such as were within the bound of training: held against a shift, its end would be one.
    """
    alpha = KEPT * settings.false_alarms / (2 * (len(reference.histograms) + (reference.centroid is not None)))
    for each in reference.histograms:
        now = window.of.get(each.name, Counts(0, ()))
        yield _finding(each, now, TRAINING, settings, alpha)
        known = [w.of[each.name] for w in before if each.name in w.of]
        last = [part for part in known if not _moved(each, part, settings, alpha)][-settings.last :]
        if sum(part.rows for part in last) >= settings.min_rows:
            yield _finding(_together(each, last), now, BEFORE, settings, alpha)
    if reference.centroid and "vectors" in window.more:
        yield _centroid(reference, window.more["vectors"], settings, alpha)


def _moved(then: Histogram, now: Counts, settings: Monitor, alpha: float) -> bool:
    """Whether a window was beyond the bound of training itself."""
    enough = min(now.rows, then.rows) >= settings.min_rows and any(now.counts) and any(then.counts)
    return enough and compared(then, now.counts, now.rows, settings, alpha).beyond


def _together(like: Histogram, parts: Sequence[Counts]) -> Histogram:
    """The histograms of several windows as one."""
    return replace(like, counts=tuple(pooled([part.counts for part in parts])), rows=sum(part.rows for part in parts))


def _finding(then: Histogram, now: Counts, against: str, settings: Monitor, alpha: float) -> Finding:
    kind, enough = KINDS[then.side], min(now.rows, then.rows) >= settings.min_rows and any(now.counts)
    method = method_of(then, settings)
    if not enough or not any(then.counts):
        says = f"{then.name}: {now.rows:,} rows, and {settings.min_rows:,} are needed to judge"
        return Finding(kind, then.name, method, against, now.rows, None, says)
    found = compared(then, now.counts, now.rows, settings, alpha)
    return Finding(kind, then.name, method, against, now.rows, found, _told(then, now, found, against))


def _told(then: Histogram, now: Counts, found: Comparison, against: str) -> str:
    """The distance, and the bin that changed most."""
    says = f"{then.name}: {found.method} {found.value:.4f} from {against}, at most {found.bound:.4f} by chance"
    if not found.beyond:
        return says
    was, here = sum(then.counts), sum(now.counts)
    moves = [(b / here - a / was, name) for a, b, name in zip(then.counts, now.counts, then.bins, strict=True)]
    most = max(moves, key=lambda move: abs(move[0]))
    place = then.bins.index(most[1])
    return f"{says}; {most[1]!r} went from {then.counts[place] / was:.1%} to {now.counts[place] / here:.1%}"


def _centroid(reference: Reference, sums: Mapping[str, Any], settings: Monitor, alpha: float) -> Finding:
    """The mean of the window's vectors against that of training."""
    centroid, rows = reference.centroid, int(sums["rows"])
    if centroid is None or min(rows, centroid.rows) < settings.min_rows:
        says = f"vectors: {rows:,} rows, and {settings.min_rows:,} are needed to judge"
        return Finding("inputs", "vectors", CENTROID, TRAINING, rows, None, says)
    mean = [total / rows for total in sums["sums"]]
    found = Comparison(CENTROID, centroid.distance(mean), centroid.chance.limit(alpha, rows, centroid.rows))
    says = f"vectors: the centroid is {found.value:.4f} from that of training, at most {found.bound:.4f} by chance"
    return Finding("inputs", "vectors", CENTROID, TRAINING, rows, found, says)


def by_day(windows: Iterable[Window]) -> list[Window]:
    """Windows of runs put together by the day on which they were scored, oldest first: histograms add up."""
    days: dict[str, list[Window]] = {}
    for window in sorted(windows, key=lambda w: (w.at, w.name)):
        days.setdefault(f"{window.at:%Y-%m-%d}", []).append(window)
    return [_day(day, parts) for day, parts in days.items()]


def _day(day: str, parts: Sequence[Window]) -> Window:
    names = dict.fromkeys(name for part in parts for name in part.of)
    found = {name: [part.of[name] for part in parts if name in part.of] for name in names}
    of = {name: Counts(sum(c.rows for c in cs), tuple(pooled([c.counts for c in cs]))) for name, cs in found.items()}
    more: dict[str, Any] = {}
    for part in parts:
        for name, sums in part.more.items():
            more[name] = merged(more[name], sums) if name in more else sums
    return Window(day, parts[0].at, max(part.since for part in parts), of, more)


def merged(some: Any, more: Any) -> Any:
    """Sums of two windows as those of both: numbers are added, and what stands in lists and mappings in its place."""
    if isinstance(some, dict):
        both = {k: merged(some[k], more[k]) for k in some.keys() & more.keys()}
        return {**some, **more, **both}
    if isinstance(some, list):
        return [merged(a, b) for a, b in zip(some, more, strict=True)]
    return some + more
