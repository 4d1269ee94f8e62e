"""What is masked in text, what is left alone, and where the rest of a row goes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timezone

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rows import Row, bronze

from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.models import Mask
from lakehouse_nlp.silver import judge
from lakehouse_nlp.silver.expectations import figures
from lakehouse_nlp.silver.mask import hidden, masked
from lakehouse_nlp.silver.results import refuse, results

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

ALL = {"email": True, "phone": True, "card": True, "ip": True}
NOW = datetime(2024, 1, 12, tzinfo=timezone.utc)
MakeSettings = Callable[..., Settings]

# One value a line, alone and in a sentence; the numbers are those that authorities keep for books and films.
FOUND: dict[str, list[str]] = {
    "email": [
        "john@example.com", "JOHN.DOE@EXAMPLE.COM", "john.doe+tag@mail.example.co.uk", "o'brien@example.ie",
        "j_d%x@sub.sub.example.org", "jürgen@müller.de", "иван@пример.рф", "a@b.io", "1984@example.com",
        "x-y@xn--bcher-kva.example", "user@123.example.com", "用户@例子.公司", "first.last@example.museum",
        "_a@ex-ample.com", "a" * 70 + "@example.com",
    ],
    "ip": [
        "192.168.0.1", "8.8.8.8", "255.255.255.255", "10.0.0.254", "127.0.0.1", "203.0.113.195",
        "2001:0db8:85a3:0000:0000:8a2e:0370:7334", "2001:db8::1", "fe80::1ff:fe23:4567:890a", "::1", "2001:db8::",
        "::ffff:192.0.2.128", "64:ff9b::192.0.2.33", "1:2:3:4:5:6:7:8",
    ],
    "card": [
        "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "4111.1111.1111.1111", "5555555555554444",
        "2223003122003222", "378282246310005", "3782 822463 10005", "371449635398431", "6011111111111117",
        "3530111333300000", "30569309025904", "3056 930902 5904", "6304000000000000", "6759649826438453",
        "4111\xa01111\xa01111\xa01111", "4111–1111–1111–1111",
    ],
    "phone": [
        "+1 555 234 5678", "+1-555-234-5678", "+1 (555) 234-5678", "(555) 234-5678", "(555)234-5678", "555-234-5678",
        "555.234.5678", "555 234 5678", "1-800-555-0199", "+15552345678", "+44 20 7946 0958", "+44 (0)20 7946 0958",
        "020 7946 0958", "07700 900123", "+447700900123", "(020) 7946 0958", "01632 960 983", "+49 30 901820",
        "+49 (0)30 901820", "030/901820 12", "(030) 901 820", "0171/1234567", "0171-1234567", "0049 30 901820",
        "+33 1 99 00 12 34", "01 99 00 12 34", "01.99.00.12.34", "01-99-00-12-34", "+34 912 345 678",
        "+39 06 698 12345", "06 6981 2345", "+48 601 234 567", "+31 20 123 4567", "020-1234567",
        "+41 44 668 18 00", "044 668 18 00",
        "+46 8 123 456 78", "+47 22 12 34 56", "+420 601 123 456", "+7 495 123-45-67", "8 (495) 123-45-67",
        "+55 11 91234-5678", "(11) 91234-5678", "+91 98765 43210", "+86 138 0013 8000", "138 0013 8000",
        "+81 3-1234-5678", "03-1234-5678", "090-1234-5678", "+61 2 5550 1234", "(02) 5550 1234", "0491 570 156",
        "+972-3-555-1234", "+27 11 555 1234", "+65 6555 1234", "555\xa0234\xa05678", "555–234–5678",
        "0421-1234567",
    ],
}  # fmt: skip
# What stands before the digits settles it; the word itself stays.
SAID = {
    "call 5552345678": "call [PHONE]", "Call me at 555-1234 now": "Call me at [PHONE] now",
    "Tel: 912 345 678": "Tel: [PHONE]", "tel.: 0612345678": "tel.: [PHONE]", "phone 98765 43210": "phone [PHONE]",
    "WhatsApp 5511912345678": "WhatsApp [PHONE]",
    "Fax 22 12 34 56": "Fax [PHONE]",
}  # fmt: skip
LEFT = [
    # numbers of orders, books and goods
    "order 112-1234567-1234567", "order 5552345678", "order #0012345678", "No. 1234567890", "4111111111111112",
    "4111 1111 1111 1112", "1234 5678 9012 3456", "ISBN 978-3-16-148410-0", "ISBN 0-306-40615-2", "ISBN 0306406152",
    "ISBN 9783161484100", "EAN 4006381333931", "UPC 012345678905", "B00NLS3K7C", "SN 0123456789012", "SKU 12-345-678",
    "part 05-123", "ASIN B0012345678", "1588687728923", "invoice 2024/000123", "DE89370400440532013000",
    # dates and times
    "2024-01-05", "01-02-2024", "01.02.2024", "01/02/2024", "2024.01.05", "05 06 2023", "01.02.2024 12:30",
    "05-06-2023 12", "12:30:45", "10:11", "2024-01-05 10:11:12", "2024-01-05T10:11:12.000Z", "1990-2000", "20240105",
    # prices and measures
    "$1,299.00", "1.299,00 €", "1 234 567,89", "1,234,567", "10 000 000", "1920x1080", "1920-1080", "24-105 mm",
    "3.14159265", "0.123456789", "10 x 20 x 30", "100%", "5 stars", "1-2-3-4", "38 40 42 44", "16:9", "1/2000", "f/2.8",
    "12345-6789", "123-45-6789", "1.5.10", "-40 to +85", "+100", "640 480 320",
    # versions, chapters, addresses of machines and parts that are no IP addresses
    "version 1.2.3.4", "v1.2.3.4", "Firmware 10.0.2.1", "build 1.2.3.4", "1.2.3", "256.1.1.1", "1.2.3.4.5",
    "01.02.03.04", "section 1.2.3.4", "999.999.999.999", "00:1A:2B:3C:4D:5E", "std::string", "a::b", "::", "12:30",
    "1:2:3",
    # at signs
    "@john", "5 @ $2.50", "5@2.50", "me@home", "a@b", "user@localhost", "@example.com", "foo@", "a @ b.com",
    "50mm@f2.8",
    # plain words
    "", "nothing here", "C++ 11", "call 911", "phone 6 64 GB", "iPhone 12 128 512", "1,000 reviews",
]  # fmt: skip
ROUND = ("{}", "Write to {}, please.", "({})", "{}\nthen", "so: {}!", '"{}"', "before {} and {} after")


def _masked(spark: SparkSession, texts: list[str], mask: Mask) -> dict[str, tuple[str, ...]]:
    """Text -> as it is masked, and the kinds that were found."""
    frame = spark.createDataFrame([(text, text) for text in dict.fromkeys(texts)], "text string, clean string")
    rows = masked(frame, ["clean"], [], mask).collect()
    kinds = [name for name in ALL if getattr(mask, name)]
    return {row["text"]: (row["clean"], *(kind for kind in kinds if row[f"_found_{kind}"])) for row in rows}


def test_each_kind_is_found_in_every_notation_alone_and_in_sentences(spark: SparkSession) -> None:
    cases = [(kind, value, around) for kind, values in FOUND.items() for value in values for around in ROUND]
    wanted = {
        around.replace("{}", value): (around.replace("{}", f"[{kind.upper()}]"), kind) for kind, value, around in cases
    }
    found = _masked(spark, list(wanted), Mask(**ALL))
    assert {text: found[text] for text, want in wanted.items() if found[text] != want} == {}


def test_a_word_before_the_digits_makes_them_a_telephone_number(spark: SparkSession) -> None:
    found = _masked(spark, list(SAID), Mask(**ALL))
    assert found == {text: (want, "phone") for text, want in SAID.items()}


def test_what_only_looks_alike_is_left_alone(spark: SparkSession) -> None:
    texts = [around.replace("{}", text) for text in LEFT for around in ("{}", "It says {}.", "{} and more")]
    assert {text: found for text, found in _masked(spark, texts, Mask(**ALL)).items() if found != (text,)} == {}


def test_only_the_kinds_that_are_on_are_masked_and_masking_again_changes_nothing(spark: SparkSession) -> None:
    parts = {"email": "a@example.com", "ip": "192.168.0.1", "card": "4111 1111 1111 1111", "phone": "+1 555 234 5678"}
    text = ", ".join(parts.values())
    assert _masked(spark, [text], Mask()) == {text: (text,)}
    for kind, value in parts.items():
        label = text.replace(value, f"[{kind.upper()}]")
        assert _masked(spark, [text], Mask(**{kind: True})) == {text: (label, kind)}
        assert _masked(spark, [label], Mask(**{kind: True})) == {label: (label,)}


def test_hashes_are_equal_for_equal_values_and_another_salt_makes_others(spark: SparkSession) -> None:
    def one(text: str, salt: str) -> str:
        return _masked(spark, [text], Mask(**ALL, style="hash", salt=salt))[text][0]

    found = one("From a@example.com to A@Example.com, tel. 5552345678", "s1")
    digest = hashlib.sha256(b"s1a@example.com").hexdigest()[:12]
    phone = hashlib.sha256(b"s15552345678").hexdigest()[:12]
    assert found == f"From [EMAIL_{digest}] to [EMAIL_{digest}], tel. [PHONE_{phone}]"
    assert one("From a@example.com", "s2") != one("From a@example.com", "s1")
    assert one(found, "s1") == found


def test_null_stays_null_and_json_stays_json(spark: SparkSession) -> None:
    rows = [
        (None,),
        ('{"body":"call\\n555-234-5678\\nor\\tj@example.com","more":"{\\"x\\":\\"a\\\\n+1 555 234 5678\\"}"}',),
    ]
    frame = hidden(spark.createDataFrame(rows, "raw string"), ["raw"], Mask(**ALL))
    fields = F.from_json("raw", "body string, more string")
    assert frame.select("raw").collect()[0][0] is None
    body, more = frame.where("raw is not null").select(fields.alias("f")).select("f.body", "f.more").first()  # type: ignore[misc]
    assert (body, more) == ("call\n[PHONE]\nor\t[EMAIL]", '{"x":"a\\n[PHONE]"}')


def test_a_masked_project_shows_personal_data_neither_in_silver_nor_in_quarantine(
    spark: SparkSession, make_settings: MakeSettings
) -> None:
    """Text, fields of the wrong type, undeclared fields, rows that cannot be split, and the messages about them."""
    secret = "jane.roe.of.the.long.name@example.com"
    checks = [{"rule": "length", "column": "body", "max": 40}]
    settings = make_settings(silver={"mask": ALL}, text=["body"], checks=checks)
    rows: list[Row] = [
        {"id": "1", "title": "t", "body": f"<b>mail</b> {secret}", "stars": "5"},
        {"id": "2", "body": f"call 555-234-5678 {'x' * 40}", "stars": "5"},
        {
            "id": "3",
            "title": secret,
            "body": "b",
            "stars": f"{'x' * 50} {secret}",
            "_rescued": f'{{"more":"{secret}"}}',
        },
        {"_corrupt": f'{{"id": "4", "bo\\n{secret}'},
    ]
    judged, rules = judge.judged(bronze(spark, *rows), settings)
    judged = judged.persist()  # as the stage does
    good = judge.silver_rows(judged, settings).collect()
    assert [(row["id"], row["title"], row["body"]) for row in good] == [("1", "t", "mail [EMAIL]")]
    bad = judge.quarantine_rows(judged, "run-1").collect()
    assert [reason["message"] for row in bad for reason in row["reasons"]] == [
        f"body does not have at most 40 characters: 'call [PHONE] {'x' * 40}'",
        f"stars is no double: '{'x' * 50} [EMAIL]'",
        'a row that cannot be split into fields: \'{"id": "4", "bo\\n[EMAIL]\'',
    ]
    assert "[EMAIL]" in bad[1]["raw"]
    assert secret not in str(bad)
    counts = judge.count(judged, rules, settings)
    said = {result.rule: result for result in results(settings, rules, counts, NOW) if result.action == "mask"}
    changed = "share of rows that mask({}) changed is {}"
    assert said["mask(email)"].row()[3:] == (4, 1, 0.25, 0.0, "masked", changed.format("email", 0.25))
    assert said["mask(ip)"].row()[3:] == (4, 0, 0.0, 0.0, "passed", changed.format("ip", 0))
    assert not any("mask" in figure.name for figure in figures(settings, counts, list(said.values())))
    found = {name: n for name, n in counts.broken.items() if name.startswith("mask")}
    assert found == {"mask(email)": 1, "mask(ip)": 0, "mask(card)": 0, "mask(phone)": 1}
    assert (counts.quarantined, counts.keys) == (3, 1)


def test_messages_mask_columns_that_silver_shows_and_numbers_too(
    spark: SparkSession, make_settings: MakeSettings
) -> None:
    """The title is no masked column, and quoted masked all the same: by lookups, and by a fail with a tolerance too."""
    cut = f"{'x' * 75} jane@example.com"
    columns = {"id": "string", "title": "string", "body": "string", "stars": "double", "card": "bigint"}
    checks = [
        {"rule": "length", "column": "title", "max": 5},
        {"rule": "range", "column": "card", "max": 10},
        {"rule": "referential", "column": "title", "in": "shops.silver.name"},
        {"rule": "regex", "column": "title", "pattern": "^A", "action": "fail", "tolerance": 0.1},
    ]
    settings = make_settings(silver={"mask": ALL}, text=["body"], columns=columns, checks=checks)
    rows = bronze(spark, {"id": "1", "title": cut, "stars": "5"}).withColumn("card", F.lit("4111111111111111"))
    names = spark.createDataFrame([("else",)], "name string")
    judged, rules = judge.judged(rows, settings, lambda check: names)
    judged = judged.persist()
    (bad,) = judge.quarantine_rows(judged, "run-1").collect()
    assert [reason["message"] for reason in bad["reasons"]] == [
        f"title does not have at most 5 characters: '{'x' * 75} [EMA'",
        "card is not at most 10.0: '[CARD]'",
        f"title is not in shops.silver.name: '{'x' * 75} [EMA'",
    ]
    counts = judge.count(judged, rules, settings)
    with pytest.raises(DataError, match=r"regex\(title\) by 1 of 1 rows") as caught:
        refuse(results(settings, rules, counts, NOW), rules, judged)
    assert "[EMA" in caught.value.message
    assert "jane" not in caught.value.message + str(bad)
