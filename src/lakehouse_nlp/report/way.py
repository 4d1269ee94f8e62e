"""The picture of the data's way through a run: tables as boxes, between them bands as wide as the rows that went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from lakehouse_nlp.report.charts import Point, svg, text
from lakehouse_nlp.report.facts import Facts, Step
from lakehouse_nlp.report.forms import compact

BOX, HIGH = (136, 54), 22  # a box's width and height, and the widest band


@dataclass(frozen=True)
class Place:
    """A box: what it is, and what is in it."""

    name: str
    holds: str
    kind: str = ""


@dataclass(frozen=True)
class Band:
    """What went from one box to another. `rows`: what its width shows; `kind`: flow, aside, idle or failed."""

    start: str
    end: str
    rows: int
    label: str
    kind: str = "flow"
    note: str = ""


def places(facts: Facts) -> list[Place]:
    """The boxes of a run; tables with their rows as the run left them."""
    rejected = facts.came.get("rejected", 0)
    model = facts.model
    champion = Place("model", f"{model.name}/{model.version}" if model else "none yet", "" if model else "empty")
    return [
        Place("raw files", _many(sum(facts.came.values()), "file")),
        *(_table(facts, name) for name in ("bronze", "silver", "gold", "predictions")),
        Place("errors", _many(rejected, "file"), "aside" if rejected else "empty"),
        replace(_table(facts, "quarantine"), kind="aside" if facts.rows.get("quarantine") else "empty"),
        champion,
    ]


def bands(facts: Facts) -> list[Band]:
    """What the run moved, in the path's order."""
    rejected = facts.came.get("rejected", 0)
    silver = facts.step("silver")
    aside = silver.rejected or 0 if silver and silver.state == "done" else 0
    older = (silver.read or 0) - (silver.written or 0) - aside if silver and silver.state == "done" else 0
    found = [
        _band(facts, "ingest", "raw files", "bronze"),
        replace(_band(facts, "silver", "bronze", "silver"), note=f"{compact(older)} older" if older > 0 else ""),
        _band(facts, "gold", "silver", "gold"),
        _band(facts, "score", "gold", "predictions"),
        _band(facts, "train", "gold", "model", of="read", idle="not trained"),
    ]
    if rejected:
        found.append(Band("raw files", "errors", 0, _many(rejected, "file"), "aside"))
    if aside:
        found.append(Band("bronze", "quarantine", aside, _rows(aside), "aside"))
    if facts.model:
        scored = found[3].kind == "flow"
        found.append(Band("model", "predictions", 0, "", "flow" if scored else "idle"))
    return found


def picture(facts: Facts) -> Markup:
    """The picture, across for wide pages and down for phones: the style shows one of the two."""
    boxes, links = places(facts), bands(facts)
    told = "; ".join(f"{band.start} to {band.end}: {band.label}" for band in links if band.label)
    title = f"The data's way in this run: {told}"
    return _across(title, boxes, links) + _down(title, boxes, links)


def _band(facts: Facts, stage: str, start: str, end: str, *, of: str = "written", idle: str = "nothing new") -> Band:
    step: Step | None = facts.step(stage)
    if step is None:
        asked = stage in facts.run.stages.split()
        return Band(start, end, 0, "not reached" if asked else "not asked for", "idle")
    if step.state not in ("done", "idle"):
        return Band(start, end, 0, step.state.replace("_", " "), "failed")
    rows = getattr(step, of) or 0
    return Band(start, end, rows, _rows(rows)) if rows else Band(start, end, 0, idle, "idle")


def _table(facts: Facts, name: str) -> Place:
    rows = facts.rows.get(name)
    return Place(name, "no table yet", "empty") if rows is None else Place(name, f"{_rows(rows)} rows")


def _rows(rows: int) -> str:
    return f"{rows:,}" if rows < 10_000_000 else compact(rows)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


# -- drawing --------------------------------------------------------------------------------------------------------

MAIN = ("raw files", "bronze", "silver", "gold", "predictions")


