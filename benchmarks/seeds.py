"""What a project's model reaches on other splits: its figures beside the baselines', by split seed and in the mean.

    python benchmarks/seeds.py PROJECT [--of PROJECT] [--seeds 0 1 2] [--home DIR] [--by-row] [--set train.seed=1 ...]

Reads the gold and silver of a project that has run (`--of`: another of the same columns), and trains anew for each
`gold.split.seed`; nothing is written. `--by-row` deals folds and bootstrap draws by row, whatever `gold.split.by` says.
Exit code 1 if the model is behind the linear baseline in the mean of a figure.
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
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.gold.stage import split_of
from lakehouse_nlp.model.stacked import fit
from lakehouse_nlp.train import blocks, stage
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.evaluation import figures

CLASSES, NUMBERS = ("roc_auc", "accuracy", "f1_macro", "log_loss"), ("rmse", "mae", "r2")
LOWER = ("log_loss", "rmse", "mae")


def resplit(ctx: Context, data: Labelled, seed: int) -> Labelled:
    """The rows with the labels of this project and the split of another seed."""
    split = ctx.settings.gold.split.model_copy(update={"seed": seed})
    by = F.col(f"`{split.by}`").cast("string") if split.by else F.col("_key")
    chosen = ctx.tables.read("silver").select("_key", F.expr(ctx.settings.label).cast("string"), split_of(by, split))
    found = {key: (label, part) for key, label, part in chosen.toPandas().itertuples(index=False)}
    labels, splits = (np.array([found[key][place] for key in data.keys], dtype=object) for place in (0, 1))
    kept = np.array([label is not None for label in labels])
    groups = None if data.groups is None else data.groups[kept]
    return Labelled(data.rows.take(kept), data.keys[kept], labels[kept], splits[kept], groups=groups)


def trained(ctx: Context, data: Labelled) -> tuple[dict[str, Any], float]:
    """The figures of a model of these rows, and the seconds of its fit."""
    train, validation, test = (data.part(name) for name in ("train", "validation", "test"))
    begun = time.perf_counter()
    checked = (validation.rows, validation.labels)
    spec = stage.specification(ctx.settings)
    model = fit(train.rows, train.labels, spec, os.cpu_count() or 1, validation=checked, groups=train.groups)
    seconds = time.perf_counter() - begun
    return figures(model, train, validation, test), seconds


def lines(found: list[tuple[int, dict[str, Any], float]]) -> list[str]:
    """A Markdown table: a line a seed, and the mean."""
    figures = names(found[0][1])
    head = ["seed", "test rows", *(f"{name}: model / linear / guess" for name in figures)]
    head += [f"95 % of {figures[0]}", "rounds", "fit, s"]
    rows = [
        [str(seed), f"{m['test']['rows']:,}", *(cell([m], name) for name in figures),
         " to ".join(f"{end:.4f}" for end in m["intervals"].get(figures[0], ())), str(m["rounds"]), f"{s:.1f}"]
        for seed, m, s in found
    ]  # fmt: skip
    mean = ["mean", "", *(cell([m for _, m, _ in found], name) for name in figures), "", "", ""]
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
        data = blocks.collect(
            gold, stage.specification(ctx.settings), by=None if asked.by_row else ctx.settings.gold.split.by
        )
        found = [(seed, *trained(ctx, resplit(ctx, data, seed))) for seed in asked.seeds]
    print("\n".join(lines(found)))
    metrics = [m for _, m, _ in found]
    behind = [name for name in names(metrics[0])[:2] if _behind(name, means(metrics, name))]
    return 1 if behind else 0


def _behind(name: str, figures: list[float]) -> bool:
    model, linear, _ = figures
    return model > linear if name in LOWER else model < linear


if __name__ == "__main__":
    sys.exit(main())
