"""The text model: hashed n-grams, a stacked linear score and a booster; its metrics, and its MLflow face.

Ships with each registered model and runs in Spark's Python workers, so nothing here imports pyspark or pydantic;
xgboost, sklearn, pandas and mlflow are imported where they are used.
"""

import os

# OpenMP's threads spin while they wait for each other. Beside other work that costs a small fit minutes in place of
# seconds (measured: 3 s against 19-106 s on 4 busy cores). It has to be said before the first library brings OpenMP in.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
