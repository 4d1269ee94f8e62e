"""How many files a query reads: by the metrics of Spark's executed plan, and by DuckDB's own account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from lakehouse_nlp.core import duck


def by_spark(frame: DataFrame) -> dict[str, list[int]]:
    """Table -> `numFiles` of each scan of it, once the query has run; scans in subqueries count, too."""
    frame.collect()
    found: dict[str, list[int]] = {}
    for scan in _scans(frame._jdf.queryExecution().executedPlan()):
        table = Path(scan.relation().location().path().toString()).name
        found.setdefault(table, []).append(scan.metrics().apply("numFiles").value())
    return {table: sorted(numbers) for table, numbers in found.items()}


def by_duckdb(root: Path, query: str) -> list[int]:
    """The files that each scan reads."""
    with duck.connect(root) as connection:
        told = connection.execute(f"EXPLAIN ANALYZE {query}").fetchall()[0][1]
    return sorted(int(read) for read in re.findall(r"Total Files Read: (\d+)", told))


def _scans(plan: Any) -> Iterator[Any]:
    kind = plan.getClass().getSimpleName()
    if kind == "FileSourceScanExec":
        yield plan
    inner = {"AdaptiveSparkPlanExec": "executedPlan", "ReusedExchangeExec": "child"}.get(kind)
    if kind.endswith("QueryStageExec"):
        inner = "plan"
    children = [getattr(plan, inner)()] if inner else _items(plan.children())
    for each in [*children, *_items(plan.subqueries())]:
        yield from _scans(each)


def _items(sequence: Any) -> list[Any]:
    return [sequence.apply(place) for place in range(sequence.size())]
