"""Jobs of `bench.py` that score gold as others do: Spark ML with SparkXGBClassifierModel, scikit-learn by MLflow.

Both boosters are of ours' size (rounds, depth, terms) and trained on the same rows; fitting is a job of its own. The
tables that they write have the columns of ours, and the session is ours, with its preloaded workers.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench_home import BEFORE, champion, opened, timed
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.context import Context

BUCKETS, TERMS = 2**18, 3000
BOOSTER = {"n_estimators": 200, "max_depth": 4, "learning_rate": 0.1, "max_bin": 64}
CLASSES = ("negative", "positive")


def sparkxgb_fitted(home: Path, lake: str) -> dict[str, Any]:
    """Spark ML's features, with the terms that our model chose, and XGBoost's own estimator; saved in the home."""
    from mlflow.pyfunc import load_model
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import IDF, HashingTF, NGram, SQLTransformer, VectorSlicer
    from xgboost.spark import SparkXGBClassifier

    ctx = opened(home, lake)
    chosen = load_model(champion(ctx).uri).get_raw_model().features.selected
    stages = [
        NGram(n=2, inputCol="tokens", outputCol="pairs"),
        SQLTransformer(statement="SELECT *, concat(tokens, pairs) AS terms FROM __THIS__"),
        HashingTF(numFeatures=BUCKETS, inputCol="terms", outputCol="counts"),
        IDF(inputCol="counts", outputCol="weights"),
        VectorSlicer(inputCol="weights", outputCol="features", indices=chosen.tolist()),
        SparkXGBClassifier(
            features_col="features",
            label_col="y",
            num_workers=1,
            enable_sparse_data_optim=True,
            missing=0.0,
            verbose=False,
            **BOOSTER,
        ),
    ]
    rows = _labelled(ctx).withColumn("y", (F.col("label") == CLASSES[1]).cast("int"))
    Pipeline(stages=stages).fit(rows).write().overwrite().save(str(home / "sparkxgb"))
    return {"rows": rows.count()}


def sparkxgb(home: Path, lake: str) -> dict[str, Any]:
    """`transform` of the whole Spark ML pipeline, and a plain write."""
    from pyspark.ml import PipelineModel
    from pyspark.ml.functions import vector_to_array

    ctx = opened(home, lake)
    model = PipelineModel.load(str(home / "sparkxgb"))

    def job(rows: DataFrame) -> None:
        said = model.transform(rows).withColumn("said", vector_to_array("probability"))
        _written(ctx, said.drop("prediction", "probability"), F.col("said"), home / lake / "sparkxgb")

    return _warm(ctx, job)


def sklearn_fitted(home: Path, lake: str) -> dict[str, Any]:
    """A pipeline of scikit-learn and its XGBoost, saved in the home by MLflow."""
    import mlflow
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.feature_selection import SelectKBest, chi2
    from sklearn.pipeline import Pipeline
    from xgboost import XGBClassifier

    ctx = opened(home, lake)
    rows = _labelled(ctx).select("clean_text", "label").toPandas()
    terms = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    steps = [
        ("text", ColumnTransformer([("terms", terms, "clean_text")])),
        ("best", SelectKBest(chi2, k=TERMS)),
        ("booster", XGBClassifier(**BOOSTER)),
    ]
    model = Pipeline(steps).fit(rows[["clean_text"]], rows["label"] == CLASSES[1])
    shutil.rmtree(home / "sklearn", ignore_errors=True)
    mlflow.sklearn.save_model(
        model, str(home / "sklearn"), pyfunc_predict_fn="predict_proba", serialization_format="cloudpickle"
    )
    return {"rows": len(rows)}


def sklearn(home: Path, lake: str) -> dict[str, Any]:
    """The pipeline by MLflow's `spark_udf`, and a plain write."""
    import mlflow

    ctx = opened(home, lake)

    def job(rows: DataFrame) -> None:
        score = mlflow.pyfunc.spark_udf(ctx.spark, str(home / "sklearn"), "array<double>", env_manager="local")
        said = rows.withColumn("said", score(F.struct("clean_text")))
        _written(ctx, said, F.col("said"), home / lake / "sklearn")

    return _warm(ctx, job)


def _warm(ctx: Context, job: Callable[[DataFrame], None]) -> dict[str, Any]:
    """A job over all of gold, in a session that has done it over a part."""
    job(ctx.tables.read("gold").where(BEFORE))
    return timed(lambda: job(ctx.tables.read("gold")), ctx.tables.log("gold").rows())


def _labelled(ctx: Context) -> DataFrame:
    return ctx.tables.read("gold").where("label IS NOT NULL AND split = 'train'")


def _written(ctx: Context, rows: DataFrame, said: Column, target: Path) -> None:
    """Rows with the probabilities of both classes as a Delta table with the columns of predictions."""
    version = champion(ctx)
    names = F.array(*map(F.lit, CLASSES))
    shutil.rmtree(target, ignore_errors=True)
    rows.select(
        "key", "purpose", "split", "label",
        F.when(said[1] >= 0.5, CLASSES[1]).otherwise(CLASSES[0]).alias("prediction"),
        F.greatest(said[0], said[1]).cast("double").alias("probability"),
        F.map_from_arrays(names, said.cast("array<double>")).alias("probabilities"),
        F.lit(version.name).alias("model"),
        F.lit(version.number).alias("version"),
        F.lit(version.run_id).alias("model_run_id"),
        "nlp_hash", "row_hash",
        F.lit(ctx.run_id).alias("run_id"),
        F.lit(ctx.clock()).cast("timestamp").alias("scored_at"),
        F.lit(None).cast("double").alias("value"),
    ).write.format("delta").partitionBy("version").save(str(target))  # fmt: skip


JOBS = {
    "sparkxgb_fitted": sparkxgb_fitted,
    "sparkxgb": sparkxgb,
    "sklearn_fitted": sklearn_fitted,
    "sklearn": sklearn,
}
