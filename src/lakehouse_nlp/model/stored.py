"""A fitted model as files: the booster in XGBoost's own format, arrays by NumPy, the rest as JSON. No pickles."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from lakehouse_nlp.model.baseline import Baseline
from lakehouse_nlp.model.calibration import Calibration
from lakehouse_nlp.model.columns import Columns
from lakehouse_nlp.model.features import Features
from lakehouse_nlp.model.linear import Linear
from lakehouse_nlp.model.rows import Spec
from lakehouse_nlp.model.stacked import StackedModel
from lakehouse_nlp.model.task import Task
from lakehouse_nlp.model.vectors import load_vectors

BOOSTER, ARRAYS, ABOUT, VECTORS = "booster.ubj", "arrays.npz", "model.json", "vectors"


def save(model: StackedModel, folder: Path | str) -> None:
    """Writes `booster.ubj`, `arrays.npz` and `model.json` into the folder, which is made if it is not there; below it,
    in `vectors`, what makes the text's vectors.
    """
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    model.booster.save_model(path / BOOSTER)
    np.savez_compressed(path / ARRAYS, **_arrays(model))
    plain = replace(model.spec, vectors=None)
    if model.spec.vectors:
        model.spec.vectors.save(path / VECTORS)
    about = {
        "spec": {name: value for name, value in asdict(plain).items() if name != "vectors"},
        "task": asdict(model.features.task),
        "levels": model.features.columns.levels,
        "calibration": asdict(model.calibration) if model.calibration else None,
        "cut": model.cut,
        "terms": {str(bucket): term for bucket, term in sorted(model.features.terms.items())},
    }
    (path / ABOUT).write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")


def load(folder: Path | str, threads: int = 1) -> StackedModel:
    """What `save` wrote; predicts the same, bit by bit, on this many threads."""
    import xgboost

    path = Path(folder)
    about: dict[str, Any] = json.loads((path / ABOUT).read_text(encoding="utf-8"))
    with np.load(path / ARRAYS, allow_pickle=False) as arrays:
        found = dict(arrays)
    features = Features(
        spec=Spec(**about["spec"], vectors=load_vectors(path / VECTORS)),
        task=_task(about["task"]),
        idf=found["idf"],
        linear=Linear(found["weights"], found["bias"]),
        selected=found["selected"],
        columns=Columns(about["levels"], [found[f"table{k}"] for k in range(len(about["levels"]))]),
        terms={int(bucket): term for bucket, term in about["terms"].items()},
    )
    booster = xgboost.Booster(model_file=path / BOOSTER)
    calibration = _calibration(about["calibration"])
    return StackedModel(features, booster, _baseline(found), calibration, about["cut"], threads)


def booster_hash(model: StackedModel) -> str:
    """16 hex digits over the booster's bytes: the same where, and only where, the same was learnt."""
    return hashlib.sha256(model.booster.save_raw("ubj")).hexdigest()[:16]


def size_mb(model: StackedModel) -> float:
    """Megabytes (10^6 bytes) of what `save` writes."""
    with tempfile.TemporaryDirectory() as folder:
        save(model, folder)
        return sum(file.stat().st_size for file in Path(folder).rglob("*")) / 1e6


def _arrays(model: StackedModel) -> dict[str, Any]:
    features = model.features
    arrays = {"idf": features.idf, "selected": features.selected}
    arrays |= {"weights": features.linear.weights, "bias": features.linear.bias}
    arrays |= {f"table{k}": table for k, table in enumerate(features.columns.tables)}
    if (plain := model.baseline) is not None:
        arrays |= {"mean": plain.mean, "scale": plain.scale}
        arrays |= {"plain_weights": plain.linear.weights, "plain_bias": plain.linear.bias}
    return arrays


def _baseline(found: dict[str, Any]) -> Baseline | None:
    if "mean" not in found:
        return None
    return Baseline(found["mean"], found["scale"], Linear(found["plain_weights"], found["plain_bias"]))


def _task(about: dict[str, Any]) -> Task:
    return Task(about["objective"], tuple(about["classes"]), tuple(about["weights"]))


def _calibration(about: dict[str, Any] | None) -> Calibration | None:
    if about is None:
        return None
    return Calibration(about["kind"], tuple((tuple(first), tuple(second)) for first, second in about["curves"]))
