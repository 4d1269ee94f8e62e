"""Personal data in text, masked before anything is written, and counted by kind: Column expressions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.settings.models import Mask
from lakehouse_nlp.silver.personal import KINDS, Kind
from lakehouse_nlp.silver.rules import Rule

FOUND = "_found_"
PLAIN = "_plain_"


def kinds(mask: Mask) -> tuple[Kind, ...]:
    """The kinds that are switched on."""
    return tuple(kind for kind in KINDS if getattr(mask, kind.name))


def hidden(rows: DataFrame, columns: Sequence[str], mask: Mask) -> DataFrame:
    """The rows with these columns masked, a projection a kind, as in `text.normalised`."""
    for kind in kinds(mask):
        rows = rows.withColumns({name: _replaced(F.col(f"`{name}`"), kind, mask) for name in columns})
    return rows


def masked(rows: DataFrame, columns: Sequence[str], beside: Sequence[str], mask: Mask) -> DataFrame:
    """The same, with a boolean `_found_<kind>` for each kind that is on: whether one of `columns` held any.

    `beside`: columns that are masked and not counted.
    """
    plain = {PLAIN + name: F.col(f"`{name}`") for name in columns}
    rows = hidden(rows.withColumns(plain) if kinds(mask) else rows, [*columns, *beside], mask)
    found = {
        FOUND + kind.name: reduce(or_, (_grew(name, kind) for name in columns), F.lit(False)) for kind in kinds(mask)
    }
    return rows.withColumns(found).drop(*plain)


def counted(mask: Mask) -> list[Rule]:
    """A rule a kind that is on, which sets nothing aside: "broken" by the rows in which something was masked."""
    return [
        Rule(
            f"mask({kind.name})",
            "mask",
            F.col(FOUND + kind.name),
            F.lit(f"held {kind.name}"),
            hashlib.sha256(kind.pattern.encode()).hexdigest()[:12],
        )
        for kind in kinds(mask)
    ]


def _replaced(text: Column, kind: Kind, mask: Mask) -> Column:
    """What lies between the candidates, with the label of each that counts; the others stay."""
    between, found = F.split(text, kind.pattern, -1), F.regexp_extract_all(text, F.lit(kind.pattern), 0)
    labels = F.transform(found, lambda one: F.when(kind.accept(one), _label(one, kind, mask)).otherwise(one))
    joined = F.zip_with(between, labels, lambda piece, label: F.concat(piece, F.coalesce(label, F.lit(""))))
    return F.when(kind.hint(text) & text.rlike(kind.pattern), F.array_join(joined, "")).otherwise(text)


def _grew(name: str, kind: Kind) -> Column:
    """Whether the text has more labels of the kind than it came with."""
    start = f"[{kind.name.upper()}"
    text, plain = F.col(f"`{name}`"), F.col(f"`{PLAIN}{name}`")
    more = F.size(F.split(text, rf"\{start}", -1)) > F.size(F.split(plain, rf"\{start}", -1))
    return F.coalesce(F.when(text.contains(start), more), F.lit(False))


def _label(found: Column, kind: Kind, mask: Mask) -> Column:
    name = kind.name.upper()
    if mask.style == "label" or not mask.salt:
        return F.lit(f"[{name}]")
    digest = F.sha2(F.concat(F.lit(mask.salt.get_secret_value()), F.lower(found)), 256)
    return F.concat(F.lit(f"[{name}_"), F.substring(digest, 1, 12), F.lit("]"))
