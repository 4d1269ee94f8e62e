"""Text to values of the declared types, as Column expressions: exact, or null.

Spark's own casts are asked only after the text has the form that is meant: they take `5.7` for the int 5, `5d` for a
number, `2024-01-05 or so` for a date and `12:30` for a time of today.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse_nlp.core.settings import models

BLANKS = " \t\n\x0b\f\r\x85\xa0\u2007\u202f\u3000\ufeff"
TRUE, FALSE = ("true", "t", "yes", "y", "on", "1"), ("false", "f", "no", "n", "off", "0")
DAY = r"\d{4}-\d{1,2}-\d{1,2}"
MIDNIGHT = r"(?:[ T]0?0:00(?::00(?:\.0+)?)?Z?)?"
CLOCK = r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)? ?(?:Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?|[A-Z][a-z]+/\w+)?)?"


def present(text: Column, nulls: Collection[str] = ()) -> Column:
    """The text without blanks around it; null where nothing is left, or what is left is among `nulls`."""
    bare = F.btrim(text, F.lit(BLANKS))
    given = (bare != "") & ~bare.isin(*nulls) if nulls else bare != ""
    return F.when(given, bare)


def value(text: Column, bare: Column, column: models.Column) -> Column:
    """The text as a value of the declared type; null where it is missing, or is none of that type.

    `bare`: what `present` says of the text. A value that the type cannot hold exactly (too large, too many decimals) is
    none; for float and double, one that is too large. A string keeps the blanks around it.
    """
    if column.type == "string":
        return F.when(bare.isNotNull(), text)
    return _KINDS[column.type.partition("(")[0]](bare, column)


def written(column: models.Column) -> str:
    """How the column's values are declared to be, for messages: `date as d.M.yyyy`, `double written 1.234,5`."""
    if column.format:
        return f"{column.type} as {' or '.join(column.format)}"
    if column.decimal == "." and column.grouping is None:
        return column.type
    return f"{column.type} written 1{column.grouping or ''}234{column.decimal}5"


def _whole(bare: Column, column: models.Column) -> Column:
    digits, point = _digits(column), re.escape(column.decimal)
    whole = F.regexp_replace(_plain(bare, column), r"\..*", "")
    return F.when(bare.rlike(rf"^[+-]?{digits}(?:{point}0*)?$"), whole.cast(column.type))


def _floating(bare: Column, column: models.Column) -> Column:
    number = _plain(bare, column).cast(column.type)
    return F.when(bare.rlike(_number(column)) & (F.abs(number) < float("inf")), number)


def _decimal(bare: Column, column: models.Column) -> Column:
    """Spark rounds to the scale: a number is compared with itself in the widest type of as many whole digits."""
    precision, scale = map(int, re.findall(r"\d+", column.type))
    plain = _plain(bare, column)
    exact, wide = plain.cast(column.type), plain.cast(f"decimal(38,{38 - precision + scale})")
    cut = plain.rlike(rf"\.\d{{{scale}}}\d*[1-9]\d*$")
    return F.when(bare.rlike(_number(column)) & ~cut & (exact == wide), exact)


def _number(column: models.Column) -> str:
    digits, point = _digits(column), re.escape(column.decimal)
    return rf"^[+-]?(?:{digits}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?$"


def _digits(column: models.Column) -> str:
    """Digits with the declared marks between thousands, or without any: where "." groups, 1.23 is no 123."""
    return rf"(?:\d{{1,3}}(?:{_mark(column)}\d{{3}})+|\d+)" if column.grouping else r"\d+"


def _mark(column: models.Column) -> str:
    return "[ \xa0\u202f]" if column.grouping == " " else re.escape(column.grouping or "")


def _plain(bare: Column, column: models.Column) -> Column:
    """The number as Spark writes it, if it is one."""
    if column.grouping:
        bare = F.regexp_replace(bare, _mark(column), "")
    return bare if column.decimal == "." else F.translate(bare, column.decimal, ".")


def _boolean(bare: Column, column: models.Column) -> Column:
    word = F.lower(bare)
    return F.when(word.isin(*TRUE), F.lit(True)).when(word.isin(*FALSE), F.lit(False))


def _date(bare: Column, column: models.Column) -> Column:
    if column.format:
        return F.coalesce(*(F.to_date(bare, pattern) for pattern in column.format))
    return F.when(bare.rlike(f"^{DAY}{MIDNIGHT}$"), bare.cast("date"))


def _timestamp(bare: Column, column: models.Column) -> Column:
    if column.format:
        return F.coalesce(*(F.to_timestamp(bare, pattern) for pattern in column.format))
    return F.when(bare.rlike(f"^{DAY}{CLOCK}$"), bare.cast("timestamp"))


_KINDS: dict[str, Callable[[Column, models.Column], Column]] = {
    "int": _whole, "bigint": _whole, "float": _floating, "double": _floating, "decimal": _decimal,
    "boolean": _boolean, "date": _date, "timestamp": _timestamp,
}  # fmt: skip
