"""The whole of `train` against a hand-written scikit-learn + xgboost script: time, memory, figures; and its growth.

    python benchmarks/train.py [--rows N] [--repeat K] [--engines memory batches …] [--growth 1 4 16] [--json FILE]

Both read the same gold, make the same features (hashed 1-2-grams, TF-IDF, an out-of-fold linear score, 3,000 terms by
chi-squared, a category) and as many rounds; ours also judges the model and registers it with its card. Seconds and peak
memory are those of the whole process and all below it, from its start to its end. Gold is made of the real reviews;
beyond those, of copies in which every tenth word is left out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import paired
import reviews
from paired import Figures
from train_jobs import FIGURES

WORKER = str(Path(__file__).with_name("train_jobs.py"))
BY_HAND = "scikit-learn + xgboost"
AIMS = {"time": 1.5, "peak memory": 1.2, "figures apart": 0.002}


def write(file: Path, rows: int, source: Path) -> None:
    """So many labelled rows of gold, as Parquet: keys, labels and splits by hash, tokens as the pipeline makes them."""
    import duckdb

    query = f"""
        WITH one AS (
          SELECT * FROM {reviews.lines(source)}
          WHERE ReviewID <> '' AND Content IS NOT NULL AND Overall::DOUBLE <> 3
          QUALIFY row_number() OVER (PARTITION BY ReviewID ORDER BY Content) = 1),
        words AS (
          SELECT ReviewID, Overall, category, list_filter(string_split_regex(lower(concat_ws(' ', Title, Content)),
                 '[^\\p{{L}}\\p{{N}}'']+'), lambda word: word <> '') AS words FROM one),
        copied AS (
          SELECT ReviewID || '-' || copy AS key, 'train' AS purpose,
                 CASE WHEN Overall::DOUBLE > 3 THEN 'positive' ELSE 'negative' END AS label, category,
                 hash(ReviewID, copy, 0) % 10 AS place,
                 CASE WHEN copy = 0 THEN words
                      ELSE list_filter(words, lambda word, place: hash(word, place, copy) % 10 > 0) END AS tokens
          FROM words, range(1 + {rows} // (SELECT count(*) FROM words)) AS copies(copy)
          ORDER BY copy, hash(ReviewID) LIMIT {rows})
        SELECT key, purpose, label, CASE place WHEN 0 THEN 'test' WHEN 1 THEN 'validation' ELSE 'train' END AS split,
               category, array_to_string(tokens, ' ') AS clean_text, tokens, 0::INT AS n_chars,
               len(tokens)::INT AS n_tokens, 'benchmark' AS nlp_hash, (hash(key) >> 1)::BIGINT AS row_hash
        FROM copied"""
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)")


def home(folder: Path, rows: int, source: Path) -> Path:
    """A home folder whose gold has so many rows."""
    made = reviews.home(folder / f"home-{rows}")
    write(folder / "gold.parquet", rows, source)
    paired.measure([sys.executable, WORKER, "prepared", str(made), str(folder / "gold.parquet")], Figures())
    return made


def jobs(made: Path, engines: Sequence[str]) -> dict[str, list[str]]:
    """Both sides, by what they are called."""
    sides = {BY_HAND: [sys.executable, WORKER, "by_hand", str(made), "3"]}
    return sides | {f"train, {e}": [sys.executable, WORKER, "ours", str(made), e] for e in engines}


def apart(found: dict[str, Figures]) -> list[str]:
    """A line a job: the figures of the test rows, and how far they are from those of the script."""
    base, lines = found[BY_HAND].told[0], []
    for name, figures in found.items():
        told = figures.told[0]
        lines.append(f"{name:28}" + "".join(f"  {f} {told[f]:.4f} ({told[f] - base[f]:+.4f})" for f in FIGURES))
    return lines


def main() -> None:
    """Prints a table a section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--engines", nargs="+", default=["auto"])
    parser.add_argument("--growth", type=int, nargs="*", default=[1, 4, 16], help="times a sixteenth of the rows")
    parser.add_argument("--source", type=Path, default=reviews.SOURCE)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if not given.source.exists():
        raise SystemExit(f"the reviews are not there: {given.source}")
    told: dict[str, Any] = {"machine": paired.machine()}
    print(paired.machine())
    with tempfile.TemporaryDirectory(prefix="train-benchmark-") as folder:
        for times in given.growth or [16]:
            rows = given.rows * times // 16
            made = home(Path(folder), rows, given.source)
            found = paired.paired(jobs(made, given.engines), given.repeat)
            print(f"\n{rows:,} rows of gold (x{times})\n{paired.table(found, BY_HAND)}")
            print("\n".join(apart(found)), flush=True)
            told[f"x{times}"] = paired.plain(found)
            shutil.rmtree(made)
    print(f"\naims, against the script: {AIMS}; growth no worse than linear; {paired.machine()}")
    if given.json:
        given.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
