"""Why a version says what it says of one row of gold. Reads by DuckDB; starts no Spark."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.registry import CHAMPION, Registry


def explain(ctx: Context, key: str, number: int | None = None, most: int = 15) -> dict[str, Any]:
    """The row's label, prediction and outputs by a version (the champion if left out), and the features that move it
    most: `feature`, `value` as the booster saw it, and what it `adds` to the margin.

    Raises UsageError where there is no such version, DataError where there is no champion, or no such key in gold.
    """
    registry = Registry(ctx)
    version = registry.get(number) if number else registry.alias(CHAMPION)
    if version is None:
        raise DataError(f"explain: model {registry.name} has no champion", hint="lakehouse-nlp run train register")
    row = _row(ctx, key)
    registry.client  # noqa: B018  # points MLflow at the project's store
    import mlflow
    import pandas as pd

    from lakehouse_nlp.model.explain import explain as explained
    from lakehouse_nlp.model.pyfunc import frame_to_rows

    model = mlflow.pyfunc.load_model(version.uri).get_raw_model()
    rows = frame_to_rows(pd.DataFrame([row]), model.spec)
    said = model.outputs(rows)
    return {
        "key": key,
        "version": str(version),
        "label": row["label"],
        "prediction": model.predictions(said)[0],
        "outputs": dict(zip(model.classes or ["value"], said[0].tolist(), strict=True)),
        "features": [asdict(part) for part in explained(model, rows, most)[0]],
    }


def _row(ctx: Context, key: str) -> dict[str, Any]:
    table = f"{ctx.settings.project}.gold"
    found = duck.rows(ctx.root, f"SELECT * FROM {table} WHERE key = ?", [key], only=[table])
    if not found:
        raise DataError(
            f"explain: no key {key!r} in {table}", hint=f'lakehouse-nlp sql "select key from {table} limit 10"'
        )
    return {
        name: str(value) if name in _texts(ctx) and value is not None else value for name, value in found[0].items()
    }


def _texts(ctx: Context) -> tuple[str, ...]:
    return ("label", *ctx.settings.features.categorical)
