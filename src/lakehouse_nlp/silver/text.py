"""Text normalisation as Column functions: tags, entities, control characters, Unicode NFC, whitespace."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf
from pyspark.sql.types import StringType

from lakehouse_nlp.core.settings.models import Silver

TAG = r"(?s)<!--.*?-->|</?[A-Za-z][^<>]*>"
CONTROL = r"[\p{Cc}\uFEFF&&[^\t\n\x0B\f\r\x85]]"
BLANKS = r"[\s\x85\p{Z}]+"
# A character outside these ranges may be changed by Unicode NFC, or joined to the one before; a text within them is in
# NFC already (Unicode Standard Annex 15). Ranges and not classes, because Java and Python know different Unicodes.
NOT_SURELY_NFC = (
    r"[^\u0000-\u02FF\u0370-\u0373\u0375-\u037D\u037F-\u0386\u0388-\u0482\u048A-\u0590\u05D0-\u060F\u061B-\u064A"
    r"\u0660-\u066F\u2002-\u20CF\u20F1-\u2125\u2127-\u2129\u212C-\u2328\u232B-\u2ADB\u2ADD-\u2CEE\u2E00-\u3029"
    r"\u3030-\u3098\u309B-\uA66E\uAC00-\uD7A3\uFE00-\uFE0F\uFE30-\uFFFF\x{1F000}-\x{1FAFF}]"
)


def normalised(rows: DataFrame, columns: Sequence[str], switches: Silver) -> DataFrame:
    """The rows with these columns normalised by the steps that are switched on; null where nothing is left.

    A projection a step: within one expression Spark would write each step's input out at every place that uses it.
    """
    for step in _steps(switches):
        rows = rows.withColumns({name: step(F.col(f"`{name}`")) for name in columns})
    return rows


def _steps(switches: Silver) -> list[Callable[[Column], Column]]:
    chosen = (
        (switches.html, _without_tags),
        (switches.html, _unescaped),
        (switches.control, lambda text: F.regexp_replace(text, CONTROL, "")),
        (switches.unicode, _composed),
        (switches.whitespace, lambda text: F.trim(F.regexp_replace(text, BLANKS, " "))),
        (True, lambda text: F.when(text != "", text)),
    )
    return [step for on, step in chosen if on]


def _without_tags(text: Column) -> Column:
    return F.when(text.contains("<"), F.regexp_replace(text, TAG, " ")).otherwise(text)


def _unescaped(text: Column) -> Column:
    """HTML entities decoded by jsoup, which Spark NLP brings along."""
    parser = F.lit("org.jsoup.parser.Parser"), F.lit("unescapeEntities")
    return F.when(text.contains("&"), F.call_function("reflect", *parser, text, F.lit(False))).otherwise(text)


def _composed(text: Column) -> Column:
    """Unicode NFC. Spark has no function for it, so Python's does it, for the few rows that may need it."""
    ascii_only = F.octet_length(text) == F.length(text)
    asked = F.when(~ascii_only & text.rlike(NOT_SURELY_NFC), text)
    normalised = pandas_udf(_nfc, StringType())  # type: ignore[call-overload]  # made here: it is of one session
    return F.coalesce(normalised(asked), text)


def _nfc(text: pd.Series) -> pd.Series:
    return text.map(lambda value: unicodedata.normalize("NFC", value), na_action="ignore")
