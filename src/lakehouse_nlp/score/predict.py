"""A registered model over rows of gold, by MLflow's Spark UDF, in tasks and batches of a size."""

from __future__ import annotations

from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import Registry, Version, classes_of
from lakehouse_nlp.core.session import beside
from lakehouse_nlp.model.pyfunc import FLAT, RESULT_TYPE, flat_type

# Bytes of gold that are not worth a shuffle, and tasks a core where there is one: the last of them end about together.
SMALL, TASKS = 8_000_000, 4


def predicted(ctx: Context, gold: DataFrame, version: Version) -> DataFrame:
    """The rows of gold with `_p`: struct<prediction, probability, probabilities, value> by this version of the model.

    Numbers go in as doubles and categories as strings, whatever gold holds, as in training.
    """
    registry = Registry(ctx)
    registry.client  # noqa: B018  # points MLflow at the project's store
    import mlflow

    looked = beside(gold.inputFiles)  # Delta reads gold's log, while MLflow fetches the model
    ctx.spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", _batch_rows(ctx))
    features = ctx.settings.features
    inputs = [F.col("clean_text")]
    inputs += [F.col(f"`{name}`").cast("double").alias(name) for name in features.numbers]
    inputs += [F.col(f"`{name}`").cast("string").alias(name) for name in features.categorical]
    udf = partial(mlflow.pyfunc.spark_udf, ctx.spark, version.uri, env_manager="local")
    if not _knows_flat(version.uri):
        return gold.withColumn("_p", udf(result_type=RESULT_TYPE)(F.struct(*inputs)))
    classes = len(classes_of(registry.metrics(version)))
    score = udf(result_type=flat_type(classes), params=FLAT)
    looked.result()
    probabilities = F.array(*(F.col(f"_p.p{place}") for place in range(classes))).cast("array<double>")
    said = [F.col("_p.prediction"), F.col("_p.probability"), probabilities.alias("probabilities"), F.col("_p.value")]
    return gold.withColumn("_p", score(F.struct(*inputs))).withColumn("_p", F.struct(*said))


def spread(ctx: Context, gold: DataFrame) -> DataFrame:
    """The rows of gold in tasks of about a size: one task reads a file, and all wait for the one with the largest."""
    sizes, cores = ctx.tables.log("gold").sizes(), ctx.spark.sparkContext.defaultParallelism
    if sum(sizes) < SMALL or max(sizes) <= sum(sizes) / cores:
        return gold
    return gold.repartition(TASKS * cores, "key")


def _batch_rows(ctx: Context) -> int:
    """The rows of a batch; fewer where they are long. A row's text takes about what all of it takes in gold's files."""
    log, asked = ctx.tables.log("gold"), ctx.settings.score
    each = sum(log.sizes()) / max(log.rows(), 1)
    return max(1, min(asked.batch_rows, int(asked.batch_mb * 1e6 / max(each, 1))))


def _knows_flat(uri: str) -> bool:
    """Whether the model was logged with the parameters; those of earlier releases were not."""
    from mlflow.models import get_model_info

    signature = get_model_info(uri).signature
    return bool(signature and signature.params and set(FLAT) <= {param.name for param in signature.params})
