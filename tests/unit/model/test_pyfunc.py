from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from model_samples import reviews, rows_of

import lakehouse_nlp
from lakehouse_nlp.model import pyfunc
from lakehouse_nlp.model.pyfunc import FLAT, Scorer, _load_pyfunc, example, frame_to_rows, signature
from lakehouse_nlp.model.stacked import Spec, StackedModel, fit
from lakehouse_nlp.model.stored import save

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def model(spec: Spec) -> StackedModel:
    texts, labels = reviews(400)
    return fit(rows_of(spec, texts, labels), labels, spec, threads=1)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    texts, _ = reviews(50, seed=1)
    kinds, prices = ["camera", None, "never seen"] * 17, [0.0, None, 2.5, np.nan, 1e300] * 10
    table = {"clean_text": texts, "kind": kinds[:50], "price": prices, "extra": list(range(50))}
    frame = pd.DataFrame(table, index=range(100, 150))
    frame.loc[101, "clean_text"] = None
    return frame


@pytest.fixture(scope="module")
def saved(model: StackedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import mlflow

    folder = tmp_path_factory.mktemp("pyfunc")
    save(model, folder / "data")
    code = folder / "stage" / "lakehouse_nlp"
    shutil.copytree(Path(lakehouse_nlp.__file__).parent / "model", code / "model")
    shutil.copy(lakehouse_nlp.__file__, code)
    mlflow.pyfunc.save_model(
        folder / "model",
        loader_module="lakehouse_nlp.model.pyfunc",
        data_path=str(folder / "data"),
        code_paths=[str(code)],
        signature=signature(model.spec),
        pip_requirements=["xgboost-cpu"],
    )
    return folder / "model"


def test_predictions_are_the_models(model: StackedModel, frame: pd.DataFrame) -> None:
    got = Scorer(model).predict(frame)
    proba = model.outputs(frame_to_rows(frame, model.spec))
    assert list(got.columns) == ["prediction", "probability", "probabilities", "value"]
    assert got.index.equals(frame.index)
    assert got["probabilities"].tolist() == proba.tolist()
    assert got["probability"].tolist() == proba.max(axis=1).tolist()
    assert got["prediction"].tolist() == [model.classes[k] for k in proba.argmax(axis=1)]


def test_an_empty_frame_gives_an_empty_frame(model: StackedModel, frame: pd.DataFrame) -> None:
    got = Scorer(model).predict(frame.iloc[:0])
    assert list(got.columns) == ["prediction", "probability", "probabilities", "value"]
    assert got["probability"].dtype == np.float64
    assert len(got) == 0


def test_columns_left_out_are_missing(model: StackedModel, frame: pd.DataFrame) -> None:
    none = frame.assign(clean_text=None, price=None, kind=None)
    pd.testing.assert_frame_equal(Scorer(model).predict(frame[["extra"]]), Scorer(model).predict(none))


@pytest.mark.parametrize(("rows", "size"), [(7, 1 << 20), (1000, 100), (1000, 1), (1, 1)])
def test_parts_of_any_size_say_the_same(
    model: StackedModel, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, rows: int, size: int
) -> None:
    wanted = Scorer(model).predict(frame)
    monkeypatch.setattr(pyfunc, "PART_ROWS", rows)
    monkeypatch.setattr(pyfunc, "PART_BYTES", size)
    pd.testing.assert_frame_equal(Scorer(model).predict(frame), wanted)


def test_parts_are_bounded_by_rows_and_by_bytes(model: StackedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyfunc, "PART_ROWS", 3)
    monkeypatch.setattr(pyfunc, "PART_BYTES", 10)
    texts = ["", None, "a", "b", "x" * 30, "12345", "12345", "1"]
    parts = pyfunc.Given.of(pd.DataFrame({"clean_text": texts}), model.spec).parts()
    assert [(part.start, part.stop) for part in parts] == [(0, 3), (3, 4), (4, 5), (5, 7), (7, 8)]


def test_flat_it_gives_a_column_for_each_class(model: StackedModel, frame: pd.DataFrame) -> None:
    usual, flat = Scorer(model).predict(frame), Scorer(model).predict(frame, FLAT)
    assert list(flat.columns) == ["prediction", "probability", "p0", "p1", "value"]
    assert flat[["p0", "p1"]].to_numpy().tolist() == usual["probabilities"].tolist()
    shared = ["prediction", "probability", "value"]
    pd.testing.assert_frame_equal(flat[shared], usual[shared])


def test_loaded_by_mlflow_it_predicts_the_same(model: StackedModel, frame: pd.DataFrame, saved: Path) -> None:
    import mlflow

    loaded = mlflow.pyfunc.load_model(str(saved))
    pd.testing.assert_frame_equal(loaded.predict(frame), Scorer(model).predict(frame))
    pd.testing.assert_frame_equal(loaded.predict(frame, FLAT), Scorer(model).predict(frame, FLAT))
    bare = frame[["clean_text"]]
    pd.testing.assert_frame_equal(loaded.predict(bare), Scorer(model).predict(bare))
    assert len(loaded.predict(frame.iloc[:0])) == 0


def test_runs_where_the_package_is_not_installed(
    model: StackedModel, frame: pd.DataFrame, saved: Path, tmp_path: Path
) -> None:
    frame.to_parquet(tmp_path / "in.parquet")
    script = f"""
import sys
source = {str(Path(lakehouse_nlp.__file__).parent.parent)!r}
sys.path = [entry for entry in sys.path if entry != source]
sys.meta_path = [finder for finder in sys.meta_path if "__editable__" not in repr(finder)]
import importlib.util, mlflow, pandas
assert importlib.util.find_spec("lakehouse_nlp") is None
model = mlflow.pyfunc.load_model({str(saved)!r})
model.predict(pandas.read_parquet("in.parquet")).to_parquet("out.parquet")
import lakehouse_nlp
assert lakehouse_nlp.__file__.startswith({str(saved)!r}), lakehouse_nlp.__file__
"""
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    got = pd.read_parquet(tmp_path / "out.parquet")
    expected = Scorer(model).predict(frame)
    assert [list(row) for row in got["probabilities"]] == expected["probabilities"].tolist()


def test_threads_come_from_the_environment(
    model: StackedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(model, tmp_path)
    assert _load_pyfunc(str(tmp_path)).model.threads == 1
    monkeypatch.setenv("LAKEHOUSE_NLP_MODEL_THREADS", "3")
    assert _load_pyfunc(str(tmp_path)).model.threads == 3


def test_a_model_is_loaded_once_until_another_comes_to_its_place(model: StackedModel, tmp_path: Path) -> None:
    save(model, tmp_path)
    first = _load_pyfunc(str(tmp_path)).model
    assert _load_pyfunc(str(tmp_path)).model is first
    save(replace(model, cut=0.9), tmp_path)
    assert (first.cut, _load_pyfunc(str(tmp_path)).model.cut) == (model.cut, 0.9)


def test_the_package_imports_neither_spark_nor_pydantic() -> None:
    script = (
        "import sys, lakehouse_nlp.model.pyfunc, lakehouse_nlp.model.metrics\n"
        "heavy = {'pyspark', 'pydantic', 'mlflow', 'xgboost', 'sklearn', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_example_is_nobodys_row_and_the_model_takes_it(model: StackedModel, frame: pd.DataFrame) -> None:
    rows = frame_to_rows(frame, model.spec)
    found = example(model, rows)
    assert list(found.columns) == ["clean_text", *model.spec.numeric, *model.spec.categorical]
    assert found["price"][0] == np.nanmedian(rows.numeric[:, 0])
    assert found["kind"][0] == frame["kind"].mode()[0]
    assert len(Scorer(model).predict(found)) == 1
    nothing = example(model, rows.take(np.arange(0)))
    assert nothing["price"].isna().all()
    assert len(Scorer(model).predict(nothing)) == 1
