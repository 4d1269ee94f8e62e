"""What a project's model reaches on other splits: its figures beside the baselines', by split seed and in the mean.

    python benchmarks/seeds.py PROJECT [--of PROJECT] [--seeds 0 1 2] [--home DIR] [--by-row] [--set train.seed=1 ...]

Reads the gold and silver of a project that has run (`--of`: another of the same columns), and trains anew for each
`gold.split.seed`, from the vocabulary and vectors of the text on; nothing is written. `--by-row` deals folds and
bootstrap draws by row, whatever `gold.split.by` says. Exit code 1 if the model is behind the linear baseline in the
mean of a figure.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.gold.stage import split_of
from lakehouse_nlp.model.stacked import fit
from lakehouse_nlp.train import blocks, material
from lakehouse_nlp.train.evaluation import figures

CLASSES, NUMBERS = ("roc_auc", "accuracy", "f1_macro", "log_loss"), ("rmse", "mae", "r2")
LOWER = ("log_loss", "rmse", "mae")


def resplit(ctx: Context, gold: DataFrame, seed: int) -> DataFrame:
    """The rows of gold with the labels of this project and the split of another seed."""
    split = ctx.settings.gold.split.model_copy(update={"seed": seed})
    by = F.col(f"`{split.by}`").cast("string") if split.by else F.col("_key")
    label = F.expr(ctx.settings.label).cast("string").alias("label")
    chosen = ctx.tables.read("silver").select(F.col("_key").alias("key"), label, split_of(by, split).alias("split"))
    return gold.drop("label", "split").join(chosen, "key").where("label IS NOT NULL")


def trained(ctx: Context, gold: DataFrame, by: str | None) -> tuple[dict[str, Any], float, float]:
    """The figures of a model of these rows, and the seconds of reading their text and of the fit."""
    begun = time.perf_counter()
    spec = material.with_text(ctx, ctx.settings, lambda: gold.where("split = 'train'"))
    data = blocks.collect(gold, spec, by=by)
    read = time.perf_counter()
    train, validation, test = (data.part(name) for name in ("train", "validation", "test"))
    checked = (validation.rows, validation.labels)
    model = fit(train.rows, train.labels, spec, os.cpu_count() or 1, validation=checked, groups=train.groups)
    done = time.perf_counter()
    return figures(model, train, validation, test), read - begun, done - read


def lines(found: list[tuple[int, dict[str, Any], float, float]]) -> list[str]:
    """A Markdown table: a line a seed, and the mean."""
    figures = names(found[0][1])
    head = ["seed", "test rows", *(f"{name}: model / linear / guess" for name in figures)]
    head += [f"95 % of {figures[0]}", "rounds", "text, s", "fit, s"]
    rows = [
        [str(seed), f"{m['test']['rows']:,}", *(cell([m], name) for name in figures),
         " to ".join(f"{end:.4f}" for end in m["intervals"].get(figures[0], ())),
         str(m["rounds"]), f"{r:.0f}", f"{s:.0f}"]
        for seed, m, r, s in found
    ]  # fmt: skip
    mean = ["mean", "", *(cell([m for _, m, *_ in found], name) for name in figures), "", "", "", ""]
    return ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows, mean)]


def names(metrics: dict[str, Any]) -> tuple[str, ...]:
    """The figures to show: for two classes also the F1 of each."""
    if not metrics["classes"]:
        return NUMBERS
    return (*CLASSES, *(f"f1.{name}" for name in metrics["classes"]))


def means(found: list[dict[str, Any]], name: str) -> list[float]:
    """A figure of model, linear baseline and guess, each the mean of several runs."""
    section, _, key = name.partition(".")
    of = [[m["test"], m["baselines"]["linear"], m["baselines"]["majority"]] for m in found]
    return np.mean([[f[section][key] if key else f[section] for f in each] for each in of], axis=0).tolist()


def cell(found: list[dict[str, Any]], name: str) -> str:
    """The three as text."""
    return " / ".join(f"{value:.4f}" for value in means(found, name))


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project")
    parser.add_argument("--of")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--home", type=Path, default=Path())
    parser.add_argument("--by-row", action="store_true")
    parser.add_argument("--set", dest="sets", nargs="*", default=[])
    asked = parser.parse_args()
    with closing(Context.open(asked.home, asked.project, sets=asked.sets)) as ctx:
        ctx.tables.project = asked.of or asked.project
        gold = ctx.tables.read("gold").where("purpose = 'train'")
        by = None if asked.by_row else ctx.settings.gold.split.by
        found = [(seed, *trained(ctx, resplit(ctx, gold, seed), by)) for seed in asked.seeds]
    print("\n".join(lines(found)))
    metrics = [m for _, m, *_ in found]
    behind = [name for name in names(metrics[0])[:2] if _behind(name, means(metrics, name))]
    return 1 if behind else 0


def _behind(name: str, figures: list[float]) -> bool:
    model, linear, _ = figures
    return model > linear if name in LOWER else model < linear


if __name__ == "__main__":
    sys.exit(main())
