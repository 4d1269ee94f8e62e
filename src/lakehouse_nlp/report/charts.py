"""Small charts as inline SVG: no scripts, colours by classes of the page's style, every mark with its value as a title.

Texts are escaped by `Markup.format`, as the page's own are by Jinja.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lakehouse_nlp.report.forms import compact

WIDTH, HEIGHT = 340, 168
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 24, 30
TICKS = 3
Point = tuple[float, float]


@dataclass(frozen=True)
class Mark:
    """A value of a chart, with what its title says; None is a gap. `kind`: a class of the style, such as `bad`."""

    value: float | None
    says: str
    kind: str = ""
    limit: float | None = None


def bars(title: str, marks: Sequence[Mark], unit: str, ends: tuple[str, str]) -> Markup:
    """A bar a mark, from 0. `ends`: what stands under the first and the last; `unit`: over the axis."""
    plot = _Plot(marks, from_zero=True)
    wide = min(plot.step * 0.62, 28)
    bar = Markup('<rect class="bar {}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>')
    drawn = []
    for k, mark in enumerate(marks):
        if mark.value is not None:
            high = max(plot.bottom - plot.y(mark.value), 1)
            drawn.append(bar.format(mark.kind, plot.x(k) - wide / 2, plot.bottom - high, wide, high, mark.says))
    return _svg(title, marks, [*plot.axes(unit, ends), *drawn])


def line(title: str, marks: Sequence[Mark], unit: str, ends: tuple[str, str], *, from_zero: bool = True) -> Markup:
    """A line through the marks, broken at gaps, and their limits as a dashed one, where they have any.

    Marks beyond are drawn as larger diamonds: nothing is told by colour alone.
    """
    plot = _Plot(marks, from_zero=from_zero)
    limits = [(plot.x(k), plot.y(mark.limit)) for k, mark in enumerate(marks) if mark.limit is not None]
    drawn = [Markup('<polyline class="limit" points="{}"/>').format(_points(_wide(limits, plot)))] if limits else []
    for part in _unbroken(marks):
        points = [(plot.x(k), plot.y(marks[k].value or 0.0)) for k in part]
        drawn.append(Markup('<polyline class="line" points="{}"/>').format(_points(points)))
    for k, mark in enumerate(marks):
        if mark.value is not None:
            drawn.append(_dot(plot.x(k), plot.y(mark.value), mark))
    return _svg(title, marks, [*plot.axes(unit, ends), *drawn])


def calibration(title: str, lines: Sequence[tuple[str, Sequence[Sequence[float]]]]) -> Markup:
    """Lines of (mean probability, share of the class, rows) beside the diagonal on which they would be right."""
    side, left, top = 250, 54, 12
    across = Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>')
    dot = Markup('<circle class="dot c{}" cx="{:.1f}" cy="{:.1f}" r="3.5"><title>{}</title></circle>')

    def at(mean: float, part: float) -> Point:
        return left + mean * side, top + (1 - part) * side

    drawn = [across.format("limit", *at(0, 0), *at(1, 1))]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        drawn.append(across.format("grid", *at(0, tick), *at(1, tick)))
        drawn.append(text(left - 6, at(0, tick)[1] + 4, f"{tick:g}", "end"))
        drawn.append(text(at(tick, 0)[0], top + side + 17, f"{tick:g}", "middle"))
    for place, (name, points) in enumerate(lines):
        path = _points(at(mean, part) for mean, part, _ in points)
        drawn.append(Markup('<polyline class="line c{}" points="{}"/>').format(place, path))
        for mean, part, rows in points:
            says = f"{name}: of {rows:,.0f} rows with a mean probability of {mean:.3f}, {part:.1%} are"
            drawn.append(dot.format(place, *at(mean, part), says))
    drawn.append(text(left + side / 2, top + side + 36, "mean probability", "middle"))
    turned = Markup('<text class="tick" text-anchor="middle" transform="translate(11 {}) rotate(-90)">{}</text>')
    drawn.append(turned.format(top + side / 2, "share that is of the class"))
    return svg(title, left + side + 14, top + side + 44, drawn)


def svg(title: str, width: float, height: float, drawn: Iterable[Markup], kind: str = "chart") -> Markup:
    """The drawing, with a title for those who cannot see it."""
    head = Markup('<svg class="{}" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">')
    return head.format(kind, width, height, title) + Markup("\n").join(drawn) + Markup("</svg>")


def text(x: float, y: float, says: str, anchor: str, kind: str = "tick") -> Markup:
    """A text at a place; `kind`: a class of the style."""
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(kind, x, y, anchor, says)


def nice(low: float, high: float, many: int = TICKS) -> list[float]:
    """Round numbers from at or below `low` to at or above `high`, in about `many` steps; around the one where both are.

    1, 2 or 5 times a power of ten (Heckbert 1990, "Nice numbers for graph labels").
    """
    if high <= low:
        around = 0.05 * abs(low) or 0.5
        low, high = (low - around, high + around) if low else (0.0, 1.0)
    rough = (high - low) / many
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


class _Plot:
    """Where the marks of a chart are."""

    def __init__(self, marks: Sequence[Mark], *, from_zero: bool) -> None:
        values = [v for mark in marks for v in (mark.value, mark.limit) if v is not None] or [0.0]
        self.ticks = nice(min(0.0, *values) if from_zero else min(values), max(values))
        self.bottom = HEIGHT - BOTTOM
        self.step = (WIDTH - LEFT - RIGHT) / max(len(marks), 1)

    def x(self, place: int) -> float:
        return LEFT + (place + 0.5) * self.step

    def y(self, value: float) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        return self.bottom - (value - low) / (high - low) * (self.bottom - TOP)

    def axes(self, unit: str, ends: tuple[str, str]) -> list[Markup]:
        """Lines and numbers across, the unit over them, and the ends of the time."""
        drawn = []
        for tick in self.ticks:
            at = self.y(tick)
            across = Markup('<line class="{}" x1="{}" y1="{:.1f}" x2="{}" y2="{:.1f}"/>')
            drawn.append(across.format("axis" if tick == self.ticks[0] else "grid", LEFT, at, WIDTH - RIGHT, at))
            drawn.append(text(LEFT - 6, at + 4, compact(tick), "end"))
        drawn.append(text(0, 11, unit, "start", "unit"))
        first, last = ends
        if first == last:
            return [*drawn, text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, first, "middle")]
        drawn += [text(LEFT, HEIGHT - 10, first, "start"), text(WIDTH - RIGHT, HEIGHT - 10, last, "end")]
        return drawn


def _dot(x: float, y: float, mark: Mark) -> Markup:
    if mark.kind == "bad":
        points = _points([(x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)])
        return Markup('<polygon class="dot bad" points="{}"><title>{}</title></polygon>').format(points, mark.says)
    dot = Markup('<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="3.2"><title>{}</title></circle>')
    return dot.format(mark.kind, x, y, mark.says)


def _wide(points: Sequence[Point], plot: _Plot) -> list[Point]:
    """A line through so few points is drawn half a step further on both sides, so that one of them is a line, too."""
    (first, at), (last, end), half = points[0], points[-1], plot.step / 2
    return [(first - half, at), *points, (last + half, end)]


def _unbroken(marks: Sequence[Mark]) -> list[list[int]]:
    """The places of marks with a value, in runs without a gap."""
    found: list[list[int]] = [[]]
    for k, mark in enumerate(marks):
        if mark.value is None:
            found.append([])
        else:
            found[-1].append(k)
    return [part for part in found if part]


def _points(points: Iterable[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _svg(title: str, marks: Sequence[Mark], drawn: Iterable[Markup]) -> Markup:
    told = f"{title}: " + ("; ".join(mark.says for mark in marks[-5:]) or "nothing yet")
    return svg(told, WIDTH, HEIGHT, drawn)
