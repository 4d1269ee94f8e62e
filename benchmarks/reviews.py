"""The real reviews that the benchmarks work on, and home folders with their project."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakehouse_nlp.core.context import Context

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT.parent / "shared/data/amazon_reviews.jsonl.gz"
PROJECT = "amazon_reviews"
LINES = 156_508


def lines(source: Path = SOURCE) -> str:
    """The file's lines in DuckDB's SQL: every field as the file has it."""
    return f"""read_json('{source}', format='newline_delimited', records=true, auto_detect=true,
        convert_strings_to_integers=false, dateformat='none')"""


def home(folder: Path) -> Path:
    """A new home folder whose one project is that of the reviews."""
    (folder / "conf/projects").mkdir(parents=True)
    shutil.copy(ROOT / f"conf/projects/{PROJECT}.yml", folder / "conf/projects")
    return folder


def prepared(ctx: Context, rows: Path) -> dict[str, Any]:
    """Writes gold, as its stage would, from a Parquet file of its columns."""
    from lakehouse_nlp.gold.columns import carried

    ctx.sign("gold")
    ctx.tables.ensure("gold", carried(ctx.settings))
    ctx.tables.replace_window("gold", ctx.spark.read.parquet(str(rows)))
    return {"rows": ctx.tables.log("gold").rows()}
