"""The files of a simulated month: real reviews by the day of the month of their date, with what is planted in them.

Day 7 is made of reviews that were written on a 7th, from July 2012 on, so trends of the years are in every day alike.
Reviews of three stars have no label, and are left out; each review comes once.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import month_plan as plans
import reviews

BEFORE = "2012-07-01"
LEARNT, USUAL = ("cameras", "mobile phone"), "laptops"
QUERY = """
SELECT * EXCLUDE (line, place), strptime(Date, '%B %d, %Y') AS written, place
FROM (SELECT *, row_number() OVER (PARTITION BY ReviewID ORDER BY line DESC) AS place
      FROM (SELECT *, row_number() OVER () AS line FROM {lines}))
WHERE place = 1 AND Overall::DOUBLE <> 3 ORDER BY md5(ReviewID)"""
FIELDS = ("category", "product_id", "product_name", "price", "ReviewID", "Title", "Overall", "Date", "Content")
Review = dict[str, Any]


@dataclass
class Reviews:
    """Reviews by what they are good for, each list in an order of chance that is always the same."""

    history: list[Review]
    by_day: dict[int, list[Review]]
    laptops: list[Review]
    negative: list[Review]


def read(source: Path, rows: int, history: int) -> Reviews:
    """The reviews of a month of so many rows a day, and of the time before, that the first model learns from."""
    import duckdb

    with duckdb.connect() as connection:
        asked = connection.execute(QUERY.format(lines=reviews.lines(source)))
        names = [column[0] for column in asked.description or []]
        everything = [dict(zip(names, row, strict=True)) for row in asked.fetchall()]
    late = datetime.fromisoformat(BEFORE)
    by_day: dict[int, list[Review]] = {}
    rest: list[Review] = []
    for row in everything:
        if row["category"] in LEARNT and row["written"] >= late:
            of = by_day.setdefault(row["written"].day, [])
            (of if len(of) < rows else rest).append(row)
    laptops = [row for row in everything if row["category"] == USUAL]
    negative = [row for row in everything if row["category"] in LEARNT and row["written"] < late and bad(row)]
    return Reviews(rest[:history], by_day, laptops, negative)


def bad(row: Review) -> bool:
    """Whether the review is negative."""
    return float(row["Overall"]) < 3


def of_day(found: Reviews, day: int, events: Sequence[plans.Event], rows: int) -> list[Review]:
    """The reviews of a day, with the shifts that are planted on it."""
    usual = found.by_day.get(day, [])[:rows]
    if plans.planted(events, "vocabulary", day):
        wanted = sum(map(bad, usual))
        return _like(usual, _taken(found.laptops, wanted, True) + _taken(found.laptops, len(usual) - wanted, False))
    if plans.planted(events, "labels", day):
        half = len(usual) // 2
        good = [row for row in usual if not bad(row)][: len(usual) - half]
        return _like(usual, [*good, *_taken(found.negative, half, True)])
    return usual


def _like(usual: Sequence[Review], chosen: Sequence[Review]) -> list[Review]:
    """These reviews in an order of chance, under the categories of the usual ones: text and stars alone are to tell."""
    mixed = sorted(chosen, key=lambda row: hashlib.md5(row["ReviewID"].encode()).digest())
    return [{**row, "category": like["category"]} for row, like in zip(mixed, usual, strict=True)]


def _taken(rows: list[Review], n: int, is_bad: bool) -> list[Review]:
    """Takes n reviews of a kind out of a list."""
    chosen = [row for row in rows if bad(row) == is_bad][:n]
    gone = {row["ReviewID"] for row in chosen}
    rows[:] = [row for row in rows if row["ReviewID"] not in gone]
    return chosen


def label(row: Review) -> str:
    """What people say of it later, as the project's label expression would."""
    return "negative" if bad(row) else "positive"


def write(path: Path, rows: Sequence[Review], at: datetime, *, labelled: bool = False, renamed: bool = False) -> None:
    """A file of reviews as they are dropped, written at this time; without stars unless it is `labelled`."""
    lines = []
    for row in rows:
        told = {name: row[name] if name != "Overall" or labelled else None for name in FIELDS}
        if renamed:
            told["cost"] = told.pop("price")
        lines.append(json.dumps(told) + "\n")
    text = "".join(lines).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
    os.utime(path, (at.timestamp(), at.timestamp()))


def cut(path: Path) -> None:
    """Leaves of a file its first half."""
    at, whole = path.stat().st_mtime, path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    os.utime(path, (at, at))
