from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acting import Acting, Put
from pyspark.sql import SparkSession

from lakehouse_nlp import flow


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Put:
    """Puts stages that act so in the place of the package's."""

    def put(**acts: tuple[Any, ...]) -> None:
        made = tuple(Acting(name, (), (), "acts", acts=told) for name, told in acts.items())
        monkeypatch.setattr(flow, "STAGES", made)

    return put


@pytest.fixture
def elsewhere(spark: SparkSession, tmp_path: Path) -> Iterator[Path]:
    """The root of another file system, which paths without a scheme are of meanwhile, as under HDFS."""
    root = tmp_path / "elsewhere"
    root.mkdir()
    given: Any = spark.sparkContext._jsc
    hadoop, default = given.hadoopConfiguration(), "fs.defaultFS"
    before = hadoop.get(default)
    hadoop.set("fs.viewfs.mounttable.elsewhere.linkMergeSlash", f"file:{root}")
    hadoop.set(default, "viewfs://elsewhere/")
    yield root
    hadoop.set(default, before)
