from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from rows import Row, bring, bronze

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.models import Silver
from lakehouse_nlp.silver import judge, stage
from lakehouse_nlp.silver.text import NOT_SURELY_NFC, normalised

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

MakeSettings = Callable[..., Settings]
MakeContext = Callable[..., Context]


def _judged(spark: SparkSession, settings: Settings, *rows: Row) -> DataFrame:
    return judge.judged(bronze(spark, *rows), settings)[0].orderBy("_row")


def _reasons(spark: SparkSession, settings: Settings, *rows: Row) -> list[list[tuple[str, str]]]:
    found = _judged(spark, settings, *rows).collect()
    return [[(reason["rule"], reason["message"]) for reason in row["_reasons"]] for row in found]


# -- rules -----------------------------------------------------------------------------------------------------------

LONG = "x" * 100
ENGLISH = "It was the best camera that I have ever had, and the battery lasts for days."
GERMAN = "Die Kamera war die beste, die ich je hatte, und der Akku hält auch noch tagelang."
JAPANESE = "このカメラは今まで使った中で一番良いカメラで、電池も何日も持ちます。とても気に入りました。"
RULES: list[tuple[dict[str, Any], Row, str | None]] = [
    ({"rule": "not_null", "column": "body"}, {"body": "x"}, None),
    ({"rule": "not_null", "column": "body"}, {"body": None}, "body is missing: nothing"),
    ({"rule": "not_null", "column": "body"}, {"body": "  "}, "body is missing: nothing"),
    ({"rule": "not_null", "column": "body"}, {"body": "<br>\xa0"}, "body is missing: nothing"),
    ({"rule": "in_set", "column": "stars", "values": [1, 2, 3.5]}, {"stars": "2"}, None),
    ({"rule": "in_set", "column": "stars", "values": [1, 2, 3.5]}, {"stars": "3.50"}, None),
    ({"rule": "in_set", "column": "stars", "values": [1, 2, 3.5]}, {"stars": None}, None),
    ({"rule": "in_set", "column": "stars", "values": [1, 2, 3.5]}, {"stars": "4"},
     "stars is not among 1, 2, 3.5: '4.0'"),
    ({"rule": "in_set", "column": "title", "values": ["a", "b"]}, {"title": "B"}, "title is not among a, b: 'B'"),
    ({"rule": "in_set", "column": "title", "values": [1, 2]}, {"title": "1"}, None),
    ({"rule": "range", "column": "stars", "min": 1, "max": 5}, {"stars": "5.0"}, None),
    ({"rule": "range", "column": "stars", "min": 1, "max": 5}, {"stars": "1"}, None),
    ({"rule": "range", "column": "stars", "min": 1, "max": 5}, {"stars": None}, None),
    ({"rule": "range", "column": "stars", "min": 1, "max": 5}, {"stars": "5.5"}, "stars is not from 1.0 to 5.0: '5.5'"),
    ({"rule": "range", "column": "stars", "min": 1}, {"stars": "0.5"}, "stars is not at least 1.0: '0.5'"),
    ({"rule": "range", "column": "stars", "max": 5}, {"stars": "9"}, "stars is not at most 5.0: '9.0'"),
    ({"rule": "length", "column": "title", "min": 2, "max": 3}, {"title": "abc"}, None),
    ({"rule": "length", "column": "title", "min": 2, "max": 3}, {"title": "a😀b"}, None),
    ({"rule": "length", "column": "title", "min": 2, "max": 3}, {"title": None}, None),
    ({"rule": "length", "column": "title", "min": 2, "max": 3}, {"title": "abcd"},
     "title does not have from 2 to 3 characters: 'abcd'"),
    ({"rule": "length", "column": "title", "max": 3}, {"title": LONG},
     f"title does not have at most 3 characters: '{LONG[:80]}'"),
    ({"rule": "length", "column": "title", "min": 2}, {"title": " a "},
     "title does not have at least 2 characters: 'a'"),
    ({"rule": "regex", "column": "id", "pattern": r"^R\d+$"}, {"id": "R1"}, None),
    ({"rule": "regex", "column": "title", "pattern": r"^R\d+$"}, {"title": None}, None),
    ({"rule": "regex", "column": "id", "pattern": r"^R\d+$"}, {"id": "r1"}, r"id does not match ^R\d+$: 'r1'"),
    ({"rule": "regex", "column": "stars", "pattern": r"\.0$"}, {"stars": "4.5"}, r"stars does not match \.0$: '4.5'"),
    ({"rule": "language", "column": "body", "languages": ["english"]}, {"body": ENGLISH}, None),
    ({"rule": "language", "column": "body", "languages": ["english"]}, {"body": None}, None),
    ({"rule": "language", "column": "body", "languages": ["english"]}, {"body": "Sehr gut!"}, None),
    ({"rule": "language", "column": "body", "languages": ["english"]}, {"body": GERMAN},
     f"body is not in english: '{GERMAN[:80]}'"),
    ({"rule": "language", "column": "body", "languages": ["english", "german"]}, {"body": GERMAN}, None),
    ({"rule": "language", "column": "body", "languages": ["german"]}, {"body": ENGLISH},
     f"body is not in german: '{ENGLISH[:80]}'"),
    ({"rule": "language", "column": "body", "languages": ["english", "japanese"]}, {"body": JAPANESE}, None),
    ({"rule": "language", "column": "body", "languages": ["english"]}, {"body": JAPANESE},
     f"body is not in english: '{JAPANESE[:80]}'"),
    ({"rule": "language", "column": "body", "languages": ["greek"]}, {"body": ENGLISH},
     f"body is not in greek: '{ENGLISH[:80]}'"),
    ({"rule": "language", "column": "body", "languages": ["english"], "min_letters": 5}, {"body": "Sehr gut!"},
     "body is not in english: 'Sehr gut!'"),
    ({"rule": "sql", "where": "stars > 1"}, {"stars": "2"}, None),
    ({"rule": "sql", "where": "stars > 1"}, {"stars": None}, None),
    ({"rule": "sql", "where": "stars > 1"}, {"stars": "1"}, "not so: stars > 1"),
    ({"rule": "sql", "where": "STARS > 1 and title is not null"}, {"stars": "2"},
     "not so: STARS > 1 and title is not null"),
    ({"rule": "sql", "where": "day between '2024-01-01' and current_date()"}, {"day": "5.1.2024"}, None),
    ({"rule": "sql", "where": "day > date'2024-01-01'"}, {"day": "1.1.2024"}, "not so: day > date'2024-01-01'"),
    ({"rule": "sql", "where": "`title` in ('a', 'it''s') or length(body) > 2"}, {"title": "it's"}, None),
    ({"rule": "sql", "where": r"title rlike '^\\d+$'"}, {"title": "12"}, None),
    ({"rule": "sql", "where": r"title rlike '^\\d+$'"}, {"title": "1a"}, r"not so: title rlike '^\\d+$'"),
    ({"rule": "sql", "where": "coalesce(price, 0) % 2 = 0 and price::int <=> 4"}, {"price": "4"}, None),
]  # fmt: skip


