"""The model as MLflow serves it: a frame of text, numbers and categories in, predictions out.

Log it with `loader_module="lakehouse_nlp.model.pyfunc"` and `data_path=` the folder that `StackedModel.save` wrote.
As a Spark UDF its result is `RESULT_TYPE`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from lakehouse_nlp.model.rows import Rows, Spec
from lakehouse_nlp.model.stacked import StackedModel

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

TEXT = "clean_text"
RESULT_TYPE = "struct<prediction:string,probability:double,probabilities:array<double>>"
THREADS = "LAKEHOUSE_NLP_MODEL_THREADS"


class Scorer:
    """A fitted model behind MLflow's `predict`."""

    def __init__(self, model: StackedModel) -> None:
        self.model = model

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One row out for each row in, under the same index.

        In: `clean_text`, the numeric and the categorical columns of the model; columns left out are missing, others
        are ignored. Out: `prediction`, the likeliest class; `probability`, its own; `probabilities`, those of all
        classes in sorted order. `params` is MLflow's, and unused.
        """
        import pandas as pd

        proba = self.model.predict_proba(frame_to_rows(model_input, self.model.spec))
        best = proba.argmax(axis=1)
        columns = {
            "prediction": np.array(self.model.classes, dtype=object)[best],
            "probability": proba.max(axis=1, initial=0.0),
            "probabilities": pd.Series(proba.tolist(), index=model_input.index, dtype=object),
        }
        return pd.DataFrame(columns, index=model_input.index)


def frame_to_rows(frame: pd.DataFrame, spec: Spec) -> Rows:
    """The frame's text, numbers and categories as arrays; columns that it lacks are missing in every row.

    Numbers are anything that float64 takes; text and categories are strings or null, else ArrowTypeError.
    """
    columns = frame.reindex(columns=[TEXT, *spec.numeric, *spec.categorical]).astype(object)
    columns = columns.where(columns.notna(), None)
    text = pa.array(columns[TEXT], pa.large_string())
    numeric = columns[list(spec.numeric)].to_numpy(np.float64, na_value=np.nan)
    return Rows(spec.vectoriser.counts(text), numeric, columns[list(spec.categorical)].to_numpy(object))


def signature(spec: Spec) -> ModelSignature:
    """The model's columns for MLflow: inputs all optional, because any of them may be null; outputs as `predict`'s."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import Array, DataType

    types = [(TEXT, DataType.string), *((name, DataType.double) for name in spec.numeric)]
    types += [(name, DataType.string) for name in spec.categorical]
    outputs = [("prediction", DataType.string), ("probability", DataType.double)]
    return ModelSignature(
        inputs=Schema([ColSpec(kind, name, required=False) for name, kind in types]),
        outputs=Schema(
            [*(ColSpec(kind, name) for name, kind in outputs), ColSpec(Array(DataType.double), "probabilities")]
        ),
    )


def _load_pyfunc(data_path: str) -> Scorer:
    """MLflow's entry: the model in this folder, predicting on `LAKEHOUSE_NLP_MODEL_THREADS` threads, 1 unless set."""
    return Scorer(StackedModel.load(data_path, threads=int(os.environ.get(THREADS, "1"))))
