"""What comparisons come to: a median for either side, their ratio, and whether the aim is met; as JSON and Markdown."""

from __future__ import annotations

import json
import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paired import Figures

Outcome = dict[str, Any]
JSON, MARKDOWN = "latest.json", "latest.md"


@dataclass(frozen=True)
class Side:
    """A figure that a job tells in every run."""

    job: str
    figure: str


@dataclass(frozen=True)
class Aim:
    """What is aimed at: in words, and as a condition on the medians of ours and the peer's."""

    words: str
    met: Callable[[float, float], bool]


@dataclass(frozen=True)
class Comparison:
    """Ours against a peer's, by a figure of one unit each run; no aim where the ratio is only to be known."""

    name: str
    ours: Side
    peer: Side
    unit: str
    against: str
    aim: Aim | None

    @property
    def jobs(self) -> tuple[str, ...]:
        """The jobs that it takes."""
        return self.ours.job, self.peer.job

    def outcome(self, found: Mapping[str, Figures], rows: int, machine: str) -> Outcome:
        """Medians, least and most of the runs so far, the ratio of the medians."""
        ours, peer = (found[side.job].each(side.figure) for side in (self.ours, self.peer))
        mine, theirs = statistics.median(ours), statistics.median(peer)
        return {
            "name": self.name,
            "ours": mine,
            "peer": theirs,
            "ratio": mine / theirs,
            "unit": self.unit,
            "against": self.against,
            "ours_range": [min(ours), max(ours)],
            "peer_range": [min(peer), max(peer)],
            "aim": self.aim.words if self.aim else None,
            "met": self.aim.met(mine, theirs) if self.aim else None,
            "rows": rows,
            "runs": len(ours),
            "machine": machine,
        }


def at_least(ratio: float) -> Aim:
    """Ours is so many times the peer's, or more."""
    return _bound("≥", operator.ge, ratio)


def at_most(ratio: float) -> Aim:
    """Ours is so many times the peer's, or less."""
    return _bound("≤", operator.le, ratio)


def differing(found: Mapping[str, Figures], references: Mapping[str, str]) -> list[str]:
    """The jobs that did not always give the answer of their reference, by the digests that both tell."""
    return [job for job in found if job in references and _answers(found[job]) != _answers(found[references[job]])]


def markdown(outcomes: Sequence[Outcome]) -> str:
    """A table with a line a comparison, and below it what the figures were taken on."""
    head = ["", "ours", "against", "peer", "ratio", "aim", "met"]
    lines = [f"| {' | '.join(head)} |", "|---|--:|---|--:|--:|---|---|", *(_line(outcome) for outcome in outcomes)]
    taken = dict.fromkeys(
        f"{o['rows']:,} rows, medians of {o['runs']} runs (least-most); {o['machine']}" for o in outcomes
    )
    return "\n".join([*lines, "", *(f"- {how}" for how in taken)]) + "\n"


def merged(folder: Path, outcomes: Sequence[Outcome], order: Sequence[str]) -> list[Outcome]:
    """These outcomes in the place of the ones of their names in the folder's file, in this order."""
    file = folder / JSON
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    known = {outcome["name"]: outcome for outcome in [*before, *outcomes]}
    return [known[name] for name in order if name in known]


def save(folder: Path, outcomes: Sequence[Outcome]) -> None:
    """Writes `latest.json` and `latest.md` into the folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JSON).write_text(json.dumps(outcomes, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / MARKDOWN).write_text(markdown(outcomes), encoding="utf-8")


def _bound(sign: str, compare: Callable[[float, float], bool], ratio: float) -> Aim:
    return Aim(f"{sign} {ratio:g}×", lambda ours, peer: compare(ours, ratio * peer))


def _answers(figures: Figures) -> set[str]:
    return {told["digest"] for told in figures.told}


def _line(outcome: Outcome) -> str:
    sides = [_side(outcome, side) for side in ("ours", "peer")]
    met = {True: "yes", False: "**no**", None: ""}[outcome["met"]]
    cells = [f"`{outcome['name']}`", sides[0], outcome["against"], sides[1], f"{outcome['ratio']:.3g}"]
    return f"| {' | '.join([*cells, outcome['aim'] or 'none', met])} |"


def _side(outcome: Outcome, side: str) -> str:
    low, high = outcome[f"{side}_range"]
    return f"{_number(outcome[side])} {outcome['unit']} ({_number(low)}-{_number(high)})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
