"""The text model: hashed n-grams, a stacked linear score and a booster; its metrics, and its MLflow face.

Ships with each registered model and runs in Spark's Python workers, so nothing here imports pyspark or pydantic;
xgboost, sklearn, pandas and mlflow are imported where they are used.
"""
