"""Text to typed values: what each type takes, and that nothing is changed on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse_nlp.core.settings.models import Column
from lakehouse_nlp.silver.values import present, value, written

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

Table = dict[str, Any]
EUROPEAN = {"decimal": ",", "grouping": "."}
CASES: list[tuple[dict[str, Any], Table]] = [
    ({"type": "string"}, {"a": "a", " a ": " a ", "": None, "   ": None, "\t\xa0\n": None, "?": "?"}),
    ({"type": "string", "nulls": ["?", "NA"]}, {"?": None, " NA ": None, "na": "na", "?a": "?a"}),
    ({"type": "int"}, {"5": 5, " 5 ": 5, "\t5\xa0": 5, "+5": 5, "-5": -5, "5.0": 5, "5.000": 5, "5.": 5, "5.7": None,
                       "5,0": None, "1e3": None, "007": 7, "2147483647": 2147483647, "2147483648": None, "five": None,
                       "": None, " ": None, "0x5": None, "1_000": None, "٣": None, "5 6": None, "--5": None}),
    ({"type": "int", "nulls": ["-1"]}, {"-1": None, "-10": -10}),
    ({"type": "bigint"}, {"2147483648": 2147483648, "123456789012345678": 123456789012345678,
                          "123456789012345678.0": 123456789012345678, "9223372036854775807": 9223372036854775807,
                          "9223372036854775808": None, "-9223372036854775808": -9223372036854775808}),
    ({"type": "bigint", **EUROPEAN}, {"1.234": 1234, "1.234,0": 1234, "1234": 1234, "1.23": None, "1.2345": None,
                                      "12.34.567": None, "1.234.567": 1234567, "0,5": None, "-1.000": -1000}),
    ({"type": "double"}, {"5": 5.0, " 5.7 ": 5.7, "-1e3": -1000.0, ".5": 0.5, "$5": None, "5,7": None, "": None,
                          "5 stars": None, "5d": None, "5f": None, "NaN": None, "Infinity": None, "1e999": None,
                          "-1e999": None, "1e-999": 0.0, "1,234.5": None}),
    ({"type": "double", **EUROPEAN}, {"1.234,5": 1234.5, "1234,5": 1234.5, "1,5e3": 1500.0, ",5": 0.5, "1.5": None,
                                      "1,234.5": None}),
    ({"type": "double", "grouping": ","}, {"1,234.5": 1234.5, "1234.5": 1234.5, "1,2": None, "12,345,678": 12345678.0}),
    ({"type": "double", "grouping": " ", "decimal": ","}, {"1 234,5": 1234.5, "1\u202f234,5": 1234.5, "1  234": None}),
    ({"type": "double", "grouping": "'"}, {"1'234.5": 1234.5}),
    ({"type": "float"}, {"0.5": 0.5, "x": None, "1e39": None}),
    ({"type": "decimal(10,2)"}, {"5": Decimal("5.00"), "19.99": Decimal("19.99"), "x": None, "123456789.00": None,
                                 "12345678.90": Decimal("12345678.90"), "1.005": None, "1.500": Decimal("1.50"),
                                 "1e3": Decimal("1000.00"), "1.2345e2": Decimal("123.45"), "1.23456e2": None,
                                 "-0.01": Decimal("-0.01")}),
    ({"type": "decimal(10,2)", **EUROPEAN}, {"1.234,56": Decimal("1234.56"), "1,005": None, "1.234": Decimal("1234.00"),
                                             "1.23": None}),
    ({"type": "decimal(38,2)"}, {"1.005": None, "9" * 36 + ".99": Decimal("9" * 36 + ".99"), "9" * 37: None}),
    ({"type": "decimal(38,18)"}, {"0E-18": Decimal("0"), "12345678901234567890.5": Decimal("12345678901234567890.5")}),
    ({"type": "decimal(18,0)"}, {"123456789012345678": Decimal("123456789012345678"), "1234567890123456789": None}),
    ({"type": "boolean"}, {**dict.fromkeys(("true", "TRUE", " True ", "t", "T", "yes", "Y", "1", "on"), True),
                           **dict.fromkeys(("false", "False", "f", "no", "N", "0", "off"), False),
                           **dict.fromkeys(("maybe", "", "2", "-1", "ja", "1.0"), None)}),
    ({"type": "date"}, {"2024-01-05": date(2024, 1, 5), "2024-1-5": date(2024, 1, 5), "5.1.2024": None,
                        "2024-02-30": None, "": None, "2024": None, "2024-01": None, "2024-01-05 or so": None,
                        "2024-01-05T00:00:00": date(2024, 1, 5), "2024-01-05 00:00:00.000": date(2024, 1, 5),
                        "2024-01-05T10:00:00": None, "2024-13-01": None, "20240105": None}),
    ({"type": "date", "format": "d.M.yyyy"}, {"5.1.2024": date(2024, 1, 5), " 05.01.2024 ": date(2024, 1, 5),
                                              "30.2.2024": None, "2024-01-05": None, "1.1.24": None, "": None}),
    ({"type": "date", "format": "MMMM d, yyyy"}, {"January 5, 2024": date(2024, 1, 5), "Jan 5, 2024": None,
                                                  "Smarch 5, 2024": None}),
    ({"type": "date", "format": ["d.M.yyyy", "yyyy-MM-dd", "M/d/yyyy", "d/M/yyyy"]},
     {"5.1.2024": date(2024, 1, 5), "2024-01-05": date(2024, 1, 5), "2/3/2024": date(2024, 2, 3),
      "13/2/2024": date(2024, 2, 13), "2024/01/05": None}),
    ({"type": "timestamp"}, {"2024-01-05 10:11:12": datetime(2024, 1, 5, 10, 11, 12), "noon": None, "12:30": None,
                             "2024-01-05": datetime(2024, 1, 5), "2024-01-05T10:11:00Z": datetime(2024, 1, 5, 10, 11),
                             "2024-01-05 10:11:12.5+02:00": datetime(2024, 1, 5, 8, 11, 12, 500000),
                             "2024-01-05T10:11:12.123456": datetime(2024, 1, 5, 10, 11, 12, 123456), "2024": None,
                             "2024-01-05 10:11:12 and more": None, "2024-01-05 25:00:00": None}),
    ({"type": "timestamp", "format": ["d.M.yyyy HH:mm", "yyyyMMddHHmmss"]},
     {"5.1.2024 10:11": datetime(2024, 1, 5, 10, 11), "5.1.2024": None,
      "20240105101112": datetime(2024, 1, 5, 10, 11, 12)}),
]  # fmt: skip


def _values(frame: DataFrame, column: Column) -> dict[str, Any]:
    bare = frame.withColumn("bare", present(F.col("text"), column.nulls or ()))
    found = bare.select("text", value(F.col("text"), F.col("bare"), column).alias("value")).collect()
    return {row["text"]: row["value"] for row in found}


def test_values_are_exact_or_null(spark: SparkSession) -> None:
    wrong = {}
    for declared, table in CASES:
        frame = spark.createDataFrame([(text,) for text in table], "text string")
        got = _values(frame, Column.model_validate(declared))
        wrong |= {(str(declared), text): got[text] for text in table if got[text] != table[text]}
    assert wrong == {}


def _grouped(number: int | Decimal) -> str:
    return f"{number:,}".translate(str.maketrans(",.", ".,"))


IDS = st.integers(-(2**63), 2**63 - 1)
DECIMALS = st.decimals(-(10**12), 10**12, places=6, allow_nan=False)
DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))
# Before 1900 Python's zone of the session has seconds of its own.
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(9999, 1, 1))
WRITERS: list[tuple[dict[str, Any], st.SearchStrategy[Any], Callable[[Any], str]]] = [
    ({"type": "bigint"}, IDS, str),
    ({"type": "bigint"}, IDS, lambda n: f"{n}.0"),
    ({"type": "bigint", **EUROPEAN}, IDS, _grouped),
    ({"type": "decimal(20,6)"}, DECIMALS, lambda n: f"{n:f}"),
    ({"type": "decimal(20,6)"}, DECIMALS, str),
    ({"type": "decimal(20,6)", **EUROPEAN}, DECIMALS, _grouped),
    ({"type": "double"}, st.floats(allow_nan=False, allow_infinity=False), repr),
    ({"type": "date"}, DAYS, date.isoformat),
    ({"type": "date", "format": ["d.M.yyyy", "yyyy-MM-dd"]}, DAYS, lambda d: f"{d.day}.{d.month}.{d.year:04}"),
    ({"type": "timestamp"}, TIMES, str),
    ({"type": "timestamp"}, TIMES, lambda t: (t + timedelta(hours=2)).isoformat() + "+02:00"),
]


@pytest.mark.parametrize(("declared", "values", "write"), WRITERS, ids=lambda v: str(v) if isinstance(v, dict) else "")
def test_what_was_written_comes_back(
    spark: SparkSession, declared: dict[str, Any], values: st.SearchStrategy[Any], write: Callable[[Any], str]
) -> None:
    """Few examples of many values each: a query costs more than a thousand rows."""

    @examples(max_examples=2, suppress_health_check=list(HealthCheck))
    @given(st.lists(values, min_size=50, max_size=100))
    def comes_back(batch: list[Any]) -> None:
        texts = {write(item): item for item in batch}
        frame = spark.createDataFrame([(text,) for text in texts], "text string").coalesce(1)
        got = _values(frame, Column.model_validate(declared))
        assert {text: got[text] for text in texts if got[text] != texts[text]} == {}

    comes_back()


def test_how_values_are_written_is_told() -> None:
    told = {
        "double": {"type": "double"},
        "date as d.M.yyyy or yyyy-MM-dd": {"type": "date", "format": ["d.M.yyyy", "yyyy-MM-dd"]},
        "decimal(10,2) written 1.234,5": {"type": "decimal(10,2)", **EUROPEAN},
        "double written 1234,5": {"type": "double", "decimal": ","},
    }
    assert {text: written(Column.model_validate(declared)) for text, declared in told.items()} == {t: t for t in told}
