"""Where the pages that people open lie, in the project's folder of the lake."""

from __future__ import annotations

from pathlib import Path

from lakehouse_nlp.core.context import Context


def report_page(ctx: Context, run_id: str) -> Path:
    """The report of a run, which `lakehouse-nlp report` writes; it need not be there."""
    return ctx.folder / "reports" / f"{run_id}.html"


def data_docs(ctx: Context) -> Path:
    """The Data Docs of Great Expectations, of the last validation of silver; they need not be there."""
    return ctx.folder / "quality" / "gx" / "uncommitted" / "data_docs" / "local_site" / "index.html"


def written(page: Path) -> str | None:
    """The page's path as text; None where it was not written."""
    return str(page) if page.exists() else None
