"""The demonstration: sample reviews through the whole path, and what can be asked then."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from lakehouse_nlp import flow
from lakehouse_nlp.cli import render
from lakehouse_nlp.cli.progress import watched
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.packaged import packaged
from lakehouse_nlp.core.views import filled, questions
from lakehouse_nlp.demo.sample import write_samples
from lakehouse_nlp.init import add_files
from lakehouse_nlp.query import answer
from lakehouse_nlp.status import champion

PROJECT = "demo"


def demonstrate(home: Path, rows: int) -> int:
    """Runs the demonstration in a home folder; returns the exit code. A second time there is nothing left to do."""
    settings = home / "conf" / "projects" / f"{PROJECT}.yml"
    if not settings.exists():
        settings.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(packaged("conf") / "projects" / settings.name, settings)
    ctx = Context.open(home, PROJECT)
    bring(ctx, rows)
    with closing(ctx), watched(ctx, flow.STAGES) as watch:
        report = flow.run(ctx, watch=watch)
    render.report(report, as_json=False)
    sys.stdout.write("\n")
    render.champion(champion(ctx))
    query = filled(questions()["class_shares"], PROJECT).strip()
    sys.stdout.write(query + "\n\n")
    render.rows(*answer(ctx, query), "table")
    sys.stdout.write(NEXT.replace("lakehouse-nlp", _command()))
    return 1 if report.refused else 0


def bring(ctx: Context, rows: int) -> None:
    """Makes the sample files and puts those that were not taken in yet where ingest looks."""
    with tempfile.TemporaryDirectory() as folder:
        for path in write_samples(Path(folder), rows):
            if not (ctx.folder / "processed" / path.name).exists():
                add_files(ctx.home, ctx.settings, [path], inference=path.parent.name == "inference")


def _command() -> str:
    """What to type for this program where the person stands: its name if the PATH has it, else its path."""
    return "lakehouse-nlp" if shutil.which("lakehouse-nlp") else os.path.relpath(sys.argv[0])


NEXT = f"""
next:
  lakehouse-nlp status --project {PROJECT}
  lakehouse-nlp report --project {PROJECT} --open
  lakehouse-nlp sql "select rule, count(*) from {PROJECT}.rejected_rows group by all"
  lakehouse-nlp sql "select key, prediction, probability from {PROJECT}.current_predictions limit 5"
  lakehouse-nlp init reviews --from YOUR_FILE.csv
"""