def test_every_rule_says_exactly_what_it_found(spark: SparkSession, make_settings: MakeSettings) -> None:
    """One frame holds a row for each case, and every rule; a row is asked about its own rule only."""
    checks = [{**check, "name": f"case-{place}"} for place, (check, _, _) in enumerate(RULES)]
    rows = [{"id": f"R{place}", **row} for place, (_, row, _) in enumerate(RULES)]
    found = _reasons(spark, make_settings(checks=checks), *rows)
    said = [dict(reasons).get(f"case-{place}") for place, reasons in enumerate(found)]
    wanted = [message for _, _, message in RULES]
    assert [(RULES[n][0], said[n]) for n in range(len(RULES)) if said[n] != wanted[n]] == []


def test_the_rules_that_come_with_types_and_keys(spark: SparkSession, make_settings: MakeSettings) -> None:
    rows: list[Row] = [
        {"id": "1", "stars": "5", "day": "1.2.2024"},
        {"id": "2", "stars": "five", "day": "2024-02-01"},
        {"id": None, "stars": ""},
        {"id": " ", "price": "$5"},
        {"_corrupt": "a,b,c,d"},
        {"_corrupt": "y" * 100, "_fault": "3 fields in place of 6"},
    ]
    assert _reasons(spark, make_settings(), *rows) == [
        [],
        [("type(stars)", "stars is no double: 'five'"), ("type(day)", "day is no date as d.M.yyyy: '2024-02-01'")],
        [("key(id)", "id is missing, and is part of the key")],
        [("type(price)", "price is no double: '$5'"), ("key(id)", "id is missing, and is part of the key")],
        [("readable", "a row that cannot be split into fields: 'a,b,c,d'")],
        [("readable", f"3 fields in place of 6: '{'y' * 80}'")],
    ]


