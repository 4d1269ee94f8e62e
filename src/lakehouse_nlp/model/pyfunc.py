"""The model as MLflow serves it: a frame of text, numbers and categories in, predictions out.

Log it with `loader_module="lakehouse_nlp.model.pyfunc"` and `data_path=` the folder that `stored.save` wrote.
As a Spark UDF its result is `RESULT_TYPE`; with the parameters `FLAT` it is `flat_type`, without arrays, which MLflow
and Spark take apart and put together row by row.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse_nlp.model.rows import Floats, Objects, Rows, Spec
from lakehouse_nlp.model.stacked import StackedModel
from lakehouse_nlp.model.stored import BOOSTER, load

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

TEXT = "clean_text"
RESULT_TYPE = "struct<prediction:string,probability:double,probabilities:array<double>,value:double>"
FLAT = {"flat": True}
# Terms in the text of an example.
TERMS = 10
THREADS = "LAKEHOUSE_NLP_MODEL_THREADS"
# Rows, and bytes of text, that are vectorised and predicted at once: more take more memory, and leave the core's cache.
PART_ROWS, PART_BYTES = 2500, 1 << 20
# Models that a process keeps at hand: a worker serves each version that scores beside others, now this, now that one.
KEPT = 8


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
        `params`: with `flat` true, `p0`, `p1` …, a column for each class, stand in the place of `probabilities`.
        """
        import pandas as pd

        given, model, n = Given.of(model_input, self.model.spec), self.model, len(model_input)
        parts = [model.outputs(given.rows(part)) for part in given.parts()]
        said = np.concatenate(parts) if parts else np.zeros((0, max(len(model.classes), 1)))
        proba, none = said if model.classes else said[:, :0], np.full(n, np.nan)
        columns: dict[str, Any] = {"prediction": model.predictions(said)}
        columns["probability"] = proba[np.arange(n), model.chosen(said)] if model.classes else none
        if (params or {}).get("flat"):
            columns |= {f"p{place}": column for place, column in enumerate(proba.T)}
        else:
            columns["probabilities"] = pd.Series(proba.tolist(), index=model_input.index, dtype=object)
        columns["value"] = none if model.classes else said[:, 0]
        return pd.DataFrame(columns, index=model_input.index)

    def get_raw_model(self) -> StackedModel:
        """The fitted model, as MLflow's `get_raw_model` hands it out."""
        return self.model


@dataclass(frozen=True)
class Given:
    """The columns of a frame of n rows as a model of the specification takes them: those that it lacks are missing in
    every row.
    """

    spec: Spec
    text: pa.LargeStringArray
    numeric: Floats
    categorical: Objects

    @classmethod
    def of(cls, frame: pd.DataFrame, spec: Spec) -> Given:
        """Numbers are anything that float64 takes; text and categories are strings or null, else ArrowTypeError."""
        import pandas as pd

        def column(name: str) -> pd.Series[Any]:
            return frame[name] if name in frame else pd.Series([None] * len(frame), dtype=object)

        def words(name: str) -> Objects:
            found = column(name).astype(object)
            return np.asarray(found.where(found.notna(), None), dtype=object)

        numeric, categorical = (
            np.empty((len(frame), len(spec.numeric))),
            np.empty((len(frame), len(spec.categorical)), object),
        )
        for place, name in enumerate(spec.numeric):
            numeric[:, place] = column(name).to_numpy(np.float64, na_value=np.nan)
        for place, name in enumerate(spec.categorical):
            categorical[:, place] = words(name)
        text = pa.array(column(TEXT).astype(object), pa.large_string(), from_pandas=True)  # NaN, too, is null
        return cls(spec, text, numeric, categorical)

    def rows(self, part: slice = slice(None)) -> Rows:
        """The rows of a part as arrays."""
        text, spec = self.text[part], self.spec
        vectors = spec.vectors.of(text) if spec.vectors else np.zeros((len(text), 0), dtype=np.float32)
        return Rows(spec.vectoriser.counts(text), self.numeric[part], self.categorical[part], vectors)

    def parts(self) -> Iterator[slice]:
        """Parts of at most `PART_ROWS` rows and, but for rows that are longer, `PART_BYTES` bytes of text."""
        ends, start = np.cumsum(pc.fill_null(pc.binary_length(self.text), 0).to_numpy()), 0
        while start < len(ends):
            before = ends[start - 1] if start else 0
            fitting = int(np.searchsorted(ends, before + PART_BYTES, side="right"))
            stop = min(max(fitting, start + 1), start + PART_ROWS)
            yield slice(start, stop)
            start = stop


def frame_to_rows(frame: pd.DataFrame, spec: Spec) -> Rows:
    """All rows of a frame as arrays: see `Given`."""
    return Given.of(frame, spec).rows()


def flat_type(classes: int) -> str:
    """The type of a Spark UDF's result with the parameters `FLAT`, of a model of so many classes; 0: a regression.

    What such a model never says is left out: MLflow would look at each row for a value.
    """
    if not classes:
        return "struct<prediction:string,value:double>"
    each = ",".join(f"p{place}:double" for place in range(classes))
    return f"struct<prediction:string,probability:double,{each}>"


def signature(spec: Spec) -> ModelSignature:
    """The model's columns for MLflow: inputs all optional, because any of them may be null; outputs as `predict`'s."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
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
    params = ParamSchema([ParamSpec(name, DataType.boolean, default=False) for name in FLAT])
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs), params=params)


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
    """MLflow's entry: the model in this folder, predicting on `LAKEHOUSE_NLP_MODEL_THREADS` threads, 1 unless set.

    MLflow asks for it with each of Spark's tasks on one machine: a worker loads it once.
    """
    written = (Path(data_path) / BOOSTER).stat().st_mtime_ns  # another model may come to the same place
    return Scorer(_loaded(data_path, written, int(os.environ.get(THREADS, "1"))))


@lru_cache(KEPT)
def _loaded(data_path: str, written: int, threads: int) -> StackedModel:
    return load(data_path, threads=threads)
