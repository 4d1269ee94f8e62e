"""The Great Expectations suite of silver, run on the counts of the step, kept with its report and Data Docs.

Rows are routed by our own rules; this says of each step, in the form people know, what was expected and what was seen.
The counts are one row, so it costs the same for any number of rows.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.silver.judge import Counts
from lakehouse_nlp.silver.rules import Rule

NAME = "silver"


def figures(counts: Counts) -> dict[str, float]:
    """The figures that expectations speak of: rows, keys, share of rows that broke each rule, share without a value."""
    read, valid = max(counts.read, 1), max(counts.valid, 1)
    shares = {f"share of rows that broke {rule}": n / read for rule, n in counts.broken.items()}
    nulls = {f"share of valid rows without {column}": n / valid for column, n in counts.missing.items()}
    doubles = {"share of valid rows that are older rows of a key": 1 - counts.keys / valid}
    return {"rows read": counts.read, "rows valid": counts.valid, "keys": counts.keys, **doubles, **shares, **nulls}


def report(ctx: Context, counts: Counts, found: list[Rule]) -> Path:
    """Runs the suite and writes its result and Data Docs below `quality/`; returns the page to open."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    for noisy in ("great_expectations", "great_expectations._docs_decorators"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
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
    suite = context.suites.add_or_update(
        gx.ExpectationSuite(NAME, expectations=_expectations(ctx.settings, counts, found))
    )
    validation = gx.ValidationDefinition(name=NAME, data=batch, suite=suite)
    checkpoint = gx.Checkpoint(
        name=NAME,
        validation_definitions=[context.validation_definitions.add_or_update(validation)],
        actions=[UpdateDataDocsAction(name="data_docs")],
    )
    frame = pd.DataFrame([figures(counts)])
    context.checkpoints.add_or_update(checkpoint).run(
        batch_parameters={"dataframe": frame}, run_id=gx.RunIdentifier(run_name=ctx.run_id)
    )
    return home / "gx" / "uncommitted" / "data_docs" / "local_site" / "index.html"


def _expectations(settings: Settings, counts: Counts, found: list[Rule]) -> list[Any]:
    from great_expectations.expectations.core.expect_column_values_to_be_between import (
        ExpectColumnValuesToBeBetween as Between,
    )

    strict = (check.column for check in settings.checks if check.rule == "not_null" and check.action != "warn")
    never_null = dict.fromkeys([*settings.key, *strict])
    return [
        Between(column="rows read", min_value=1),
        Between(column="keys", min_value=1, max_value=max(counts.valid, 1)),
        *(
            Between(column=f"share of rows that broke {rule.name}", min_value=0, max_value=0)
            for rule in found
            if rule.action != "mask"
        ),
        *(Between(column=f"share of valid rows without {name}", min_value=0, max_value=0) for name in never_null),
    ]
