"""What tokens cost, setting by setting: CPU seconds of every step by Spark NLP, and of only those that need it.

    python benchmarks/tokens.py amazon_reviews.jsonl.gz --columns Title Content [--rows 40000] [--only TEXT]

Each setting is warmed up on a tenth of the rows, and then run by turns, `all` and `needed`, to a sink that keeps
nothing. CPU seconds are those of the JVM and of Python, the dictionary of stems among them. Rows whose tokens differ
are counted in a pass of their own; exit code 1 if there are any. `--only`: pipelines with this in their name.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from paired import cpu_seconds, machine
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse_nlp.core.session import session
from lakehouse_nlp.core.settings.models import Nlp, Spark
from lakehouse_nlp.gold.pipeline import TEXT, tokenised

WORDS = r"[^\p{L}]+"
USUAL: dict[str, Any] = {"tokenizer": "rules", "normalizer": True, "pattern": WORDS, "stop_words": "english"}
SETTINGS: dict[str, dict[str, Any]] = {
    "Tokenizer, Normalizer, StopWordsCleaner": USUAL,
    "the same, Stemmer": {**USUAL, "stem": True},
    "RegexTokenizer": {},
    "RegexTokenizer, StopWordsCleaner": {"pattern": WORDS, "stop_words": "english"},
    "RegexTokenizer, Stemmer": {"pattern": WORDS, "stem": True},
    "RegexTokenizer, StopWordsCleaner, Stemmer": {"pattern": WORDS, "stop_words": "english", "stem": True},
}


def texts(spark: SparkSession, asked: argparse.Namespace, folder: Path) -> DataFrame:
    """The first rows of the file, as Parquet in eight parts."""
    read = spark.read.json(str(asked.file)).select(F.concat_ws(" ", *asked.columns).alias(TEXT)).limit(asked.rows)
    read.repartition(8).write.parquet(str(folder / "texts"))
    return spark.read.parquet(str(folder / "texts"))


def seconds(rows: DataFrame, nlp: Nlp, folder: Path) -> float:
    """CPU seconds of making these rows' tokens."""
    begun = cpu_seconds(os.getpid())
    tokenised(rows, nlp, folder, folder / "nlp").select("tokens").write.format("noop").mode("overwrite").save()
    return cpu_seconds(os.getpid()) - begun


def differing(rows: DataFrame, nlp: Nlp, folder: Path) -> int:
    """How many rows have other tokens where only the needed steps are annotators."""
    both = tokenised(rows, nlp, folder, folder / "nlp").withColumnRenamed("tokens", "quick")
    usual = tokenised(both, nlp.model_copy(update={"annotators": "all"}), folder, folder / "nlp")
    return usual.where("NOT (quick <=> tokens)").count()


def measured(rows: DataFrame, name: str, asked: argparse.Namespace, folder: Path) -> tuple[str, int]:
    """A line of the table, and the rows that differ."""
    ways = {way: Nlp.model_validate({**SETTINGS[name], "annotators": way}) for way in ("all", "needed")}
    if SETTINGS[name].get("tokenizer") == "rules":
        del ways["needed"]
    found: dict[str, list[float]] = {way: [] for way in ways}
    for nlp in ways.values():
        seconds(rows.sample(0.1, 0), nlp, folder)
    for _ in range(asked.repeat):
        for way, nlp in ways.items():
            found[way].append(seconds(rows, nlp, folder))
    shown = [f"{statistics.median(s):.1f} ({min(s):.1f}-{max(s):.1f})" for s in found.values()]
    if len(ways) == 1:
        return f"| {name} | {shown[0]} | | | |", 0
    ratio = statistics.median(found["all"]) / statistics.median(found["needed"])
    wrong = differing(rows, ways["needed"], folder)
    return f"| {name} | {' | '.join(shown)} | {ratio:.1f} | {wrong} |", wrong


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--columns", nargs="+", required=True)
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    spark = session(Spark(master="local[2]", conf={"spark.driver.memory": "3g", "spark.ui.enabled": False}))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = texts(spark, asked, folder)
        print(f"CPU seconds of {rows.count():,} rows; {machine()}\n")
        print("| pipeline | all | needed | ratio | rows that differ |\n|---|---|---|---|---|", flush=True)
        wrong = 0
        for pipeline in (name for name in SETTINGS if asked.only in name):
            line, differ = measured(rows, pipeline, asked, folder)
            print(line, flush=True)
            wrong += differ
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
