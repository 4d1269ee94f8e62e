"""A registered model over rows of gold, by MLflow's Spark UDF."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import Registry, Version
from lakehouse_nlp.model.pyfunc import RESULT_TYPE


def predicted(ctx: Context, gold: DataFrame, version: Version) -> DataFrame:
    """The rows of gold with `_p`: struct<prediction, probability, probabilities> by this version of the model.

    Numbers go in as doubles and categories as strings, whatever gold holds, as in training.
    """
    Registry(ctx).client  # noqa: B018  # points MLflow at the project's store
    import mlflow

    ctx.spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", ctx.settings.score.batch_rows)
    score = mlflow.pyfunc.spark_udf(ctx.spark, version.uri, result_type=RESULT_TYPE, env_manager="local")
    features = ctx.settings.features
    inputs = [F.col("clean_text")]
    inputs += [F.col(f"`{name}`").cast("double").alias(name) for name in features.numbers]
    inputs += [F.col(f"`{name}`").cast("string").alias(name) for name in features.categorical]
    return gold.withColumn("_p", score(F.struct(*inputs)))