def test_checks_have_names_and_fingerprints_of_their_definition(
    spark: SparkSession, make_settings: MakeSettings
) -> None:
    def fingerprints(**check: Any) -> tuple[str, str]:
        settings = make_settings(checks=[{"rule": "range", "column": "stars", **check}])
        rule = judge.judged(bronze(spark, {"id": "1"}), settings)[1][-1]
        return rule.name, rule.fingerprint

    name, fingerprint = fingerprints(max=5)
    assert (name, len(fingerprint)) == ("range(stars)", 12)
    assert fingerprints(max=5, name="five", action="warn") == ("five", fingerprint)
    assert fingerprints(max=6)[1] != fingerprint
    assert make_settings(checks=[{"rule": "sql", "where": "stars > 1"}]).checks[0].known_as == "sql(stars > 1)"


# -- text ------------------------------------------------------------------------------------------------------------

NORMALISED: dict[str, str | None] = {
    # tags
    "<b>bold</b> text": "bold text", "a<br/>b<BR>c": "a b c", "<p class=\"x\">y</p>": "y", "<!-- no -->yes": "yes",
    "a <!-- x\ny > z --> b": "a b", "<a\nhref='x'>link</a>": "link",
    "a < b and c > d": "a < b and c > d", "1 <2 and 3> 2": "1 <2 and 3> 2", "I <3 it": "I <3 it", "<": "<", "x<": "x<",
    # entities
    "caf&eacute;": "café", "it&#39;s": "it's", "&#x1F600;": "😀", "&amp;lt;": "&lt;", "&lt;b&gt;": "<b>",
    "a&nbsp;b": "a b",
    "AT&T": "AT&T", "R&D; x": "R&D; x", "a & b": "a & b", "&": "&", "&unknown;": "&unknown;", "&quot;q&quot;": '"q"',
    # control characters
    "a\x00b": "ab", "a\x07b\x1b[0m": "ab[0m", "\ufeffstart": "start", "a\x9fb": "ab",
    # whitespace
    "  a  b  ": "a b", "a\tb\nc\r\nd": "a b c d", "a\xa0b": "a b", "a\u2003b\u3000c\u2028d": "a b c d", "a\x85b": "a b",
    "a\x0bb": "a b", "a\x0cb": "a b",
    # composition
    "e\u0301": "é", "cafe\u0301!": "café!", "\u1112\u1161\u11ab": "한", "가\u11a8": "각",
    "Vie\u0323\u0302t": "Việt", "a\u0302\u0323": "ậ", "\u212b": "Å", "\u2126": "Ω", "\u00c5": "Å",
    "\u0958": "\u0915\u093c",
    "\u1e69": "ṩ", "s\u0307\u0323": "ṩ", "ﬁ": "ﬁ", "ａ": "ａ",
    # what stays as it is
    "😀👍🏽": "😀👍🏽", "👨\u200d👩\u200d👧": "👨\u200d👩\u200d👧",
    "日本語 한국어 العربية": "日本語 한국어 العربية",
    "“quoted” – naïve": "“quoted” – naïve",
    # nothing left
    "": None, "   ": None, "<br>": None, "\xa0\u3000": None, "\x00": None, "&nbsp;": None, "<p></p>": None,
}  # fmt: skip


