"""Sums of the vectors of windows, where the model reads any: made by the class that serves, where the rows are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import Registry, Version
from lakehouse_nlp.model.vectors import Vectors

if TYPE_CHECKING:
    import pyarrow as pa

# Rows whose vectors are made, by a hash of their keys: by an encoder each costs as much as scoring it.
LOOKED_AT = 2_000
SUMS = "window string, window_at timestamp, rows bigint, sums array<double>"


def vectors_of(ctx: Context, version: Version) -> Vectors | None:
    """What the version makes vectors with."""
    Registry(ctx).client  # noqa: B018  # points MLflow at the project's store
    import mlflow

    found: Vectors | None = mlflow.pyfunc.load_model(version.uri).get_raw_model().spec.vectors
    return found


def vector_sums(texts: DataFrame, vectors: Vectors) -> dict[tuple[str, Any], dict[str, Any]]:
    """(window, when) -> `rows` that have a vector, and the `sums` of these; of `texts` with key, window, window_at and
    clean_text at most `LOOKED_AT` rows.
    """

    def sums(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pandas as pd
        import pyarrow as pa

        for batch in batches:
            frame = pd.DataFrame(vectors.of(batch["clean_text"]).astype(np.float64)).dropna()
            windows = batch.select(["window", "window_at"]).to_pandas().loc[frame.index]
            for name, part in frame.groupby(windows["window"]):
                when = windows["window_at"].loc[part.index[0]]
                one = {"window": name, "window_at": when, "rows": len(part), "sums": part.sum().tolist()}
                yield pa.RecordBatch.from_pylist([one], schema)

    import pyarrow as pa

    schema = pa.schema([
        ("window", pa.string()), ("window_at", pa.timestamp("us", "UTC")), ("rows", pa.int64()),
        ("sums", pa.list_(pa.float64())),
    ])  # fmt: skip
    chosen = texts.orderBy(F.xxhash64("key"), "key").limit(LOOKED_AT).select("window", "window_at", "clean_text")
    found: dict[tuple[str, Any], dict[str, Any]] = {}
    for row in chosen.mapInArrow(sums, SUMS).collect():
        of = found.setdefault((row["window"], row["window_at"]), {"rows": 0, "sums": [0.0] * len(row["sums"])})
        of["rows"] += row["rows"]
        of["sums"] = [round(a + b, 6) for a, b in zip(of["sums"], row["sums"], strict=True)]
    return found
