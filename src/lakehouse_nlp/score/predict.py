"""A registered model over rows of gold, by MLflow's Spark UDF, in batches of a size."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.registry import Registry, Version, classes_of
from lakehouse_nlp.core.session import beside
from lakehouse_nlp.model.pyfunc import FLAT, KEPT, RESULT_TYPE, TEXT, flat_type

if TYPE_CHECKING:
    from mlflow.models import ModelSignature


class Scorer(NamedTuple):
    """A version's UDF over a struct of the columns that it reads, with their types; `flat`: it knows the parameters of
    `FLAT`, as those of earlier releases do not.
    """

    udf: Any
    columns: tuple[tuple[str, str], ...]
    flat: bool


def predicted(ctx: Context, gold: DataFrame, version: Version) -> DataFrame:
    """The rows of gold with `_p`: struct<prediction, probability, probabilities, value> by this version of the model.

    Numbers go in as doubles and categories as strings, whatever gold holds, as in training. Raises DataError where the
    version reads columns that the settings no longer name.
    """
    if gone := lacking(ctx, version):
        raise DataError(
            f"score: {version} reads {', '.join(gone)}, which {ctx.tables.name('gold')} no longer has",
            hint="name them in features again, or lakehouse-nlp run train register, for a model of today's columns",
        )
    registry = Registry(ctx)
    looked = beside(gold.inputFiles)  # Delta reads gold's log, while MLflow fetches the model
    ctx.spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", _batch_rows(ctx))
    classes = len(classes_of(registry.metrics(version)))
    scorer = _scorer(ctx.spark, registry.uri(), version.uri, version.run_id, classes)
    looked.result()
    given = F.struct(*(F.col(f"`{name}`").cast(kind).alias(name) for name, kind in scorer.columns))
    gold = gold.withColumn("_p", scorer.udf(given))
    if not scorer.flat:
        return gold
    none = F.lit(None).cast("double")
    probabilities = F.array(*(F.col(f"_p.p{place}") for place in range(classes))).cast("array<double>")
    said = [F.col("_p.prediction"), F.col("_p.probability") if classes else none.alias("probability")]
    said += [probabilities.alias("probabilities"), none.alias("value") if classes else F.col("_p.value")]
    return gold.withColumn("_p", F.struct(*said))


def lacking(ctx: Context, version: Version) -> list[str]:
    """The columns that a version reads and the settings no longer name: gold has no values of them any more."""
    registry, features = Registry(ctx), ctx.settings.features
    registry.client  # noqa: B018  # points MLflow at the project's store
    read = _columns(_signature(registry.uri(), version.uri, version.run_id))
    return [name for name, _ in read if name not in (TEXT, *features.numbers, *features.categorical)]


@lru_cache(KEPT)  # MLflow fetches a model anew for each UDF, and keeps every copy until the process ends
def _scorer(spark: SparkSession, store: str, uri: str, run_id: str, classes: int) -> Scorer:
    """The UDF of a version; a store that was made anew has other runs under the same numbers."""
    import mlflow

    signature = _signature(store, uri, run_id)
    flat = bool(signature.params and set(FLAT) <= {param.name for param in signature.params})
    asked = {"result_type": flat_type(classes), "params": FLAT} if flat else {"result_type": RESULT_TYPE}
    return Scorer(mlflow.pyfunc.spark_udf(spark, uri, env_manager="local", **asked), _columns(signature), flat)


@lru_cache(KEPT)
def _signature(store: str, uri: str, run_id: str) -> ModelSignature:
    from mlflow.models import get_model_info

    found: ModelSignature | None = get_model_info(uri).signature
    assert found is not None, f"{uri} was registered without a signature"
    return found


def _columns(signature: ModelSignature) -> tuple[tuple[str, str], ...]:
    """The columns that a version reads, as Spark's types."""
    return tuple((str(spec.name), str(spec.type.name)) for spec in signature.inputs)


def _batch_rows(ctx: Context) -> int:
    """The rows of a batch; fewer where they are long. A row's text takes about what all of it takes in gold's files."""
    log, asked = ctx.tables.log("gold"), ctx.settings.score
    each = sum(log.sizes()) / max(log.rows(), 1)
    return max(1, min(asked.batch_rows, int(asked.batch_mb * 1e6 / max(each, 1))))
