"""A CSV of 5 GB with a driver of 2 GB: an ordinary one passes, one with a quoted field of 200 MB is refused.

`python benchmarks/large_csv.py [--gigabytes N] [--field-megabytes N]`. The files are made in a temporary folder and
removed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import paired

PROJECT = """\
project: large
columns: {id: string, title: string, body: string}
key: id
text: [title, body]
label: title
spark: {conf: {spark.driver.memory: 2g}}
"""
LINE = '{0},title {0},"a body of ordinary length, with ""quotes"", commas,\nand a second line, so that rows are {0}"\n'


def write(path: Path, size: int, field: int) -> int:
    """A file of so many bytes, in its middle a field of `field` bytes, if that is not 0; its rows."""
    numbers = range(100_000)
    block = "".join(LINE.format(number) for number in numbers).encode()
    blocks = -(-size // len(block))
    with path.open("wb") as file:
        file.write(b"id,title,body\n")
        for place in range(blocks):
            file.write(block)
            if field and place == blocks // 2:
                file.write(b'big,one,"')
                for _ in range(field // 100):
                    file.write(b"x" * 99 + b"\n")
                file.write(b'"\n')
    return blocks * len(numbers)


def take(home: Path) -> tuple[int, float, int, str]:
    """Exit code, seconds, peak bytes and talk of one ingest."""
    began = time.monotonic()
    command = [str(Path(sys.executable).with_name("lakehouse-nlp")), "run", "ingest", "--home", str(home)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    peak = paired.Peak(process.pid)
    peak.start()
    _, said = process.communicate()
    return process.returncode, time.monotonic() - began, peak.stop(), said


def main() -> None:
    """Prints a line a file; exits with 1 if either of them ends otherwise than it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=5)
    parser.add_argument("--field-megabytes", type=float, default=200)
    given = parser.parse_args()
    print(paired.machine())
    well = True
    for name, field in (("ordinary", 0), ("one large field", int(given.field_megabytes * 1e6))):
        with tempfile.TemporaryDirectory(prefix="large-csv-") as folder:
            home = Path(folder)
            (home / "conf/projects").mkdir(parents=True)
            (home / "conf/projects/large.yml").write_text(PROJECT, encoding="utf-8")
            raw = home / "lake/large/raw/train"
            raw.mkdir(parents=True)
            rows = write(raw / "large.csv", int(given.gigabytes * 1e9), field)
            code, seconds, peak, said = take(home)
            errors = sorted(path.name for path in (home / "lake/large/errors").glob("*"))
            well &= errors == (["large.csv", "large.csv.report.json"] if field else []) and code == bool(field)
            print(f"{name}: exit {code}, {seconds:.0f} s, peak {peak / 1e6:,.0f} MB, {rows:,} rows written, {errors}")
            print("  " + said.strip().splitlines()[-1])
    sys.exit(not well)


if __name__ == "__main__":
    main()
