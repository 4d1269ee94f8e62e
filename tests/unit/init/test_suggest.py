"""What is made of a profile: roles, and the file that `load` accepts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse_nlp.core.errors import DataError, LakehouseError, UsageError
from lakehouse_nlp.core.settings import Settings, load
from lakehouse_nlp.init import ColumnProfile, Profile, ProjectDraft, render, suggest

pytestmark = pytest.mark.unit


def col(name: str, kind: str = "string", **more: Any) -> ColumnProfile:
    """A column of 1,000 rows with ten values of eight characters, but for what is said."""
    plain = ColumnProfile(name, name, kind, None, 1000, 0.0, 10, 8.0, None, None, ("a", "b"))
    return replace(plain, **more)


ID = col("ReviewID", distinct=700, mean_length=14.0)
TITLE = col("Title", distinct=800, mean_length=25.0)
BODY = col("Body", distinct=990, mean_length=600.0)
STARS = col("Overall", "double", distinct=5, low=1.0, high=5.0)
KIND = col("category", distinct=3)
DAY = col("Date", "date", format="MMMM d, yyyy", distinct=300)
PRICE = col("price", "double", distinct=400, low=0.5, high=900.0)
FIVE_STARS = "case when Overall > 3 then 'positive' when Overall < 3 then 'negative' end"
REVIEWS = (ID, TITLE, BODY, STARS, KIND, DAY, PRICE)


def draft(*columns: ColumnProfile, **given: Any) -> ProjectDraft:
    return suggest(Profile(Path("reviews.csv"), 1000, columns), **given)


def loaded(home: Path, made: ProjectDraft) -> Settings:
    file = home / "conf" / "projects" / "x.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(render(made), encoding="utf-8")
    return load(home, "x")


def test_reviews() -> None:
    made = draft(*REVIEWS)
    assert made.key == "ReviewID"
    assert made.text == ("Title", "Body")
    assert made.label == FIVE_STARS
    assert made.newest_by == "Date"
    assert made.not_null == ("ReviewID", "Title", "Body")
    assert (made.categorical, made.numeric) == (("category",), ("price",))


def test_what_is_given_is_taken() -> None:
    made = draft(*REVIEWS, text=["Body"], label="category = 'a'", key="Title")
    assert (made.key, made.text, made.label) == ("Title", ("Body",), "category = 'a'")
    assert made.categorical == ()
    assert made.numeric == ("Overall", "price")


@pytest.mark.parametrize(
    ("columns", "given", "expected"),
    [
        ((col("label", distinct=2), STARS), {}, "label"),
        ((col("sentiment_label", distinct=2), STARS), {}, "sentiment_label"),
        (
            (col("label", distinct=1), STARS),
            {},
            "case when Overall > 3 then 'positive' when Overall < 3 then 'negative' end",
        ),
        ((KIND,), {}, "category"),
        ((replace(STARS, high=100.0), KIND), {}, "category"),
        ((col("a-b", distinct=2),), {"label": "a-b"}, "`a-b`"),
        ((col("a_b", source="a b", distinct=2),), {"label": "a b"}, "a_b"),
        ((col("Overall", "double", distinct=2),), {"label": "Overall"}, "Overall"),
    ],
)
def test_labels(columns: tuple[ColumnProfile, ...], given: dict[str, str], expected: str) -> None:
    assert draft(ID, BODY, *columns, **given).label == expected


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ((col("id", distinct=500),), "id"),
        ((col("patient_id", distinct=600), col("encounterId", "bigint", distinct=1000)), "encounterId"),
        ((col("id", distinct=400), col("uuid", distinct=500)), "uuid"),
    ],
)
def test_keys_are_text_whatever_they_look_like(columns: tuple[ColumnProfile, ...], expected: str) -> None:
    made = draft(BODY, KIND, *columns)
    assert made.key == expected
    assert {c.name: c.type for c in made.columns}[expected] == "string"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ((TITLE, BODY), ("Title", "Body")),
        ((BODY, col("Summary", mean_length=30.0, distinct=900)), ("Summary", "Body")),
        ((col("product_name", distinct=200, mean_length=80.0), BODY), ("Body",)),
        ((col("kind", distinct=20, mean_length=80.0),), ()),
        ((TITLE,), ()),
    ],
)
def test_texts(columns: tuple[ColumnProfile, ...], expected: tuple[str, ...]) -> None:
    assert draft(ID, KIND, *columns).text == expected


def test_a_text_that_is_often_empty_is_not_demanded() -> None:
    assert draft(ID, KIND, replace(TITLE, empty=0.2), BODY).not_null == ("ReviewID", "Body")


def test_numbers_that_name_things_are_text() -> None:
    made = draft(ID, KIND, BODY, col("zip", "int", distinct=900), col("age", "int", distinct=60))
    assert [c.type for c in made.columns] == ["string", "string", "string", "string", "int"]
    assert made.numeric == ("age",)


@pytest.mark.parametrize(
    ("columns", "given", "kind", "message"),
    [
        (REVIEWS, {"text": ["Bodi"]}, UsageError, "--text: no column 'Bodi'; did you mean 'Body'?"),
        (REVIEWS, {"key": "reviewid"}, UsageError, "--key: no column 'reviewid'; did you mean 'ReviewID'?"),
        (REVIEWS, {"label": "Overal"}, UsageError, "--label: no column 'Overal'; did you mean 'Overall'?"),
        (REVIEWS, {"label": "overal > 3"}, UsageError, "--label: no column 'overal'; did you mean 'Overall'?"),
        (
            (ID, BODY, KIND),
            {"label": "zzz"},
            UsageError,
            "--label: no column 'zzz'; there are 'ReviewID', 'Body', 'category'",
        ),
        (
            REVIEWS,
            {"label": "case when Overall > 3"},
            UsageError,
            "--label: not Spark SQL at column 21, near '3': Required keyword: 'true' missing: case when Overall > 3",
        ),
        (REVIEWS, {"label": "1 > 0"}, UsageError, "--label: names no column: 1 > 0"),
        (
            (ID, BODY, col("label", distinct=1, values=("pos",))),
            {"label": "label"},
            DataError,
            "--label: 'label' has only 'pos' in 1,000 rows of reviews.csv: there is nothing to tell apart",
        ),
        (
            (ID, BODY, col("label", distinct=0, values=())),
            {},
            DataError,
            "--label: 'label' has no value in 1,000 rows of reviews.csv: there is nothing to tell apart",
        ),
        (
            (ID, BODY, col("grade", distinct=3)),
            {},
            UsageError,
            "no column of reviews.csv looks like a label; with 2 to 50 values: 'grade'",
        ),
        (
            (BODY, KIND, TITLE),
            {},
            UsageError,
            "no column of reviews.csv looks like a key; most distinct: 'Title'",
        ),
        ((BODY, KIND), {}, UsageError, "no column of reviews.csv looks like a key; columns: 'Body', 'category'"),
    ],
)
def test_refusals(
    columns: tuple[ColumnProfile, ...], given: dict[str, Any], kind: type[LakehouseError], message: str
) -> None:
    with pytest.raises(kind) as refused:
        draft(*columns, **given)
    assert refused.value.message == message
    assert refused.value.hint.startswith("--")


def test_the_file_reads_well_and_loads(tmp_path: Path) -> None:
    made = draft(*REVIEWS)
    assert render(made).splitlines()[6:17] == [
        "columns:",
        "  ReviewID: string                            # 700 values of 14 characters",
        "  Title: string                               # 800 values of 25 characters",
        "  Body: string                                # 990 values of 600 characters",
        "  Overall: double                             # 1 to 5",
        "  category: string                            # 3 values: 'a', 'b'",
        '  Date: {type: date, format: "MMMM d, yyyy"}  # 300 values of 8 characters',
        "  price: double                               # 0.5 to 900",
        "",
        "# Rows of one key are versions of one row: 70% of the rows looked at have a key of their own.",
        "key: ReviewID",
    ]
    settings = loaded(tmp_path, made)
    assert (settings.key, settings.text, settings.label) == (("ReviewID",), ("Title", "Body"), made.label)
    assert settings.features.numeric == ()


def test_numbers_alone_are_features(tmp_path: Path) -> None:
    assert loaded(tmp_path, draft(ID, PRICE, STARS, label="Overall")).features.numeric == ("price",)


def test_long_lists_go_over_several_lines(tmp_path: Path) -> None:
    many = [col(f"glyburide-metformin-{i}") for i in range(40)]
    made = draft(ID, KIND, *many, *(replace(PRICE, name=f"n{i}", source=f"n{i}") for i in range(60)))
    assert max(map(len, render(made).splitlines())) <= 120
    assert len(loaded(tmp_path, made).features.categorical) == 40


names = st.text(st.characters(codec="utf-8", exclude_characters=" ,;{}()=\n\t.`"), min_size=1, max_size=12)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)


@given(names, texts, texts)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_odd_names_sources_and_values_load_as_they_are(tmp_path: Path, name: str, source: str, value: str) -> None:
    if name.startswith("_") or name.casefold() in ("id", "body", "true"):
        return
    odd = col(name, source=source or name, distinct=2, values=(value, "b"))
    made = draft(col("id", distinct=1000), replace(BODY, name="body", source="the body"), odd, label=odd.source)
    if odd.source in ("id", "body", "the body"):
        return
    found = loaded(tmp_path, replace(made, source=value))
    assert list(found.columns) == ["id", "body", name]
    assert found.columns[name].source in (odd.source, None)
    assert found.required("train") == ("id", "body", name)
