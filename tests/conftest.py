from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings as hypothesis_settings

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.models import Spark

if TYPE_CHECKING:
    import lake
    from pyspark.sql import SparkSession

hypothesis_settings.register_profile("here", deadline=None)  # an example's time is the machine's affair
hypothesis_settings.load_profile("here")

PROJECT = "tiny"
TINY: dict[str, Any] = {
    "project": PROJECT,
    "columns": {
        "id": "string",
        "title": "string",
        "body": "string",
        "stars": "double",
        "day": {"type": "date", "format": "d.M.yyyy"},
        "price": "double",
    },
    "key": "id",
    "text": ["title", "body"],
    "label": "case when stars > 3 then 'good' when stars < 3 then 'bad' end",
}
SPARK = Spark(
    master="local[2]",
    conf={
        "spark.ui.enabled": False,
        "spark.driver.memory": "2g",
        "spark.sql.shuffle.partitions": 2,
        "spark.databricks.delta.snapshotPartitions": 2,
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": 2,
    },
)


@pytest.fixture(autouse=True)
def _no_settings_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LAKEHOUSE_NLP_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The session's folder, where the homes of flow and contract tests are."""
    return tmp_path_factory.getbasetemp()


@pytest.fixture(scope="session")
def clean(base: Path) -> lake.Clean:
    """The home of one undisturbed run; copy it before changing it."""
    import lake

    return lake.clean(base)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder without settings of its own, with the folders that files come to."""
    for purpose in ("train", "inference"):
        (tmp_path / "lake" / PROJECT / "raw" / purpose).mkdir(parents=True)
    return tmp_path


@pytest.fixture(scope="session")
def session() -> Iterator[SparkSession]:
    """The one session of all tests, started by the first that asks."""
    from lakehouse_nlp.core.session import defaults, session, stop

    java = "spark.driver.extraJavaOptions"
    quick = {java: f"{defaults()[java]} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}  # few rows: compiling costs most
    spark = session(SPARK.model_copy(update={"conf": {**SPARK.conf, **quick}}), "lakehouse-nlp tests")
    yield spark
    stop(spark)


@pytest.fixture
def spark(session: SparkSession) -> Iterator[SparkSession]:
    """The session; a test's lake is forgotten after it, for the names are the same in the next one's."""
    yield session
    known = {row[0] for row in session.sql("SHOW SCHEMAS").collect()} - {"default"}
    for schema in sorted(known):
        session.sql(f"DROP SCHEMA {schema} CASCADE")


def settings_of(**more: Any) -> Settings:
    """The settings of the tiny project; a section that is given takes the place of the default one."""
    return Settings.model_validate({**TINY, **more})


@pytest.fixture
def make_settings() -> Callable[..., Settings]:
    """Makes the settings of the tiny project, with other sections where they are given."""
    return settings_of


@pytest.fixture
def make_context() -> Callable[..., Context]:
    """Makes a context of the tiny project in a home folder. It starts no session until tables are written."""

    def _make(home: Path, run_id: str = "run-1", **more: Any) -> Context:
        said: list[str] = []
        return Context(home=home, settings=settings_of(**more), say=said.append, run_id=run_id)

    return _make
