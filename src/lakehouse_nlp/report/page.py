"""The facts as one HTML page that stands alone: Jinja's templates beside this file, every text escaped."""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lakehouse_nlp.core.packaged import package_folder
from lakehouse_nlp.report import forms, summary, trends, way
from lakehouse_nlp.report.facts import Facts

FILTERS = (
    forms.number,
    forms.compact,
    forms.share,
    forms.span,
    forms.size,
    forms.money,
    forms.moment,
    forms.plain,
    forms.figures,
)


def page(facts: Facts, pages: Mapping[str, str] | None = None, data_docs: str | None = None) -> str:
    """The page. `pages`: run id -> link of its report, for those that were written; `data_docs`: link of Data Docs."""
    folder = package_folder() / "report" / "templates"
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({form.__name__: form for form in FILTERS})
    environment.filters["called"] = summary.called
    environment.tests["number"] = lambda value: isinstance(value, (int, float))
    busy, drawn = summary.busy(facts), trends.watched(facts.drift)
    return environment.get_template("page.html.j2").render(
        facts=facts,
        run=facts.run,
        model=facts.model,
        state=summary.state(facts),
        tiles=summary.tiles(facts),
        signs=summary.signs(facts),
        checks=[(check, *summary.outcome(check)) for check in facts.checks],
        busy=busy,
        together=summary.together(busy),
        way=way.picture(facts),
        over_runs=trends.over_runs(facts),
        watched=drawn,
        others=[each for each in facts.drift if each not in [drawing[0] for drawing in drawn]],
        trust=trends.trust(facts.model) if facts.model else None,
        states=summary.STATES,
        pages=pages or {},
        data_docs=data_docs,
        style=(folder / "style.css").read_text(encoding="utf-8"),
    )
