"""Boosters by `xgboost.spark`, of features that are on a cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_matrix

from lakehouse_nlp.model.booster import Boosting
from lakehouse_nlp.model.callbacks import OnOutputs, OnRound
from lakehouse_nlp.model.rows import Floats, Ints
from lakehouse_nlp.train.oncluster import OnCluster, one_by_one, unpickled

if TYPE_CHECKING:
    import xgboost
    from pyspark.sql import DataFrame

# `xgboost.spark` takes a zero in a sparse vector for missing. A number that is zero is the least above it on its way to
# the workers; where a booster cuts at that, it cuts at zero.
LEAST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Distributed:
    """`xgboost.spark` in place of `Boosting`, of which it takes the parameters."""

    boosting: Boosting
    workers: int

    def fit(
        self,
        features: OnCluster[csr_matrix],
        values: Floats,
        validation: tuple[OnCluster[csr_matrix], Floats] | None = None,
        on_round: OnRound | None = None,
        on_outputs: OnOutputs | None = None,
        onto: xgboost.Booster | None = None,
    ) -> xgboost.Booster:
        """The booster of these rows, as `Boosting.fit`; neither rounds nor outputs on the way are told.

        Raises ValueError for `onto`: the workers bin rows first, and trees that cut within those bins go wrong.
        """
        if onto:
            raise ValueError("train.warm_start cannot be done by xgboost.spark; take train.engine batches or memory")
        spec = self.boosting.spec
        with self._vectors(features, values) as frame:
            if not spec.early_stopping or validation is None or not len(validation[1]):
                return self._train(frame, spec.rounds)
            more = {"validation_indicator_col": "checked", "early_stopping_rounds": spec.early_stopping}
            with self._vectors(validation[0], validation[1], checked=True) as checked:
                booster = self._train(frame.unionByName(checked), spec.rounds, **more)
        best: xgboost.Booster = booster[: booster.best_iteration + 1]
        return best

    def held_out(self, features: OnCluster[csr_matrix], values: Floats, fold: Ints, rounds: int) -> Floats:
        """What boosters of the other folds say of each row, as `Boosting.outputs`."""
        found = np.empty((len(values), max(len(self.boosting.task.classes), 1)))
        for k in range(self.boosting.spec.folds):
            inside = fold == k
            others = features.where(~inside)
            with self._vectors(others, values[~inside]) as frame:
                booster = self._train(frame, rounds)
            found[inside] = np.concatenate(list(features.where(inside).each(_outputs(self.boosting, booster))))
        return found

    @contextmanager
    def _vectors(self, features: OnCluster[csr_matrix], values: Floats, checked: bool = False) -> Iterator[DataFrame]:
        """A row a row: `row`, `label`, `weight`, `checked` and `features`; kept on the cluster until it is left."""
        from pyspark.ml.linalg import VectorUDT
        from pyspark.sql import types as T

        weights = self.boosting.task.row_weights(values)
        kinds = {"row": T.LongType(), "label": T.DoubleType(), "weight": T.DoubleType(), "checked": T.BooleanType()}
        schema = T.StructType([T.StructField(name, kind) for name, kind in kinds.items()])
        schema.add("features", VectorUDT())

        def vectors(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for start, seen in unpickled(batches):
                inside = slice(start, start + seen.shape[0])
                rows = np.arange(inside.start, inside.stop)
                same = np.full(len(rows), checked)
                arrays = [pa.array(values) for values in (rows, values[inside], weights[inside], same)]
                yield pa.RecordBatch.from_arrays([*arrays, _sparse(seen)], names=schema.names)

        with one_by_one(features.frame):
            frame = features.frame.mapInArrow(vectors, schema).persist()
            frame.count()
        try:
            yield frame
        finally:
            frame.unpersist()

    def _train(self, frame: DataFrame, rounds: int, **more: Any) -> xgboost.Booster:
        """Rows go to workers by their number, and in its order."""
        from xgboost.spark import SparkXGBClassifier, SparkXGBRegressor

        task = self.boosting.task
        params = {k: v for k, v in self.boosting.parameters().items() if k not in ("objective", "num_class", "seed")}
        weighed: dict[str, Any] = {"weight_col": "weight"} if task.weighted else {}
        estimator = (SparkXGBClassifier if task.classes else SparkXGBRegressor)(
            features_col="features", label_col="label", num_workers=self.workers, n_estimators=rounds, missing=0.0,
            enable_sparse_data_optim=True, feature_types=list(self.boosting.types), verbose=False,
            random_state=self.boosting.spec.seed, **weighed, **params, **more,
        )  # fmt: skip
        placed = frame.repartition(self.workers, "row").sortWithinPartitions("checked", "row")
        return _with_zeros(estimator.fit(placed).get_booster())


def _with_zeros(booster: xgboost.Booster) -> xgboost.Booster:
    """The booster with its cuts at `LEAST` moved to the zeros that this stood for."""
    import xgboost

    told = json.loads(booster.save_raw("json"))
    for tree in told["learner"]["gradient_booster"]["model"]["trees"]:
        tree["split_conditions"] = [0.0 if cut == LEAST else cut for cut in tree["split_conditions"]]
    told["learner"]["attributes"].pop("scikit_learn", None)
    return xgboost.Booster(model_file=bytearray(json.dumps(told), "utf-8"))


def _sparse(seen: csr_matrix) -> pa.StructArray:
    """The rows as Spark's vectors are laid out, zeros that are written as `LEAST`."""
    n, width = seen.shape
    values = np.where(seen.data == 0, LEAST, seen.data.astype(np.float64))
    ends = seen.indptr.astype(np.int32)
    parts = [pa.array(np.zeros(n, np.int8)), pa.array(np.full(n, width, np.int32))]
    parts += [pa.ListArray.from_arrays(ends, part) for part in (seen.indices.astype(np.int32), values)]
    return pa.StructArray.from_arrays(parts, names=["type", "size", "indices", "values"])


def _outputs(boosting: Boosting, booster: xgboost.Booster) -> Callable[[int, csr_matrix], Floats]:
    return lambda _, seen: boosting.outputs(booster, seen)