def _normalised(spark: SparkSession, texts: list[str], steps: Silver) -> dict[str, str | None]:
    frame = spark.createDataFrame([(text,) for text in texts], "text string")
    rows = normalised(frame.withColumn("clean", F.col("text")), ["clean"], steps).collect()
    return {row["text"]: row["clean"] for row in rows}


def test_text_is_normalised(spark: SparkSession) -> None:
    found = _normalised(spark, list(NORMALISED), Silver())
    assert {text: clean for text, clean in found.items() if clean != NORMALISED[text]} == {}


def test_normalising_again_changes_nothing_more(spark: SparkSession) -> None:
    once = [clean for clean in NORMALISED.values() if clean and "&" not in clean and "<" not in clean]
    assert {text: clean for text, clean in _normalised(spark, once, Silver()).items() if clean != text} == {}


def test_null_stays_null_and_steps_can_be_switched_off(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(None,)], "text string")
    assert normalised(frame, ["text"], Silver()).first()[0] is None  # type: ignore[index]
    text = "<b>e\u0301&amp;\x07 \t x</b>"
    off = {"html": False, "control": False, "unicode": False, "whitespace": False}
    cases = {
        "": text,
        "html": " e\u0301&\x07 \t x ",
        "control": "<b>e\u0301&amp; \t x</b>",
        "unicode": "<b>é&amp;\x07 \t x</b>",
        "whitespace": "<b>e\u0301&amp;\x07 x</b>",
    }
    for step, wanted in cases.items():
        steps = Silver.model_validate({**off, **({step: True} if step else {})})
        assert _normalised(spark, [text], steps) == {text: wanted}


def test_java_finds_every_text_that_nfc_changes_and_arrow_composes_it_as_python_does(spark: SparkSession) -> None:
    """All characters, canonical pairs and Hangul by themselves: about 36,000 texts that NFC changes."""
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
    pairs = [
        "".join(chr(int(code, 16)) for code in parts.split())
        for c in characters
        if (parts := unicodedata.decomposition(c)) and not parts.startswith("<")
    ]
    hangul = [unicodedata.normalize("NFD", chr(code)) for code in range(0xAC00, 0xD7A4)]
    hangul += [chr(code) + "\u11a8" for code in range(0xAC00, 0xD7A4, 28)]
    marks = [c for c in characters if unicodedata.combining(c)]
    texts = [t for t in dict.fromkeys([*characters, *pairs, *hangul]) if unicodedata.normalize("NFC", t) != t]
    assert len(texts) > 12_000
    rows = [(text, unicodedata.normalize("NFC", text)) for text in texts]
    rows += [(f"a{mark}", unicodedata.normalize("NFC", f"a{mark}")) for mark in marks]
    frame = spark.createDataFrame(rows, "text string, wanted string")
    steps = Silver(html=False, control=False, whitespace=False)
    missed = frame.where(~F.col("text").rlike(NOT_SURELY_NFC))
    assert [row["text"].encode("unicode_escape") for row in missed.collect()] == []
    composed = normalised(frame.withColumn("clean", F.col("text")), ["clean"], steps)
    differs = composed.where(~F.col("clean").eqNullSafe(F.col("wanted")))
    assert [row["text"].encode("unicode_escape") for row in differs.collect()] == []


# -- judging ---------------------------------------------------------------------------------------------------------


def test_one_pass_counts_everything(spark: SparkSession, make_settings: MakeSettings) -> None:
    settings = make_settings(
        checks=[
            {"rule": "not_null", "column": "body"},
            {"rule": "range", "column": "price", "min": 0, "action": "warn"},
        ]
    )
    rows: list[Row] = [
        {"id": "1", "body": "x", "price": "-1"},
        {"id": "1", "body": "y"},
        {"id": "2", "body": "z", "stars": "3"},
        {"id": "3"},
        {"id": "4", "stars": "x", "price": "-1"},
        {"_corrupt": "broken"},
    ]
    judged, rules = judge.judged(bronze(spark, *rows), settings)
    counts = judge.count(judged, rules, settings)
    assert (counts.read, counts.quarantined, counts.valid, counts.keys) == (6, 3, 3, 2)
    assert counts.broken == {
        "readable": 1, "type(stars)": 1, "type(day)": 0, "type(price)": 0, "key(id)": 0,
        "not_null(body)": 2, "range(price)": 2
    }  # fmt: skip
    assert counts.missing == {"id": 0, "title": 3, "body": 0, "stars": 2, "day": 3, "price": 2}
    assert counts.given == {"price": 2}
    assert counts.sums == {}


