"""A model that is loaded elsewhere says what it said where it was trained, and what the predictions table says."""

from __future__ import annotations

import sys
from pathlib import Path

import lake
import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.contracts

HERE = Path(__file__).parent
FEATURES = "clean_text, price, category"
EMOJI = ("😀 love it 💯", "👩‍👩‍👧 🇫🇷 ❤️", "😡😡😡", "great 🎧 sound")


def strange() -> pd.DataFrame:
    """200 rows that no training saw the like of: texts, numbers and categories of every odd kind, crossed."""
    texts = ["", None, "a", "good " * 20_000, "x" * 100_000, *EMOJI, "naïve café ünïcode 中文 文字", "'''", "\x00\t\n"]
    prices = [None, float("nan"), 0.0, -1.0, 1e300, float("inf"), 24.99, 1e-300]
    kinds = [None, "", "kitchen", "no such category", "😀"]
    rows = [(text, prices[n % len(prices)], kinds[n % len(kinds)]) for n, text in enumerate(texts * 17)]
    assert len(texts[3]) == len(texts[4]) == 100_000
    return pd.DataFrame(rows[:200], columns=["clean_text", "price", "category"])


def frame(home: Path) -> pd.DataFrame:
    """2,000 rows: 1,800 of gold and the strange ones."""
    usual = pd.DataFrame(lake.ask(home, f"SELECT {FEATURES} FROM demo.gold ORDER BY key LIMIT 1800"))
    return pd.concat([usual, strange()], ignore_index=True)


def loaded(home: Path, version: int, rows: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """What a version says of rows, in a process of its own."""
    rows.to_parquet(folder / "in.parquet")
    ended = lake.call(
        sys.executable,
        HERE / "loader.py",
        home,
        str(version),
        folder / "in.parquet",
        folder / "out.parquet",
        cwd=folder,
    )
    assert ended.returncode == 0, ended.stderr
    return pd.read_parquet(folder / "out.parquet")


def test_the_loaded_model_says_what_it_said_when_it_was_trained(clean: lake.Clean, tmp_path: Path) -> None:
    home = lake.copy(clean.home, tmp_path / "home")
    rows = frame(home)
    rows.to_parquet(tmp_path / "frame.parquet")
    ended = lake.call(sys.executable, HERE / "trainer.py", home, tmp_path / "frame.parquet", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "2\n"
    with np.load(tmp_path / "frame.npz") as kept:
        proba, classes = kept["proba"], kept["classes"]
    found = loaded(home, 2, rows, tmp_path)
    assert proba.shape == (2000, 2)
    assert np.isfinite(proba).all()
    assert np.ptp(proba[:, 0]) > 0.5  # rows that are told apart, or equality would say nothing
    np.testing.assert_allclose(np.stack(found["probabilities"].to_list()), proba, rtol=0, atol=1e-6)
    assert found["prediction"].to_list() == classes[proba.argmax(axis=1)].tolist()
    np.testing.assert_allclose(found["probability"], proba.max(axis=1), rtol=0, atol=1e-6)


def test_the_predictions_table_holds_what_the_loaded_model_says(clean: lake.Clean, tmp_path: Path) -> None:
    query = """SELECT g.key, clean_text, price, category, prediction, probability, probabilities, model, p.version
               FROM demo.gold AS g JOIN demo.predictions AS p USING (key) ORDER BY g.key"""
    table = pd.DataFrame(lake.ask(clean.home, query))
    assert len(table) == lake.count(clean.home, "demo.predictions") > 2000
    assert set(zip(table["model"], table["version"], strict=True)) == {("demo", 1)}
    found = loaded(clean.home, 1, table[["clean_text", "price", "category"]], tmp_path)
    assert found["prediction"].to_list() == table["prediction"].to_list()
    np.testing.assert_allclose(found["probability"], table["probability"], rtol=0, atol=1e-9)
    by_class = [[row["negative"], row["positive"]] for row in table["probabilities"]]
    np.testing.assert_allclose(np.stack(found["probabilities"].to_list()), by_class, rtol=0, atol=1e-9)
