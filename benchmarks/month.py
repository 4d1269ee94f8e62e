"""A simulated month: real reviews come day by day, faults and shifts are planted on known days, and the ledger has to
show each on its day and nothing else. Writes docs/a-month.md. Exit code 1 where something was missed or invented.

    python benchmarks/month.py --days 7 --source amazon_reviews.jsonl.gz
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import month_days as days
import month_found as ledger
import month_page as page
import month_plan as plans
import month_world as world
import reviews

START = datetime(2014, 7, 1, tzinfo=timezone.utc)
MORNING, EVENING = 6, 18
CHOICES = """extends: amazon_reviews
description: A simulated month of reviews
features:
  text: {{buckets: 65536, select: 1000}}
train:
  booster: {{rounds: 60}}
  retrain: {{share: null}}             # only what monitoring asks for
register:
  baselines: [majority]
monitor:
  actions: {{inputs: alert, outputs: block_scoring, labels: retrain, performance: alert, data: alert, runs: note}}
runs:
  retries: {{tries: 2, wait: 1s}}
disk: {{min_free: null, warn: null}}  # the disk is small, and its end is to be met
mlflow: {{tracking_uri: {store}}}
alerts: {{operators: ["{operators}"]}}
spark:
  master: local[2]
  conf:
    spark.ui.enabled: false
    spark.driver.memory: 3g
    spark.sql.shuffle.partitions: 2
    spark.databricks.delta.snapshotPartitions: 2
