"""The Great Expectations suite of silver, run on the counts of the step, kept with its report and Data Docs.

Rows are routed by our own rules; this says of each step, in the form people know, what was expected and what was seen.
The counts are one row, so it costs the same for any number of rows.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.hush import hush
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.silver.figures import Figure, share
from lakehouse_nlp.silver.judge import Counts
from lakehouse_nlp.silver.results import Result

NAME = "silver"


def figures(settings: Settings, counts: Counts, said: Sequence[Result]) -> list[Figure]:
    """Every figure of the step with its bounds: rows and keys, columns that are never null, and those of the rules.

    A mask expects nothing.
    """
    valid = max(counts.valid, 1)
    asked = [check for check in settings.checks if check.rule == "not_null"]
    strict = (c.column for c in asked if c.action == "quarantine" or (c.action == "fail" and not c.tolerance))
    return [
        Figure("rows read", counts.read, 1),
        Figure("keys", counts.keys, 1, valid),
        *(
            share(f"share of valid rows without {name}", counts.missing[name], valid)
            for name in dict.fromkeys([*settings.key, *strict])
        ),
        *(_of(result, figure) for result in said if result.action != "mask" for figure in result.figures),
    ]


def _of(result: Result, figure: Figure) -> Figure:
    """The figure under its rule's name, with the bounds that the tolerance leaves."""
    low, high = figure.bounds(result.tolerance)
    name = figure.name if result.rule in figure.name else f"{result.rule}: {figure.name}"
    return replace(figure, name=name, min=low, max=high)


def report(ctx: Context, counts: Counts, said: Sequence[Result]) -> Path:
    """Runs the suite and writes its result and Data Docs below `quality/`; returns the page to open."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    hush("great_expectations", "great_expectations._docs_decorators")
    import great_expectations as gx
    import pandas as pd
    from great_expectations.checkpoint.actions import UpdateDataDocsAction
    from great_expectations.data_context.types.base import ProgressBarsConfig

    home = ctx.folder / "quality"
    home.mkdir(parents=True, exist_ok=True)
    context = gx.get_context(mode="file", project_root_dir=str(home))
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_or_update_pandas(NAME)
    batch = source.add_dataframe_asset("counts").add_batch_definition_whole_dataframe("step")
    asked = figures(ctx.settings, counts, said)
    suite = context.suites.add_or_update(gx.ExpectationSuite(NAME, expectations=_expectations(asked)))
    validation = gx.ValidationDefinition(name=NAME, data=batch, suite=suite)
    checkpoint = gx.Checkpoint(
        name=NAME,
        validation_definitions=[context.validation_definitions.add_or_update(validation)],
        actions=[UpdateDataDocsAction(name="data_docs")],
    )
    frame = pd.DataFrame([{figure.name: figure.value for figure in asked}], dtype="float64")
    context.checkpoints.add_or_update(checkpoint).run(
        batch_parameters={"dataframe": frame}, run_id=gx.RunIdentifier(run_name=ctx.run_id)
    )
    return home / "gx" / "uncommitted" / "data_docs" / "local_site" / "index.html"


def _expectations(asked: Sequence[Figure]) -> list[Any]:
    """A figure lies between its bounds. One without a value is asked for one: the library passes over nulls."""
    from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
    from great_expectations.expectations.core.expect_column_values_to_not_be_null import ExpectColumnValuesToNotBeNull

    return [
        ExpectColumnValuesToNotBeNull(column=figure.name)
        if figure.value is None
        else ExpectColumnValuesToBeBetween(column=figure.name, min_value=figure.min, max_value=figure.max)
        for figure in asked
    ]
