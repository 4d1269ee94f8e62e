"""The drift study where there is nothing to study, and what its windows are made of."""

from __future__ import annotations

import sys
from pathlib import Path

import drift
import drift_windows
import numpy as np
import pytest

pytestmark = pytest.mark.unit


def test_without_reviews_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["drift.py", "--data", str(tmp_path / "no.jsonl.gz")])
    assert drift.main() == 0
    assert capsys.readouterr().err.startswith("skipped: there is no ")


def test_windows_hold_as_many_rows_of_the_shift_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reviews of a few words, in which a shift of 10 % is told by counting."""
    monkeypatch.setattr(drift_windows, "TRAINED", 300)
    monkeypatch.setattr(drift_windows, "HELD", 100)
    rng = np.random.default_rng(0)
    words = {"positive": ["great", "love", "fine"], "negative": ["broken", "awful", "bad"]}
    labels = rng.choice(np.array(["positive", "positive", "negative"], object), 900)
    texts = [" ".join(rng.choice(words[label], 20)) for label in labels]
    texts[:60] = ["la de que el en y una muy cámara buena"] * 60
    kinds = np.array(["cameras", "mobile phone", "laptops"], object)[np.arange(900) % 3]
    reviews = drift_windows.Reviews.of(np.array(texts, object), kinds, labels)
    world = drift_windows.World(reviews, 0)
    for shift, feature, place in (("missing values", "category", -1), ("language", "new_terms", 1)):
        plain, shifted = (world.window(rng, 200, shift, share).counts[feature].counts for share in (0.0, 0.1))
        assert plain[place] == 0
        assert shifted[place] == (20 if feature == "category" else 200), shift
    assert world.window(rng, 200, "class balance", 0.1).rows == 200
