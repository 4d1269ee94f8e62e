"""Text normalisation as Column functions: tags, entities, Unicode NFC, control characters, whitespace."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf
from pyspark.sql.types import StringType

from lakehouse_nlp.core.settings.models import Silver

TAG = r"(?s)<!--.*?-->|</?[A-Za-z][^<>]*>"
CONTROL = r"[\p{Cc}\uFEFF&&[^\t\n\r\x85]]"
BLANKS = r"[\s\x85\p{Z}]+"
# Characters that Unicode NFC may change or join to the one before; text without them is in NFC already. A superset of
# those whose NFC_Quick_Check is not Yes (Unicode Standard Annex 15); a test holds it against Python's unicodedata.
NOT_SURELY_NFC = (
    r"[\p{M}\u0374\u037E\u0387\u1100-\u11FF\u1F71-\u1FFD\u2000-\u2001\u2126\u212A-\u212B\u2329-\u232A"
    r"\uF900-\uFAFF\uFB1D-\uFB4E\x{16D63}-\x{16D6A}\x{1D15E}-\x{1D1C0}\x{2F800}-\x{2FA1D}]"
)


def normalised(text: Column, steps: Silver) -> Column:
    """The text after the steps that are switched on; null where nothing is left."""
    if steps.html:
        text = F.when(text.contains("<"), F.regexp_replace(text, TAG, " ")).otherwise(text)
        text = F.when(text.contains("&"), _unescaped(text)).otherwise(text)
    if steps.control:
        text = F.regexp_replace(text, CONTROL, "")
    if steps.unicode:
        text = _composed(text)
    if steps.whitespace:
        text = F.trim(F.regexp_replace(text, BLANKS, " "))
    return F.when(text != "", text)


def _unescaped(text: Column) -> Column:
    """HTML entities decoded by jsoup, which Spark NLP brings along."""
    return F.call_function("reflect", F.lit("org.jsoup.parser.Parser"), F.lit("unescapeEntities"), text, F.lit(False))


def _composed(text: Column) -> Column:
    """Unicode NFC. Spark has no function for it, so Arrow's does it, for the few rows that may need it."""
    ascii_only = F.octet_length(text) == F.length(text)
    asked = F.when(~ascii_only & text.rlike(NOT_SURELY_NFC), text)
    return F.coalesce(_nfc(asked), text)


@pandas_udf(StringType())  # type: ignore[call-overload, untyped-decorator]
def _nfc(text: pd.Series) -> pd.Series:
    composed: pd.Series = pc.utf8_normalize(pa.array(text, pa.string(), from_pandas=True), form="NFC").to_pandas()
    return composed
