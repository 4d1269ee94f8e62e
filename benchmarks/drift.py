"""How well drift is told from chance: planted shifts, and none, in windows of real reviews, by method and window size.

    python benchmarks/drift.py [--data amazon_reviews.jsonl.gz] [--repeats 200] [--sizes 200 1000 5000] [--splits 4]

A model learns cameras and phones. Windows are drawn from reviews that it did not see; in a share of their rows one
thing is another: reviews of laptops (vocabulary), negative reviews (class balance), texts cut after 15 words (length),
reviews in Spanish (language), or no category (missing values). Repeats are shared out among splits into training rows
and others, and five times as many windows have no shift. Prints Markdown. Exit code 1 if what the settings say by
default has more false alarms than 1 % of windows.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
from drift_windows import SHIFTS, Reviews, Window, World, read

from lakehouse_nlp.core.settings.monitoring import Monitor
from lakehouse_nlp.model.distances import DISTANCES, limit
from lakehouse_nlp.model.histograms import Histogram
from lakehouse_nlp.model.reference import Reference
from lakehouse_nlp.monitor import judge

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "amazon_reviews.jsonl.gz"
SHARES = (0.01, 0.02, 0.05, 0.10, 0.20)
ALPHA, MORE, ANY = 0.01, 5, "any"
EARLIER = 40  # windows without a shift, of which some are those before each window
Cell = tuple[int, str | None, float]  # rows of the window, shift, share of the rows
Told = Callable[[Reference, Window], dict[str, bool]]  # by feature: whether it is said to have drifted


def by_size(method: str) -> Told:
    """The distance is above what chance allows for so many rows: 1 % a window, shared out among the features."""

    def told(reference: Reference, window: Window) -> dict[str, bool]:
        alpha = ALPHA / len(reference.histograms)
        return _above(reference, window, method, lambda h: limit(method, h.chance, alpha, window.rows, h.rows))

    return told


def fixed(method: str, most: float) -> Told:
    """The distance is above one threshold, however many rows there are."""
    return lambda reference, window: _above(reference, window, method, lambda _: most)


def centroid(reference: Reference, window: Window) -> dict[str, bool]:
    """The distance of the vectors' centroids alone, at 1 %."""
    of = reference.centroid
    far = of is not None and of.distance(window.sums / window.rows) > of.chance.limit(ALPHA, window.rows, of.rows)
    return {"vectors": far}


def defaults(reference: Reference, window: Window) -> dict[str, bool]:
    """What the monitor stage says by the default settings, of one window against training and the windows before."""
    said: dict[str, bool] = {}
    for found in judge.findings(reference, _judged(window), [_judged(each) for each in window.before], Monitor()):
        said[found.subject] = said.get(found.subject, False) or found.beyond
    return said


def _judged(window: Window) -> judge.Window:
    more = {"vectors": {"rows": window.rows, "sums": window.sums}}
    return judge.Window("", datetime.min, 0, window.counts, more)


def _above(reference: Reference, window: Window, method: str, most: Callable[[Histogram], float]) -> dict[str, bool]:
    far = DISTANCES[method]
    return {h.name: far(h.counts, window.counts[h.name].counts) > most(h) for h in reference.histograms}


WAYS: dict[str, Told] = {
    "the defaults": defaults,
    **{f"{name}, bound by size": by_size(name) for name in DISTANCES},
    "centroid of vectors": centroid,
    "psi > 0.1": fixed("psi", 0.1),
    "psi > 0.25": fixed("psi", 0.25),
    "jensen_shannon > 0.1": fixed("jensen_shannon", 0.1),
}


def measured(reviews: Reviews, sizes: list[int], repeats: int, splits: int) -> dict[Cell, dict[str, Counter[str]]]:
    """How many of the windows of each cell are said to have drifted, by way and feature."""
    cells: list[tuple[Cell, int]] = [((size, None, 0.0), MORE * repeats // splits) for size in sizes]
    cells += [((size, shift, share), repeats // splits) for size in sizes for shift in SHIFTS for share in SHARES]
    found: dict[Cell, dict[str, Counter[str]]] = {cell: {way: Counter() for way in WAYS} for cell, _ in cells}
    for split in range(splits):
        print(f"split {split + 1} of {splits}", file=sys.stderr)
        world, rng = World(reviews, split), np.random.default_rng(split)
        earlier = {size: [world.window(rng, size) for _ in range(EARLIER)] for size in sizes}
        for cell, times in cells:
            for _ in range(times):
                window = world.window(rng, *cell)
                window.before = [earlier[cell[0]][k] for k in rng.choice(EARLIER, Monitor().last, replace=False)]
                for way, told in WAYS.items():
                    said = {name for name, drifted in told(world.reference, window).items() if drifted}
                    found[cell][way].update(said | {ANY} if said else said)
    return found


def table(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    """Markdown."""
    yield from ("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def report(found: dict[Cell, dict[str, Counter[str]]], sizes: list[int], repeats: int) -> Iterator[str]:
    """Per size, ways by shifts; and what the defaults see of each shift, feature by feature."""
    shares = ", ".join(f"{100 * share:g}" for share in SHARES)
    for size in sizes:
        yield f"\n{size:,} rows a window; % of windows, at shifts of {shares} %\n"
        none = {way: found[size, None, 0.0][way][ANY] / (MORE * repeats) for way in WAYS}
        rows = [
            [way, f"{none[way]:.1%}", *(_line(found, size, shift, way, repeats) for shift in SHIFTS)] for way in WAYS
        ]
        yield from table(["method", "no shift", *SHIFTS], rows)
    middle = sizes[len(sizes) // 2]
    yield f"\nThe defaults, feature by feature: {middle:,} rows a window, shifts of 10 %\n"
    of = {shift: found[middle, shift, 0.10]["the defaults"] for shift in SHIFTS}
    none_of = found[middle, None, 0.0]["the defaults"]
    names = sorted({name for said in (*of.values(), none_of) for name in said} - {ANY})
    cells = [
        [name, f"{none_of[name] / (MORE * repeats):.1%}", *(f"{100 * of[s][name] / repeats:.0f}" for s in SHIFTS)]
        for name in names
    ]
    yield from table(["feature", "no shift", *SHIFTS], cells)


def _line(found: dict[Cell, dict[str, Counter[str]]], size: int, shift: str, way: str, repeats: int) -> str:
    return ", ".join(f"{100 * found[size, shift, share][way][ANY] / repeats:.0f}" for share in SHARES)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 1000, 5000])
    parser.add_argument("--splits", type=int, default=4)
    asked = parser.parse_args()
    if not asked.data.exists():
        print(f"skipped: there is no {asked.data}; name the file of reviews with --data", file=sys.stderr)
        return 0
    repeats = asked.repeats // asked.splits * asked.splits
    found = measured(read(asked.data), asked.sizes, repeats, asked.splits)
    print("\n".join(report(found, asked.sizes, repeats)))
    alarms = [found[size, None, 0.0]["the defaults"][ANY] / (MORE * repeats) for size in asked.sizes]
    return 1 if max(alarms) > ALPHA else 0


if __name__ == "__main__":
    sys.exit(main())