def _across(title: str, boxes: Sequence[Place], links: Sequence[Band]) -> Markup:
    step, (wide, high) = 246, BOX
    at: dict[str, Point] = {name: (1 + k * step, 104.0) for k, name in enumerate(MAIN)}
    at |= {"model": (1 + 3.5 * step, 2.0), "errors": (1 + 0.5 * step, 206.0), "quarantine": (1 + 1.5 * step, 206.0)}
    drawn = []
    for band in links:
        (x0, y0), (x1, y1), middle = at[band.start], at[band.end], high / 2
        if y0 == y1:
            start, end = (x0 + wide, y0 + middle), (x1, y1 + middle)
            turn, says = start, ((start[0] + end[0]) / 2, y0 + middle - _width(band, links) / 2 - 8)
        elif band.end == "predictions":
            start, end = (x0 + wide, y0 + middle), (x1 + wide / 2, y1)
            turn, says = (end[0], start[1]), (end[0], start[1])
        else:
            start, end = (x0 + wide / 2, y0 if y1 < y0 else y0 + high), (x1, y1 + middle)
            turn = (start[0], end[1])
            says = (start[0] - 8, (start[1] + end[1]) / 2 + 4)
        drawn += _drawn(band, links, start, turn, end, says, "middle" if y0 == y1 else "end")
        if band.note:
            drawn.append(text((start[0] + end[0]) / 2, says[1] + _width(band, links) + 28, band.note, "middle"))
    drawn += [part for box in boxes for part in _box(box, at[box.name])]
    return svg(title, 4 * step + wide + 2, 206 + high + 2, drawn, "way across")


def _down(title: str, boxes: Sequence[Place], links: Sequence[Band]) -> Markup:
    step, side, (wide, high) = 118, 212, BOX
    at: dict[str, Point] = {name: (2.0, 2.0 + k * step) for k, name in enumerate(MAIN)}
    at |= {"model": (side, 2 + 3.5 * step), "errors": (side, 2 + 0.5 * step), "quarantine": (side, 2 + 1.5 * step)}
    drawn = []
    for band in links:
        (x0, y0), (x1, y1), middle = at[band.start], at[band.end], wide / 2
        if x0 == x1:
            start, end = (x0 + middle, y0 + high), (x1 + middle, y1)
            turn, says = start, (start[0] + _width(band, links) / 2 + 8, (start[1] + end[1]) / 2 + 4)
        elif band.end == "predictions":
            start, end = (x0 + middle, y0 + high), (x1 + wide, y1 + high / 2)
            turn, says = (start[0], end[1]), start
        else:
            start, end = (x0 + wide, y0 + high / 2), (x1 + middle, y1)
            turn, says = (end[0], start[1]), (start[0] + 10, start[1] - 8)
        drawn += _drawn(band, links, start, turn, end, says, "start")
        if band.note:
            drawn.append(text(says[0], says[1] + 16, band.note, "start"))
    drawn += [part for box in boxes for part in _box(box, at[box.name])]
    return svg(title, side + wide + 2, 4 * step + high + 4, drawn, "way down")


def _drawn(
    band: Band, links: Sequence[Band], start: Point, turn: Point, end: Point, says: Point, anchor: str
) -> list[Markup]:
    """A band from start to end, bending at `turn`, with its label and a tip that says where it goes."""
    path = Markup('<path class="band {}" d="M{:.1f} {:.1f}Q{:.1f} {:.1f} {:.1f} {:.1f}" stroke-width="{:.1f}"/>')
    before = turn if turn != start else start
    along = (end[0] - before[0], end[1] - before[1])
    length = max((along[0] ** 2 + along[1] ** 2) ** 0.5, 1)
    dx, dy = along[0] / length, along[1] / length
    tip = " ".join(
        f"{end[0] + a * dx - b * dy:.1f},{end[1] + a * dy + b * dx:.1f}" for a, b in ((0, 0), (-9, 5), (-9, -5))
    )
    found = [
        path.format(band.kind, *start, *turn, *end, _width(band, links)),
        Markup('<polygon class="tip {}" points="{}"/>').format(band.kind, tip),
    ]
    return [*found, text(*says, band.label, anchor, f"label {band.kind}")] if band.label else found


def _width(band: Band, links: Sequence[Band]) -> float:
    most = max((each.rows for each in links), default=0)
    return max(HIGH * band.rows / most, 2.0) if most else 2.0


def _box(place: Place, at: Point) -> list[Markup]:
    (x, y), (wide, high) = at, BOX
    frame = Markup('<rect class="box {}" x="{:.1f}" y="{:.1f}" width="{}" height="{}" rx="9"/>')
    middle = x + wide / 2
    return [
        frame.format(place.kind, x, y, wide, high),
        text(middle, y + 23, place.name, "middle", "name"),
        text(middle, y + 41, _cut(place.holds), "middle", "holds"),
    ]


def _cut(name: str, most: int = 20) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
