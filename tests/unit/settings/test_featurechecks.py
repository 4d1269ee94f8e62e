"""Columns that gold makes, and who may use them: right ones, wrong ones, and what is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.settings import load

pytestmark = pytest.mark.unit
Write = Callable[..., Path]

FEATURES = """\
features:
  lookups: {zone: {file: zones.csv, by: title}}
  dates: {day: [month, weekday]}
  derived:
    zone_stars: concat(zone, stars)
    twice: 2 * stars
  numeric: [twice, stars]
  categorical: [zone_stars, zone]
  encode: {zone: target}
train:
  monotone: {twice: increasing}
"""


def test_made_columns_are_used_like_declared_ones(write: Write) -> None:
    features = load(write(FEATURES), "x").features
    assert features.numbers == ("twice", "stars", "day_month", "day_weekday")
    assert features.made == ("zone", "day_month", "day_weekday", "zone_stars", "twice")
    assert features.date_parts["day_weekday"] == ("day", "weekday")


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("twice: 2 *", "'in two': 2 *", "features.derived.in two: a table's column has no blank"),
        ("twice: 2 * stars", "Stars: 1 + stars", "features.derived.Stars: there is a column of this name already"),
        ("twice: 2 * stars", "split: 1 + stars", "features.derived.split: there is a column of this name already"),
        ("2 * stars", "2 * stras", "features.derived.twice: no such column 'stras'; did you mean 'stars'?"),
        ("2 * stars", "2 * ", "features.derived.twice: not Spark SQL"),
        ("2 * stars", "sum(stars)", "features.derived.twice: must be computed from one row alone"),
        ("[twice, stars]", "[stars]", "features.derived.twice: is no feature: name it in features.numeric or"),
        ("[twice, stars]", "[twice, strs]", "features.numeric[1]: no such column 'strs'; did you mean 'stars'?"),
        ("[twice, stars]", "[twice, zone]", "features.numeric[1]: must be a number column, and 'zone' is string"),
        ("by: title", "by: tile", "features.lookups.zone.by: no such column 'tile'; did you mean 'title'?"),
        ("{day: [month", "{title: [month", "features.dates.title: must be a date or timestamp column, and 'title' is"),
        ("[month, weekday]", "[moon]", "features.dates.day[0]: must be 'year', 'quarter', 'month'"),
        ("{zone: target}", "{zon: target}", "features.encode.zon: 'zon' is not in features.categorical; did you mean"),
        ("{zone: target}", "{zone: targt}", "features.encode.zone: must be 'native', 'frequency' or 'target'"),
        ("{twice: inc", "{zone: inc", "train.monotone.zone: 'zone' is not in features.numeric"),
        ("increasing", "up", "train.monotone.twice: must be 'increasing' or 'decreasing', not 'up'"),
    ],
)
def test_a_fault_is_told_where_it_is(write: Write, right: str, wrong: str, says: str) -> None:
    assert right in FEATURES
    with pytest.raises(UsageError) as refused:
        load(write(FEATURES.replace(right, wrong)), "x")
    assert any(says in line for line in refused.value.message.splitlines()), refused.value.message


W2V, ONNX = "{kind: word2vec, size: 50}", "{kind: onnx, folder: encoders/tiny, pooling: cls}"


@pytest.mark.parametrize(("given", "kind", "known"), [(W2V, "word2vec", "size"), (ONNX, "onnx", "pooling")])
def test_vectors_are_of_a_kind(write: Write, given: str, kind: str, known: str) -> None:
    found = load(write(f"features: {{text: {{terms: none, vectors: {given}}}}}\n"), "x").features.text.vectors
    assert found is not None
    assert (found.kind, getattr(found, known)) == (kind, {"size": 50, "pooling": "cls"}[known])


def test_vectors_may_be_set_from_outside(write: Write) -> None:
    home, at = write("features: {text: {vectors: {kind: word2vec}}}\n"), "features.text.vectors"
    found = load(home, "x", sets=[f"{at}.min_count=2", f"{at}.seed=7"]).features.text.vectors
    assert found is not None
    assert found.model_dump() == {
        "kind": "word2vec", "size": 100, "min_count": 2, "window": 5, "iterations": 1, "seed": 7
    }  # fmt: skip
    assert load(home, "x", sets=[f"{at}=none"]).features.text.vectors is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{vectors: {kind: word2vek}}", "x.yml:9: features.text.vectors: there is no kind 'word2vek'; did you mean"),
        ("{vectors: {size: 50}}", "features.text.vectors: has no kind"),
        ("{vectors: word2vec}", "features.text.vectors: must be a mapping, not 'word2vec'"),
        ("{vectors: {kind: word2vec, sice: 50}}", "features.text.vectors.sice: unknown key; did you mean 'size'?"),
        ("{vectors: {kind: word2vec, folder: x}}", "features.text.vectors.folder: unknown key"),
        ("{vectors: {kind: word2vec, seed: 0}}", "features.text.vectors.seed: must be at least 1, not 0"),
        ("{vectors: {kind: onnx}}", "features.text.vectors.folder: missing"),
        ("{vectors: {kind: onnx, folder: x, pooling: max}}", "vectors.pooling: must be 'mean' or 'cls', not 'max'"),
        ("{terms: none}", "features.text.terms: none leaves nothing of the text: set features.text.vectors"),
    ],
)
def test_a_fault_of_vectors_is_told(write: Write, text: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        load(write(f"features: {{text: {text}}}\n"), "x")
    assert says in refused.value.message, refused.value.message


def test_vectors_are_of_a_text(write: Write) -> None:
    with pytest.raises(UsageError, match=r"features.text.vectors: are of a text, and there is none: name columns"):
        load(write(f"text: []\nfeatures: {{numeric: [stars], text: {{vectors: {W2V}}}}}\n"), "x")


@pytest.mark.parametrize(("given", "kept"), [("balanced", "balanced"), ("{good: 2}", {"good": 2.0})])
def test_class_weights_are_a_word_or_a_mapping(write: Write, given: str, kept: object) -> None:
    assert load(write(f"train: {{class_weights: {given}}}\n"), "x").train.class_weights == kept


def test_a_project_may_extend_another(write: Write) -> None:
    write("train: {seed: 3, folds: 5}\n")
    home = write("extends: x\ntrain: {seed: 4}\nlabel: title\n", project="", name="y")
    settings = load(home, "y")
    assert (settings.project, settings.label, settings.key) == ("y", "title", ("id",))
    assert (settings.train.seed, settings.train.folds) == (4, 5)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("extends: xx\n", "y.yml:1: extends: no such project 'xx'; did you mean 'x'?"),
        ("extends: z\n", "y.yml:1: extends: z extends x itself; name that one, or copy what is needed"),
        ("extends: x\ntrian: {}\n", "y.yml:2: trian: unknown key; did you mean 'train'?"),
    ],
)
def test_a_wrong_extension_is_told(write: Write, more: str, says: str) -> None:
    write()
    write("extends: x\n", project="", name="z")
    with pytest.raises(UsageError) as refused:
        load(write(more, project="", name="y"), "y")
    assert says in refused.value.message
