"""Tokens made the quick way against those of Spark NLP's own pipeline, which is the reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.settings.models import Nlp
from lakehouse_nlp.gold import pipeline, stems

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

LONG = "The running foxes' dens, naïve 😀 and 42 happily jumping! "
TEXTS = (
    None, "", " ", "\t\r\n\x0b", "!?.", "s", "'", "''s'", "don't can't 'tis rock'n'roll", "0 1.5 1,000 ٣٤٥ Ⅷ ½ x²",
    "😀 good😀better 👩‍👩‍👧 🇩🇪", "café cafe\u0301 a\u200db c\u00add n\u0303", "I İSTANBUL ıiIİ KIRIK",
    "Straße STRASSE ẞ ß", "ΣΑΣ ΟΔΟΣ ὈΔΥΣΣΕΎΣ", "日本語の テキスト、中文。한국어 ไทย हिन्दी", "ǅungla ŒUVRE ﬁne",
    "=run =running == = =->= a->b",
    "a\x00b\x01c \ufeff\u2028d\u2029", "THE The the NOT Not this THIS", "mice ran MICE Ran",
    "running ran", "yyy yes yy y eyed",
    "a,b ,c\n, d\t,,e", "caresses ponies ties cats feed agreed plastered motoring hopping falling hissing fizzed",
    "relational conditional vietnamization operator feudalism decisiveness hopefulness formality sensitivity",
    LONG * (100_000 // len(LONG)), "a" * 100_000, "running" * 14_285, "é" * 100_000, " " * 100_000, "😀" * 50_000,
)  # fmt: skip
SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"lowercase": False},
    {"stop_words": "english"},
    {"stop_words": ("THE", "not", "straße", "ΟΔΟΣ", "İSTANBUL"), "lowercase": False},
    {"stop_words": "turkish", "pattern": r"[^\p{L}]+"},
    {"pattern": r"\s+", "stem": True},
    {"pattern": ",", "stem": True, "lowercase": False},
    {"pattern": r"\b", "stop_words": ("the",)},
    {"lemmas": "lemmas.txt", "pattern": ","},
    {"lemmas": "lemmas.txt", "stop_words": "english", "stem": True},
    {"stop_words": "english", "stem": True},
)
CHARACTERS = st.sampled_from(
    [*"aeiouystnrlEINGS'  \t,=->0", "\u0301", "İ", "ı", "ß", "Σ", "日", "😀", "\u200d", "\x00", "ies", "ing", "ed"]
)
TEXT = st.one_of(st.none(), st.text(max_size=40), st.lists(CHARACTERS, max_size=40).map("".join))


@pytest.fixture
def lemmas(home: Path) -> None:
    (home / "lemmas.txt").write_text("mouse->mice\tmouse\nrun->ran\trunning\n", encoding="utf-8")


def _tokens(spark: SparkSession, texts: Sequence[str | None], home: Path, **nlp: Any) -> list[list[str]]:
    frame = spark.createDataFrame(list(enumerate(texts)), f"id int, {pipeline.TEXT} string")
    made = pipeline.tokenised(frame, Nlp.model_validate(nlp), home, home / "nlp")
    assert made.columns == ["id", pipeline.TEXT, "tokens"]
    return [row["tokens"] for row in made.orderBy("id").collect()]


def _differing(spark: SparkSession, texts: Sequence[str | None], home: Path, nlp: dict[str, Any]) -> list[Any]:
    quick, usual = (_tokens(spark, texts, home, **nlp, annotators=which) for which in ("needed", "all"))
    return [(text, *pair) for text, *pair in zip(texts, quick, usual, strict=True) if pair[0] != pair[1]]


@pytest.mark.usefixtures("lemmas")
@pytest.mark.parametrize("nlp", SETTINGS, ids=str)
def test_tokens_are_those_of_the_annotators(spark: SparkSession, home: Path, nlp: dict[str, Any]) -> None:
    assert _differing(spark, TEXTS, home, nlp) == []


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(TEXT, min_size=60, max_size=120), place=st.sampled_from(range(len(SETTINGS))))
def test_any_text_has_the_tokens_of_the_annotators(
    spark: SparkSession, home: Path, lemmas: None, texts: list[str | None], place: int
) -> None:
    assert (
        _differing(spark, [text and text.encode("utf-8", "replace").decode() for text in texts], home, SETTINGS[place])
        == []
    )


@pytest.mark.parametrize(("rows", "words"), [(1, 1), (3, 5), (0, 0)])
def test_the_dictionary_of_stems_moves_no_stem(
    spark: SparkSession, home: Path, monkeypatch: pytest.MonkeyPatch, rows: int, words: int
) -> None:
    texts = ["cats cats caresses", "=cats hopping", "ponies s", *map(str, TEXTS[3:25])]
    usual = _tokens(spark, texts, home, stem=True, annotators="all")
    assert usual[0] == ["cat", "cat", "caress"]
    monkeypatch.setattr(stems, "ROWS", rows)
    monkeypatch.setattr(stems, "WORDS", words)
    assert _tokens(spark, texts, home, stem=True) == usual


def test_a_platform_that_splits_otherwise_is_refused(
    spark: SparkSession, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_blanks(text: Column, nlp: Nlp, stop_words: Sequence[str]) -> Column:
        return F.split(F.lower(text), " ")

    monkeypatch.setattr(pipeline, "split", by_blanks)
    with pytest.raises(DataError, match=r"Spark NLP makes .*, and this platform.s Spark SQL .*jumping;"):
        _tokens(spark, ["a b"], home)
    assert not list((home / "nlp").glob("[!.]*"))
    assert _tokens(spark, ["A b."], home, annotators="all") == [["a", "b"]]
