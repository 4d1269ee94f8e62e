"""Ingest and silver against the shortest hand-written Spark, and against DuckDB with delta-rs: time, memory, rows.

`python benchmarks/ingest.py [--rows N] [--repeat K] [--only format growth silver] [--json FILE]`. Takes the real
reviews ten times over, each copy with keys of its own, as JSON lines and as CSV, from a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import paired
import reviews
from paired import Figures

WORKER = str(Path(__file__).with_name("ingest_jobs.py"))
AIMS = {"ingest": 1.3, "silver": 1.5, "growth": 10.5, "nothing new": 3.0}


def write(folder: Path, rows: int, source: Path) -> dict[str, Path]:
    """The files of so many rows: ending -> file."""
    import duckdb

    copies = -(-rows // reviews.LINES)
    query = f"""
        SELECT r.* REPLACE (r.ReviewID || '-' || n AS ReviewID)
        FROM range({copies}) AS copies(n), {reviews.lines(source)} AS r LIMIT {rows}"""
    paths = {ending: folder / f"reviews-{rows}.{ending}" for ending in ("jsonl", "csv")}
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{paths['jsonl']}' (FORMAT json)")
        connection.execute(f"COPY ({query}) TO '{paths['csv']}' (FORMAT csv, HEADER)")
    return paths


class Homes:
    """Home folders with the project of the reviews, a new one for each run."""

    def __init__(self, folder: Path, source: Path) -> None:
        self.folder, self.source, self._numbers = folder, source, count()

    def new(self) -> Path:
        """An empty home."""
        return reviews.home(self.folder / f"home{next(self._numbers)}")

    def run(self, jobs: Sequence[tuple[str, str, Path]], repeat: int, home: Path | None = None) -> dict[str, Figures]:
        """Title, job and file of each; by turns. `home`: one that is there, whose tables they read."""
        found = {title: Figures() for title, _, _ in jobs}
        for _ in range(repeat):
            for title, job, file in jobs:
                place = self._copied(home) if home else self.new()
                paired.measure([sys.executable, WORKER, job, str(place), str(file)], found[title])
                shutil.rmtree(place)
        return found

    def _copied(self, home: Path) -> Path:
        return Path(shutil.copytree(home, self.folder / f"home{next(self._numbers)}"))


Section = Iterator[tuple[str, dict[str, Figures], str]]


def by_format(homes: Homes, files: dict[str, Path], rows: int, repeat: int) -> Section:
    """Ingest of each format, against Spark by hand and against DuckDB."""
    for ending, file in files.items():
        jobs = [("lakehouse-nlp ingest", "ours", file), ("spark.read…write", "spark", file)]
        jobs.append(("DuckDB -> delta-rs", "duckdb", file))
        title = f"{rows:,} rows of {ending}, {file.stat().st_size / 1e6:,.0f} MB"
        yield title, homes.run(jobs, repeat), "spark.read…write"


def growth(homes: Homes, files: dict[str, Path], rows: int, repeat: int) -> Section:
    """Ingest of all rows against that of a tenth of them."""
    small = write(homes.folder, max(rows // 10, 1), homes.source)["jsonl"]
    jobs = [("one tenth", "ours", small), ("all", "ours", files["jsonl"])]
    yield "growth of ingest, ten times the rows", homes.run(jobs, repeat), "one tenth"


def silver(homes: Homes, files: dict[str, Path], rows: int, repeat: int) -> Section:
    """Silver against the same cleaning by hand, of one bronze."""
    home = homes.new()
    paired.measure([sys.executable, WORKER, "ours", str(home), str(files["jsonl"])], Figures())
    jobs = [("lakehouse-nlp silver", "our_silver", home), ("one select by hand", "one_select", home)]
    yield f"silver of {rows:,} rows", homes.run(jobs, repeat, home), "one select by hand"


SECTIONS = {"format": by_format, "growth": growth, "silver": silver}


def main() -> None:
    """Prints a table a section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10 * reviews.LINES)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", choices=SECTIONS, nargs="+", default=list(SECTIONS))
    parser.add_argument("--source", type=Path, default=reviews.SOURCE, help="the reviews, JSON lines")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if not given.source.exists():
        raise SystemExit(f"the reviews are not there: {given.source}\n  next: --source FILE")
    print(paired.machine())
    told: dict[str, Any] = {"machine": paired.machine()}
    with tempfile.TemporaryDirectory(prefix="ingest-benchmark-") as folder:
        homes = Homes(Path(folder), given.source)
        files = write(homes.folder, given.rows, given.source)
        parts = (SECTIONS[name](homes, files, given.rows, given.repeat) for name in given.only)
        for title, found, base in chain.from_iterable(parts):
            again = [figures["again"] for f in found.values() for figures in f.told if "again" in figures]
            print(f"\n{title}\n{paired.table(found, base)}")
            if again:
                print(f"  with nothing new: {min(again):.2f} to {max(again):.2f} s")
            told[title] = paired.plain(found)
    print(f"\naims: {', '.join(f'{name} at most {aim}' for name, aim in AIMS.items())}; {paired.machine()}")
    if given.json:
        given.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
