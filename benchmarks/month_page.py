"""The page of a simulated month, with its pictures: what was planted, what was found, when, and what was done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import month_plan as plans
from matplotlib.figure import Figure

SHOWN = ("terms", "prediction", "label")
SHADES = {"vocabulary": "#e8c47a", "labels": "#9fc5e8"}
STAGES = ("ingest", "silver", "gold", "train", "register", "score", "monitor")
PAGE = """# A month

Made by `make month{days_said}`, for which the file of reviews has to be at hand (`ARGS="--source FILE"`): it is not
part of this project. It is {days} days of real reviews, {rows} a day, after {history:,} labelled ones that the first
model learns from. A day is made of reviews that were written on that day of a month, so
it is a day like the others unless something is planted in it. The project runs once a day as it would anywhere;
labels come a day later; the clock is the simulated day's. MLflow is a server on loopback, the lake's disk a tmpfs of
its own, and alerts go to a webhook.

Actions are `inputs: alert, outputs: block_scoring, labels: retrain, performance: alert, data: alert, runs: note`;
else all has its defaults: a thing has drifted once it is beyond its bound in two of three windows
([monitoring](monitoring.md)).

**{verdict}**

## What was planted, and what was found

What came along is what a shift may bring: a model that sees other reviews says other things of them.

{planted}
## Day by day

Of a day with several runs, the first failed or was blocked; the operator put it right, and ran again. `blocked` means
here that scoring was held back by a verdict and the run ended as `rejected`; the project was not blocked.

{by_day}
The operators got {messages} messages.

![Distance from training by day, and the bound]({folder}/drift.svg)

Bars are distances (PSI) of a day's window from what its model learnt from, the line is what chance allows; days with a
shift are shaded: vocabulary first, labels then.

![Seconds of each stage by day]({folder}/seconds.svg)

Times and memory of stages are judged, too, and noted in `ops.drift`; they depend on what else the machine does, so they
are no events here.

## Models

{models}
## Every row

Rows dropped = bronze + rows of refused files; bronze = silver + quarantine; gold = what `current_predictions` shows.

{account}"""


def write(path: Path, month: dict[str, Any], events: Sequence[plans.Event]) -> None:
    """Writes the page, and its pictures in a folder beside it of its name."""
    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    drift(month, events).savefig(folder / "drift.svg", metadata={"Date": None})
    seconds(month).savefig(folder / "seconds.svg", metadata={"Date": None})
    path.write_text(text(month, events, folder.name), encoding="utf-8")


def text(month: dict[str, Any], events: Sequence[plans.Event], folder: str) -> str:
    """The page."""
    wrong = month["wrong"]
    says = "Each was found on its day, nothing was invented, and every row is accounted for."
    verdict = f"{len(wrong)} things are not as they should be: {'; '.join(wrong)}." if wrong else says
    found: dict[int, list[str]] = {}
    for day, what in month["found"]:
        found.setdefault(day, []).append(what)
    names = ("day", "runs", "seconds", "the ledger says")
    days = [
        (each["day"], ", ".join(each["states"]), each["seconds"], "; ".join(found.get(each["day"], [])) or "-")
        for each in month["said"]
    ]
    return PAGE.format(
        days=month["days"],
        days_said="" if month["days"] == 30 else f" DAYS={month['days']}",
        rows=month["rows"],
        history=month["history"],
        verdict=verdict,
        planted=_table(("planted", "days", "what", "has to be found", "came along"), _planted(events, found)),
        by_day=_table(names, days),
        messages=month["messages"],
        folder=folder,
        models=_table(("day", "version", "accuracy", "ROC AUC"), [_champion(each) for each in month["champions"]]),
        account=_table(("where", "rows"), [(name, f"{n:,}") for name, n in month["account"].items()]),
    )


def _planted(events: Sequence[plans.Event], found: dict[int, list[str]]) -> list[tuple[str, ...]]:
    """A row for each event: what had to be found, and what of the rest was."""

    def said(each: Iterable[plans.Finding]) -> str:
        return "; ".join(f"day {day}: {what}" for day, what in sorted(each)) or "-"

    beside = [{(day, what) for day, what in event.may - event.must if what in found.get(day, [])} for event in events]
    return [
        (event.name, ", ".join(map(str, event.days)), event.says, said(event.must), said(came))
        for event, came in zip(events, beside, strict=True)
    ]


def drift(month: dict[str, Any], events: Sequence[plans.Event]) -> Figure:
    """Distances from training, day by day, with their bounds."""
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots(len(SHOWN), 1, sharex=True)
    for place, subject in zip(axes, SHOWN, strict=True):
        rows = [row for row in month["windows"] if row["subject"] == subject]
        beyond = ["#b5442e" if row["value"] > row["bound"] else "#3b6ea5" for row in rows]
        place.bar([row["day"] for row in rows], [row["value"] for row in rows], color=beyond, width=0.7)
        place.step(
            [row["day"] for row in rows], [row["bound"] for row in rows], where="mid", color="black", linewidth=1
        )
        for event in events:
            if event.name in SHADES:
                place.axvspan(event.days[0] - 0.5, event.days[-1] + 0.5, color=SHADES[event.name], alpha=0.5, zorder=0)
        place.set_ylabel(subject)
        place.set_yscale("log")
        place.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel("day")
    axes[0].set_title("PSI from training (red: beyond its bound)", fontsize=10)
    axes[-1].set_xlim(0.4, month["days"] + 0.6)
    return figure


def seconds(month: dict[str, Any]) -> Figure:
    """Seconds of each stage, one upon the other."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    axes = figure.subplots()
    numbers = range(1, month["days"] + 1)
    base = [0.0] * month["days"]
    for stage in STAGES:
        by_day = {row["day"]: row["seconds"] for row in month["steps"] if row["stage"] == stage}
        heights = [by_day.get(day, 0.0) for day in numbers]
        axes.bar(list(numbers), heights, bottom=base, label=stage, width=0.8)
        base = [a + b for a, b in zip(base, heights, strict=True)]
    axes.set_ylabel("seconds")
    axes.set_xlabel("day")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(ncols=len(STAGES), fontsize=8, frameon=False, loc="upper center")
    axes.margins(y=0.2)
    return figure


def _champion(row: dict[str, Any]) -> tuple[Any, ...]:
    metrics = json.loads(row["metrics"])
    return row["day"], row["version"], f"{metrics['accuracy']:.3f}", f"{metrics['roc_auc']:.3f}"


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)