def test_the_newest_row_of_a_key_stands(spark: SparkSession, make_settings: MakeSettings) -> None:
    rows: list[Row] = [
        {"id": "date", "day": "2.1.2024", "body": "newest", "_batch": 1},
        {"id": "date", "day": "1.1.2024", "body": "older, and later", "_batch": 2},
        {"id": "date", "day": None, "body": "no date", "_batch": 3},
        {"id": "batch", "day": "1.1.2024", "body": "first", "_batch": 1},
        {"id": "batch", "day": "1.1.2024", "body": "last", "_batch": 2},
        {"id": "row", "body": "first", "_row": 7},
        {"id": "row", "body": "last", "_row": 9},
        {"id": "bad", "day": "1.1.2024", "body": "good"},
        {"id": "bad", "day": "5.1.2024", "body": "bad", "stars": "x"},
        {"id": "same", "body": "same"},
        {"id": "same", "body": "same"},
    ]

    def texts(settings: Settings) -> dict[str, str]:
        found = judge.silver_rows(_judged(spark, settings, *rows), settings).collect()
        assert len(found) == 5
        return {row["id"]: row["body"] for row in found}

    always = {"batch": "last", "row": "last", "bad": "good", "same": "same"}
    assert texts(make_settings(newest_by="day")) == {"date": "newest", **always}
    assert texts(make_settings()) == {"date": "no date", **always}


def test_labels_are_for_training_rows_and_come_from_typed_values(
    spark: SparkSession, make_settings: MakeSettings
) -> None:
    rows: list[Row] = [
        {"id": "1", "stars": "5.0"},
        {"id": "2", "stars": "1"},
        {"id": "3", "stars": "3"},
        {"id": "4"},
        {"id": "5", "stars": "5", "_purpose": "inference"},
    ]
    settings = make_settings()
    found = judge.silver_rows(_judged(spark, settings, *rows), settings).orderBy("id").collect()
    assert [row["_label"] for row in found] == ["good", "bad", None, None, None]
    assert [row["_key"] for row in found] == ["1", "2", "3", "4", "5"]


def test_keys_of_two_columns_are_not_mixed_up(spark: SparkSession, make_settings: MakeSettings) -> None:
    settings = make_settings(key=["id", "title"])
    rows: list[Row] = [{"id": "a|b", "title": "c"}, {"id": "a", "title": "b|c"}, {"id": "a", "title": "c"}]
    assert judge.silver_rows(_judged(spark, settings, *rows), settings).count() == 3


def test_a_row_hash_tells_different_rows_apart(spark: SparkSession, make_settings: MakeSettings) -> None:
    settings = make_settings(text=["body"])
    rows: list[Row] = [
        {"id": "1", "title": "x"},
        {"id": "2", "body": "x"},
        {"id": "3", "title": "x", "body": "x"},
        {"id": "4"},
        {"id": "5", "stars": "3"},
        {"id": "6", "price": "3"},
        {"id": "7", "price": "3", "_purpose": "inference"},
    ]
    # Without the key all rows are of one key, as those of different batches may be.
    frame = _judged(spark, settings, *rows).withColumn("_typed_id", F.lit("one"))
    hashes = [row["_row_hash"] for row in judge.silver_rows(frame, settings).collect()]
    assert len(set(hashes)) == len(rows)


