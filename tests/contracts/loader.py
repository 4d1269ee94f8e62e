"""`python loader.py HOME VERSION IN OUT`: what `models:/demo/VERSION`, loaded in this process, says of a frame.

IN and OUT are Parquet files. The package is not imported here: MLflow brings what the model needs.
"""

from __future__ import annotations

import sys

import mlflow
import pandas as pd

if __name__ == "__main__":
    home, version, read, write = sys.argv[1:]
    mlflow.set_tracking_uri(f"sqlite:///{home}/mlflow/mlflow.db")
    model = mlflow.pyfunc.load_model(f"models:/demo/{version}")
    model.predict(pd.read_parquet(read)).to_parquet(write)
