"""Scoring and text cleaning against the machine's limit and against what people use in their place.

    make bench [ARGS="--rows 50000 --repeat 3 --only score_vs_limit nlp --to FOLDER"]
    python benchmarks/bench.py …

All comparisons over the real reviews, copied to so many rows of silver and gold in a temporary home, with one champion
trained on a part of them. Each job runs in a process of its own, all of them by turns. Writes `latest.json` and, made
from it, `latest.md`; comparisons that were left out stay as they were. Ends with exit code 1 where a job's answers are
not those of its reference. An aim that is missed is told, and is no failure.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import bench_home
import compared
import paired
import reviews
from compared import Aim, Comparison, Side, at_least, at_most
from paired import Figures

WORKER = str(Path(__file__).with_name("bench_jobs.py"))
RESULTS = Path(__file__).with_name("results")

TENTH = "score_tenth"


def by(figure: str, unit: str, peers: str = "") -> Callable[[str, str, str, str, Aim | None], Comparison]:
    """Makes comparisons of two jobs by a figure, or two: name, our job, the peer's, what that is, aim."""
    return lambda name, ours, peer, against, aim: Comparison(
        name, Side(ours, figure), Side(peer, peers or figure), unit, against, aim
    )


rates, seconds = by("rows_per_s", "rows/s"), by("seconds", "s")
cold_rates, cold = by("cold_rows_per_s", "rows/s", "rows_per_s"), by("cold_seconds", "s")
per_cpu, cpu = by("rows_per_cpu_s", "rows/CPU s"), by("cpu_seconds", "CPU s")
COMPARISONS = (
    rates("score_vs_limit", "score", "limit", "one process, all cores, no Spark", at_least(0.7)),
    rates("score_vs_sparkxgb", "score", "sparkxgb", "SparkXGBClassifierModel", at_least(5)),
    rates("score_vs_sklearn", "score", "sklearn", "scikit-learn by `spark_udf`", at_least(5)),
    seconds("first_row", "first_row", "first_row_bare", "workers without preloading", at_most(0.4)),
    per_cpu("nlp", "nlp", "nlp_usual", "Tokenizer, Normalizer, StopWordsCleaner", at_least(3)),
    per_cpu("nlp_stem", "stem", "stem_usual", "the same and Stemmer", at_least(3)),
    cpu("nlp_vs_sql", "nlp", "nlp_sql", "Spark SQL by hand", at_most(2.5)),
    cpu("nlp_vs_duckdb", "nlp", "nlp_duckdb", "DuckDB by hand", None),
    seconds("growth", "score", TENTH, "a tenth of the rows", at_most(10.5)),
    seconds("further_version", "further", "score", "the first version", None),
    Comparison(
        "nothing_new",
        Side("nothing_new", "again"),
        Side("nothing_new", "seconds"),
        "s",
        "the pass that scored all",
        Aim("≤ 3 s", lambda ours, _: ours <= 3),
    ),
    Comparison(
        "worker_memory",
        Side("score", "worker_mb"),
        Side("score", "model_mb"),
        "MB",
        "the model's files",
        Aim("≤ 3× + 300 MB", lambda ours, model: ours <= 3 * model + 300),
    ),
    cold_rates("cold_vs_limit", "score", "limit", "`score_vs_limit`, ours in a new session", at_least(0.7)),
    cold_rates("cold_vs_sparkxgb", "score", "sparkxgb", "`score_vs_sparkxgb`, ours in a new session", at_least(5)),
    cold_rates("cold_vs_sklearn", "score", "sklearn", "`score_vs_sklearn`, ours in a new session", at_least(5)),
    cold("cold_first_row", "first_row", "first_row_bare", "`first_row`, both in new sessions", at_most(0.4)),
)
NAMES = tuple(comparison.name for comparison in COMPARISONS)

# A job whose answers must be another's, which runs once. Peers with models or tokenizers of their own have none.
REFERENCES = {
    "score": "pyfunc",
    "further": "pyfunc",
    "limit": "pyfunc",
    "nlp": "nlp_reference",
    "nlp_sql": "nlp_reference",
    "nlp_duckdb": "nlp_reference",
    "stem": "stem_reference",
}
# What is made before the first round, by the jobs that need it.
NEEDS = {"sparkxgb": "sparkxgb_fitted", "sklearn": "sklearn_fitted"}


def command(job: str, home: Path) -> list[str]:
    """A job over the home's gold, or over a tenth of it."""
    over = [job.removesuffix("_tenth"), str(home), "tenth"] if job.endswith("_tenth") else [job, str(home), "lake"]
    return [sys.executable, WORKER, *over]


def prepare(folder: Path, rows: int, source: Path, jobs: Collection[str]) -> Path:
    """A home with all that these jobs need, and nothing else."""
    home = bench_home.made(folder, rows, source)
    first = ["prepared", "trained"] if any(not job.startswith(("nlp", "stem")) for job in jobs) else []
    first += ["prepared_tenth"] if TENTH in jobs else []
    for job in [*first, *(NEEDS[job] for job in jobs if job in NEEDS)]:
        print(f"  {job} …", file=sys.stderr, flush=True)
        paired.measure(command(job, home), Figures())
    return home


def run(home: Path, jobs: Sequence[str], found: Mapping[str, Figures]) -> None:
    """One round of the jobs, and in the first one their references; raises SystemExit where answers differ."""
    references = dict.fromkeys(REFERENCES[job] for job in jobs if job in REFERENCES)
    for job in [*jobs, *(name for name in references if not found[name].told)]:
        paired.measure(command(job, home), found[job])
        print(f"  {job} {found[job].seconds[-1]:.1f} s", file=sys.stderr, flush=True)
    if wrong := compared.differing({job: found[job] for job in [*jobs, *references]}, REFERENCES):
        raise SystemExit(f"other answers than those of {', '.join(REFERENCES[j] for j in wrong)}: {', '.join(wrong)}")


def main() -> None:
    """Prints the table after each round, and keeps it: a run that is ended early has told what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", choices=NAMES, nargs="+", default=list(NAMES), metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--source", type=Path, default=reviews.SOURCE, help="the reviews, JSON lines")
    parser.add_argument("--to", type=Path, default=RESULTS, help="the folder of latest.json and latest.md")
    given = parser.parse_args()
    if not given.source.exists():
        raise SystemExit(f"the reviews are not there: {given.source}\n  next: --source FILE")
    wanted = [comparison for comparison in COMPARISONS if comparison.name in given.only]
    jobs = list(dict.fromkeys(job for comparison in wanted for job in comparison.jobs))
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        home = prepare(Path(folder), given.rows, given.source, jobs)
        found = {job: Figures() for job in [*jobs, *REFERENCES.values()]}
        for _ in range(given.repeat):
            run(home, jobs, found)
            outcomes = [comparison.outcome(found, given.rows, paired.machine()) for comparison in wanted]
            print(f"\n{compared.markdown(outcomes)}", flush=True)
            compared.save(given.to, compared.merged(given.to, outcomes, NAMES))


if __name__ == "__main__":
    main()