def test_quarantine_holds_rows_as_they_came_and_every_reason(spark: SparkSession, make_settings: MakeSettings) -> None:
    settings = make_settings(checks=[{"rule": "not_null", "column": "body"}])
    rows: list[Row] = [
        {"id": "1", "body": " <b> ", "stars": "x", "_rescued": '{"more":"1"}'},
        {"_corrupt": '{"id": "2", "bo'},
        {"id": "3", "body": "good"},
    ]
    found = judge.quarantine_rows(_judged(spark, settings, *rows), "run-9").orderBy("_row").collect()
    assert [row["raw"] for row in found] == [
        '{"id":"1","body":" <b> ","stars":"x","_rescued":"{\\"more\\":\\"1\\"}"}',
        '{"id": "2", "bo',
    ]
    assert [[reason["rule"] for reason in row["reasons"]] for row in found] == [
        ["type(stars)", "not_null(body)"],
        ["readable"],
    ]
    assert list(found[0]["reasons"][0].asDict()) == ["rule", "message", "run_id", "fingerprint"]
    assert found[0]["reasons"][0]["run_id"] == "run-9"
    assert [(row["_file"], row["_row"], row["run_id"]) for row in found] == [
        ("f.csv", 0, "run-9"),
        ("f.csv", 1, "run-9"),
    ]


# -- the stage -------------------------------------------------------------------------------------------------------


def _silver(ctx: Context) -> dict[str, tuple[Any, ...]]:
    rows = duck.rows(ctx.root, "SELECT * FROM tiny.silver", only=["tiny.silver"])
    return {row["_key"]: (row["title"], row["body"], row["_label"], row["_batch"]) for row in rows}


def test_new_rows_reach_silver_and_what_fails_leaves_it_as_it_was(
    home: Path, spark: SparkSession, make_context: MakeContext
) -> None:
    check = {"rule": "range", "column": "stars", "max": 5}
    ctx = make_context(home, newest_by="day", checks=[{"rule": "range", "column": "price", "min": 0, "action": "warn"}])
    assert stage.due(ctx) is None
    bring(
        ctx, spark, 1,
        {"id": "1", "title": "<b>A</b>", "body": "x", "stars": "5", "day": "2.1.2024", "price": "-1"},
        {"id": "2", "title": "B", "stars": "1"},
        {"id": "3", "title": "moves"},
        {"id": None, "title": "no key"},
    )  # fmt: skip
    assert stage.due(ctx) is not None
    first = stage.run(ctx)
    assert (first.read, first.written, first.rejected) == (4, 3, 1)
    assert _silver(ctx) == {"1": ("A", "x", "good", 1), "2": ("B", None, "bad", 1), "3": ("moves", None, None, 1)}
    checks = duck.rows(ctx.root, "SELECT rule, broken FROM ops.checks WHERE broken > 0 ORDER BY 1", only=["ops.checks"])
    assert checks == [{"rule": "key(id)", "broken": 1}, {"rule": "range(price)", "broken": 1}]
    assert stage.due(ctx) is None
    assert stage.run(ctx).note == "nothing new in bronze"

    bring(
        ctx, spark, 2,
        {"id": "1", "title": "older", "day": "1.1.2024"},
        {"id": "2", "title": "B2", "day": "1.1.2024"},
        {"id": "3", "body": "moves"},
        {"id": "4", "title": "new", "stars": "x"},
    )  # fmt: skip
    second = stage.run(ctx)
    assert (second.read, second.rejected) == (4, 1)
    assert _silver(ctx) == {"1": ("A", "x", "good", 1), "2": ("B2", None, None, 2), "3": (None, "moves", None, 2)}
    assert ctx.tables.log("quarantine").rows() == 2

    before = ctx.versions("silver", "quarantine")
    strict = make_context(home, newest_by="day", checks=[{**check, "action": "fail"}])
    bring(strict, spark, 3, {"id": "5", "stars": "4"}, {"id": "6", "stars": "9"}, {"id": "7", "stars": "8"})
    with pytest.raises(DataError) as caught:
        stage.run(strict)
    assert caught.value.message == (
        "silver: broken with action fail: range(stars) by 2 of 5 rows; "
        "first: stars is not at most 5.0: '9.0' (file f.csv)"
    )
    assert strict.versions("silver", "quarantine") == before
    assert stage.due(strict) is not None
