"""Python workers as their parent leaves them, and what they keep from task to task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from golds import write_gold
from pyspark.sql import SparkSession
from scored import registered

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import CHAMPION, Registry
from lakehouse_nlp.score import predicted

pytestmark = pytest.mark.spark
MakeContext = Callable[..., Context]
NUMBERS = "pid bigint, loads bigint, calls bigint"


def asked(spark: SparkSession, tell: Callable[[], dict[str, Any]], schema: str) -> list[dict[str, Any]]:
    """What workers answer, one or more times each; they cannot import tests, so `tell` must bring all it needs."""

    def answer(_: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        yield pa.RecordBatch.from_pylist([tell()])

    return [row.asDict() for row in spark.range(8, numPartitions=8).mapInArrow(answer, schema).collect()]


def loaded(spark: SparkSession) -> dict[int, tuple[int, int]]:
    """Of each worker how many models it has loaded, and how many it was asked for, by its process."""

    def tell() -> dict[str, Any]:
        import os

        from lakehouse_nlp.model.pyfunc import _loaded

        return {"pid": os.getpid(), "loads": _loaded.cache_info().misses, "calls": sum(_loaded.cache_info()[:2])}

    return {row["pid"]: (row["loads"], row["calls"]) for row in asked(spark, tell, NUMBERS)}


def since(then: dict[int, tuple[int, int]], now: dict[int, tuple[int, int]]) -> list[tuple[int, int]]:
    """Loads and calls of each worker between two times."""
    before = {pid: then.get(pid, (0, 0)) for pid in now}
    return [(loads - before[pid][0], calls - before[pid][1]) for pid, (loads, calls) in now.items()]


def test_they_begin_with_libraries_loaded_and_frozen_and_no_archives_to_read(spark: SparkSession) -> None:
    def begun() -> dict[str, Any]:
        import gc
        import os
        import sys
        from zipimport import zipimporter

        finders = sys.path_importer_cache.items()
        inside = [path for path, finder in finders if isinstance(finder, zipimporter) and not path.endswith(".zip")]
        return {
            "loaded": "xgboost" in sys.modules and "mlflow.pyfunc" in sys.modules,
            "frozen": gc.get_freeze_count() > 100_000,
            "archives": [*inside, *(path for path in (*sys.path, *sys.path_importer_cache) if path.endswith(".jar"))],
            "threads": os.environ["LAKEHOUSE_NLP_MODEL_THREADS"],
        }

    schema = "loaded boolean, frozen boolean, archives array<string>, threads string"
    assert asked(spark, begun, schema) == 8 * [{"loaded": True, "frozen": True, "archives": [], "threads": "1"}]


def test_they_load_a_model_once_however_many_tasks_and_runs_ask_for_it(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, features={"numeric": ["price"]})
    write_gold(ctx, spark)
    registered(ctx)
    version = Registry(ctx).alias(CHAMPION)
    assert version is not None

    before = loaded(spark)
    for _ in range(3):
        rows = predicted(ctx, ctx.tables.read("gold").repartition(8), version)
        assert rows.where("_p.prediction IS NOT NULL").count() == 200
    loads, calls = zip(*since(before, loaded(spark)), strict=True)
    assert max(loads) == 1
    assert sum(calls) > sum(loads)


def test_they_keep_the_models_that_score_side_by_side(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, features={"numeric": ["price"]})
    write_gold(ctx, spark)
    versions = [Registry(ctx).get(registered(ctx, cut=cut)) for cut in (2.5, 3.5, 4.5, 5.5)]

    before = loaded(spark)
    for _ in range(2 * len(versions)):
        rows = ctx.tables.read("gold").repartition(8)
        for version in versions:
            rows = predicted(ctx, rows, version).withColumnRenamed("_p", f"_p{version.number}")
        assert rows.where(" AND ".join(f"_p{n}.prediction IS NOT NULL" for n in range(1, 5))).count() == 200
    loads, calls = zip(*since(before, loaded(spark)), strict=True)
    assert 0 < max(loads) <= len(versions) < max(calls)