"""


class Clock:
    """The time of the simulated day, which goes on as fast as ours."""

    def __init__(self) -> None:
        self.at(1, MORNING)

    def at(self, day: int, hour: int) -> datetime:
        """Sets it."""
        self._day, self._since = START + timedelta(days=day - 1, hours=hour), time.monotonic()
        return self._day

    def __call__(self) -> datetime:
        """The time."""
        return self._day + timedelta(seconds=time.monotonic() - self._since)


class Month:
    """The project as it goes through its month: its world, its operator, and what was dropped."""

    def __init__(self, home: Path, found: days.Reviews, events: tuple[plans.Event, ...], rows: int) -> None:
        self.home, self.found, self.events, self.rows = home, found, events, rows
        self.clock, self.dropped, self.cut = Clock(), 0, 0
        self.said: list[dict[str, Any]] = []
        self._late: list[days.Review] = []  # whose labels come the day after

    def day(self, number: int, store: world.Store, disk: world.Disk) -> None:
        """One day: files come, labels of the day before come, the morning's run, and what the operator does then."""
        began, at = time.monotonic(), self.clock.at(number, MORNING)
        self._labels(number)
        self._drop(number, at - timedelta(hours=1))
        away, full = (plans.planted(self.events, name, number) for name in ("outage", "full disk"))
        if away:
            store.stop()
        if full:
            disk.fill()
        states = [self._run()]
        if full:
            disk.clear()
        if away:
            store.start()
        if away or full:
            self.clock.at(number, EVENING)
            states.append(self._run())
        if states[-1] == "blocked":
            self._clear("looked at what came: the reviews are real")
            states.append(self._run())
        seconds = round(time.monotonic() - began)
        self.said.append({"day": number, "states": states, "seconds": seconds})
        print(f"day {number}: {', '.join(states)} ({seconds} s)", flush=True)

    def _context(self) -> Any:
        from lakehouse_nlp.core.context import Context
        from lakehouse_nlp.core.settings import load

        return Context(self.home, load(self.home, "month"), clock=self.clock, say=self._say)

    def _say(self, line: str) -> None:
        with (self.home / "said.log").open("a", encoding="utf-8") as log:
            log.write(f"{self.clock():%d %H:%M} {line}\n")

    def _run(self) -> str:
        """The state in which a run ends."""
        from lakehouse_nlp import flow

        try:
            report = flow.run(self._context())
        except Exception as error:  # whatever it is, the ledger has to know it
            self._say(f"the run ended: {error!r}")
            return "failed"
        blocked = any(each.startswith("scoring of") for each in report.refused)
        return "blocked" if blocked else report.state

    def _clear(self, why: str) -> None:
        from lakehouse_nlp.core import actions

        actions.clear(self._context(), why)

    def _labels(self, number: int) -> None:
        from lakehouse_nlp.labels import Given, give

        if self._late:
            given = [Given(row["ReviewID"], days.label(row)) for row in self._late]
            give(self._context(), given, f"labels-{number - 1:02}.csv", ahead=True)
        self._late = []

    def _drop(self, number: int, at: datetime) -> None:
        raw = self.home / "lake/month/raw"
        if number == 1:
            days.write(raw / "train/before.jsonl", self.found.history, at, labelled=True)
            self.dropped += len(self.found.history)
        rows = days.of_day(self.found, number, self.events, self.rows)
        renamed = plans.planted(self.events, "schema change", number)
        if plans.planted(self.events, "bad file", number):
            part, rows = rows[: len(rows) // 10], rows[len(rows) // 10 :]
            broken = raw / "inference" / f"day-{number:02}-more.jsonl.gz"
            days.write(broken, part, at)
            days.cut(broken)
            self.cut += len(part)
            self.dropped += len(part)
        days.write(raw / "inference" / f"day-{number:02}.jsonl", rows, at, renamed=renamed)
        self.dropped += len(rows)
        self._late = rows


def simulate(arguments: argparse.Namespace, home: Path) -> int:
    """Runs the month in a home folder; 1 where the ledger is not what was planted."""
    with ExitStack() as later:
        disk = world.Disk(home / "lake")
        later.callback(disk.close)
        events = plans.plan(arguments.days, disk=disk.there)
        print("" if disk.there else "no disk is made full: mounting one needs root", end="", flush=True)
        operators = world.Operators()
        later.callback(operators.close)
        store = world.Store(home / "mlflow")
        later.callback(store.stop)
        store.start()
        (home / "conf/projects/month.yml").write_text(CHOICES.format(store=store.uri, operators=operators.url))
        found = days.read(arguments.source, arguments.rows, arguments.history)
        month = Month(home, found, events, arguments.rows)
        for number in range(1, arguments.days + 1):
            month.day(number, store, disk)
        return told(month, operators, arguments)


def told(month: Month, operators: world.Operators, arguments: argparse.Namespace) -> int:
    """Holds the ledger against the plan, writes the page, and says what is wrong."""
    lake, start = month.home / "lake", date(START.year, START.month, START.day)
    found = ledger.findings(lake, start)
    rows, wrong = ledger.account(lake, month.dropped, month.cut)
    wrong = [*plans.faults(month.events, found), *wrong]
    whole = {
        "days": arguments.days, "rows": arguments.rows, "history": arguments.history, "account": rows, "wrong": wrong,
        "said": month.said, "found": sorted(found), "messages": len(operators.messages),
        "windows": ledger.windows(lake, start), "steps": ledger.steps(lake, start),
        "champions": ledger.champions(lake, start),
    }  # fmt: skip
    (month.home / "month.json").write_text(json.dumps(whole, default=str, indent=1), encoding="utf-8")
    page.write(arguments.page, whole, month.events)
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(found)} findings, {len(wrong)} of them wrong; see {arguments.page}")
    return 1 if wrong else 0


def main(run: Callable[[argparse.Namespace, Path], int] = simulate) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30, help=f"how many; {plans.SHORTEST} at least")
    parser.add_argument("--rows", type=int, default=600, help="reviews a day, at most")
    parser.add_argument("--history", type=int, default=6000, help="labelled reviews for the first model")
    parser.add_argument("--source", type=Path, default=reviews.SOURCE, help="the reviews, as JSON lines")
    parser.add_argument("--page", type=Path, default=reviews.ROOT / "docs/a-month.md", help="what to write")
    parser.add_argument("--home", type=Path, help="an empty folder to work in, which stays")
    arguments = parser.parse_args()
    if not arguments.source.exists():
        print(f"skipped: {arguments.source} is not there; --source FILE names the reviews")
        return 0
    folder = arguments.home or Path(tempfile.mkdtemp(prefix="month-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return run(arguments, reviews.home(folder.resolve()))
    finally:
        if not arguments.home:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())
