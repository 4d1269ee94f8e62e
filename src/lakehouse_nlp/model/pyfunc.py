"""The model as MLflow serves it: a frame of text, numbers and categories in, predictions out.

Log it with `loader_module="lakehouse_nlp.model.pyfunc"` and `data_path=` the folder that `stored.save` wrote.
As a Spark UDF its result is `RESULT_TYPE`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from lakehouse_nlp.model.rows import Floats, Objects, Rows, Spec
from lakehouse_nlp.model.stacked import StackedModel
from lakehouse_nlp.model.stored import load

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

TEXT = "clean_text"
RESULT_TYPE = "struct<prediction:string,probability:double,probabilities:array<double>,value:double>"
# Terms in the text of an example.
TERMS = 10
THREADS = "LAKEHOUSE_NLP_MODEL_THREADS"


class Scorer:
    """A fitted model behind MLflow's `predict`."""

    def __init__(self, model: StackedModel) -> None:
        self.model = model

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One row out for each row in, under the same index.

        In: `clean_text`, the numeric and the categorical columns of the model; columns left out are missing, others
        are ignored. Out: `prediction`, the likeliest class, or that on its side of the model's threshold;
        `probability`, its own; `probabilities`, those of all classes in sorted order; `value`, NaN. For a regression
        `value` is the number, `prediction` the same as text, `probability` NaN and `probabilities` empty.
        `params` is MLflow's, and unused.
        """
        import pandas as pd

        said = self.model.outputs(frame_to_rows(model_input, self.model.spec))
        predictions, none = self.model.predictions(said), np.full(len(said), np.nan)
        proba = said if self.model.classes else said[:, :0]
        columns = {
            "prediction": predictions,
            "probability": self._own(said, predictions) if self.model.classes else none,
            "probabilities": pd.Series(proba.tolist(), index=model_input.index, dtype=object),
            "value": none if self.model.classes else said[:, 0],
        }
        return pd.DataFrame(columns, index=model_input.index)

    def get_raw_model(self) -> StackedModel:
        """The fitted model, as MLflow's `get_raw_model` hands it out."""
        return self.model

    def _own(self, proba: Floats, predictions: Objects) -> Floats:
        """The probability of each row's own prediction, n."""
        return proba[np.arange(len(proba)), np.searchsorted(self.model.classes, predictions.astype(str))]


def frame_to_rows(frame: pd.DataFrame, spec: Spec) -> Rows:
    """The frame's text, numbers and categories as arrays; columns that it lacks are missing in every row.

    Numbers are anything that float64 takes; text and categories are strings or null, else ArrowTypeError.
    """
    columns = frame.reindex(columns=[TEXT, *spec.numeric, *spec.categorical]).astype(object)
    columns = columns.where(columns.notna(), None)
    text = pa.array(columns[TEXT], pa.large_string())
    numeric = columns[list(spec.numeric)].to_numpy(np.float64, na_value=np.nan)
    vectors = spec.vectors.of(text) if spec.vectors else np.zeros((len(frame), 0), dtype=np.float32)
    return Rows(spec.vectoriser.counts(text), numeric, columns[list(spec.categorical)].to_numpy(object), vectors)


def signature(spec: Spec) -> ModelSignature:
    """The model's columns for MLflow: inputs all optional, because any of them may be null; outputs as `predict`'s."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import Array, DataType

    types = [(TEXT, DataType.string), *((name, DataType.double) for name in spec.numeric)]
    types += [(name, DataType.string) for name in spec.categorical]
    outputs: list[Any] = [
        ColSpec(DataType.string, "prediction"),
        ColSpec(DataType.double, "probability"),
        ColSpec(Array(DataType.double), "probabilities"),
        ColSpec(DataType.double, "value"),
    ]
    inputs: list[Any] = [ColSpec(kind, name, required=False) for name, kind in types]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def example(model: StackedModel, rows: Rows) -> pd.DataFrame:
    """A row that the model takes, and that is nobody's: the terms that weigh most, the median of each number and the
    commonest value of each category among the rows.
    """
    import pandas as pd

    spec, features = model.spec, model.features
    weights = np.abs(features.linear.weights[:, features.selected]).max(axis=0, initial=0.0)
    best = features.selected[np.argsort(-weights, kind="stable")].tolist()
    terms = [features.terms[bucket] for bucket in best if bucket in features.terms]
    columns: dict[str, Any] = {TEXT: " ".join(terms[:TERMS])}
    for name, numbers in zip(spec.numeric, rows.numeric.T, strict=True):
        there = numbers[np.isfinite(numbers)]
        columns[name] = float(np.median(there)) if len(there) else None
    for name, values in zip(spec.categorical, rows.categorical.T, strict=True):
        known, often = np.unique(values[values != None].astype(str), return_counts=True)  # noqa: E711  # element by element
        columns[name] = str(known[often.argmax()]) if len(known) else None
    numeric = dict.fromkeys(spec.numeric, "float64")
    return pd.DataFrame([columns]).astype(numeric)


def _load_pyfunc(data_path: str) -> Scorer:
    """MLflow's entry: the model in this folder, predicting on `LAKEHOUSE_NLP_MODEL_THREADS` threads, 1 unless set."""
    return Scorer(load(data_path, threads=int(os.environ.get(THREADS, "1"))))
