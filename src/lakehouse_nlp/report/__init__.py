"""The report: one HTML page of a run and its project, which needs no network, no script and no other file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.pages import data_docs, report_page


@dataclass(frozen=True)
class Written:
    """A page, and the run that it is of."""

    run_id: str
    path: Path


def write(ctx: Context, run_id: str | None = None, to: Path | None = None) -> Written:
    """Writes the report of a run, the last one if none is named.

    `to`: a file, in place of that of `core/pages.py`. Reads tables by DuckDB, and starts no Spark. Raises UsageError
    where the project had no such run, or the file cannot be written.
    """
    from lakehouse_nlp.core.history import runs
    from lakehouse_nlp.report.page import page
    from lakehouse_nlp.report.reading import gather

    if run_id is None:
        last = runs(ctx, 1)
        if not last:
            raise UsageError(
                f"{ctx.settings.project} never ran", hint=f"lakehouse-nlp run --project {ctx.settings.project}"
            )
        run_id = last[0]["id"]
    facts = gather(ctx, run_id)
    place = (to or report_page(ctx, run_id)).resolve()
    others = {past.id: report_page(ctx, past.id) for past in facts.past}
    links = {name: _link(other, place) for name, other in others.items() if other.exists() and other != place}
    docs = data_docs(ctx)
    text = page(facts, links, _link(docs, place) if docs.exists() else None)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        half = place.with_name(f".{place.name}.half")
        half.write_text(text, encoding="utf-8")
        half.replace(place)
    except OSError as error:
        raise UsageError(f"{place} cannot be written: {error}", hint="--to FILE, or make room") from error
    return Written(run_id, place)


def _link(to: Path, of: Path) -> str:
    """A link from one page to another, which stays right where the lake is moved."""
    return quote(Path(os.path.relpath(to, of.parent)).as_posix())
