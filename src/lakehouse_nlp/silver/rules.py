"""Rules over rows, as Column expressions: each gives null, or the reason why the row broke it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.models import Action, Check

SHOWN = 80
WHOLE = r"^[+-]?\d+(\.0*)?$"
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


@dataclass(frozen=True)
class Rule:
    """A named rule: `broken` is true for the rows that break it, `message` says how.

    `fingerprint`: hash of the rule's definition, so that counts of different definitions are not mixed up.
    """

    name: str
    action: Action | Literal["mask"]
    broken: Column
    message: Column
    fingerprint: str

    @property
    def reason(self) -> Column:
        """struct<rule, message, fingerprint>, or null for a row that keeps the rule."""
        fields = (
            F.lit(self.name).alias("rule"),
            self.message.alias("message"),
            F.lit(self.fingerprint).alias("fingerprint"),
        )
        return F.when(self.broken, F.struct(*fields))


def rules(settings: Settings, typed: Mapping[str, Column]) -> list[Rule]:
    """The rules of a project in order: row is readable, values have their types, there is a key, then its checks.

    `typed`: column -> its value as declared; the same-named columns of the frame hold the text as it came.
    """
    found = [
        _rule(
            "readable",
            "quarantine",
            F.col("_corrupt").isNotNull(),
            _found("a row that cannot be split into fields", F.col("_corrupt")),
        )
    ]
    whole = F.col("_corrupt").isNull()
    for name, column in settings.columns.items():
        if column.type != "string":
            wrong = whole & _given(F.col(f"`{name}`")) & typed[name].isNull()
            wanted = column.type + (f" as {column.format}" if column.format else "")
            found.append(
                _rule(f"type({name})", "quarantine", wrong, _found(f"{name} is no {wanted}", F.col(f"`{name}`")))
            )
    for name in settings.key:
        found.append(
            _rule(
                f"key({name})",
                "quarantine",
                whole & typed[name].isNull(),
                F.lit(f"{name} is missing, and is part of the key"),
            )
        )
    for check in settings.checks:
        found.append(_check(check, typed, whole))
    return found


def value(text: Column, kind: str, pattern: str | None) -> Column:
    """The text as a value of the declared type; null where it is blank, or is none."""
    bare = F.trim(text)
    if kind == "string":
        return F.when(bare != "", text)
    if kind in ("int", "bigint"):  # Spark would cut 5.7 down to 5
        return F.when(bare.rlike(WHOLE), F.regexp_replace(bare, r"\..*", "").cast(kind))
    if kind in ("float", "double") or kind.startswith("decimal"):  # Spark would take 5d and 5f, as Java does
        return F.when(bare.rlike(NUMBER), bare.cast(kind))
    if kind == "date" and pattern:
        return F.to_date(bare, pattern)
    if kind == "timestamp" and pattern:
        return F.to_timestamp(bare, pattern)
    return bare.cast(kind)


def name_of(check: Check) -> str:
    """The name a check goes by: its own, or rule(column)."""
    return check.name or f"{check.rule}({getattr(check, 'column', getattr(check, 'where', ''))})"


def _check(check: Check, typed: Mapping[str, Column], whole: Column) -> Rule:
    definition = check.model_dump_json(exclude={"name", "action"})
    if check.rule == "sql":
        broken, message = ~F.expr(_over(check.where, typed)), F.lit(f"not so: {check.where}")
    else:
        column = typed[check.column]
        broken, wanted = CONDITIONS[check.rule](column, check)
        message = _found(f"{check.column} {wanted}", column)
    return _rule(name_of(check), check.action, whole & F.coalesce(broken, F.lit(False)), message, definition)


def _not_null(column: Column, check: Any) -> tuple[Column, str]:
    return column.isNull(), "is missing"


def _in_set(column: Column, check: Any) -> tuple[Column, str]:
    return ~column.isin(*check.values), f"is not among {', '.join(map(str, check.values))}"


def _range(column: Column, check: Any) -> tuple[Column, str]:
    return ~_between(column, check), f"is not {_bounds(check)}"


def _length(column: Column, check: Any) -> tuple[Column, str]:
    return ~_between(F.length(column), check), f"does not have {_bounds(check)} characters"


def _regex(column: Column, check: Any) -> tuple[Column, str]:
    return ~column.cast("string").rlike(check.pattern), f"does not match {check.pattern}"


CONDITIONS: dict[str, Callable[[Column, Any], tuple[Column, str]]] = {
    "not_null": _not_null, "in_set": _in_set, "range": _range, "length": _length, "regex": _regex,
}  # fmt: skip


def _between(column: Column, check: Any) -> Column:
    bounds = [column >= check.min] if check.min is not None else []
    bounds += [column <= check.max] if check.max is not None else []
    return _all(bounds)


def _all(conditions: Iterable[Column]) -> Column:
    holds = F.lit(True)
    for condition in conditions:
        holds = holds & condition
    return holds


def _bounds(check: Any) -> str:
    low, high = check.min, check.max
    return f"at least {low}" if high is None else f"at most {high}" if low is None else f"from {low} to {high}"


def _over(where: str, typed: Mapping[str, Column]) -> str:
    """The condition over the typed columns, which the frame holds under a prefix."""
    import sqlglot
    from sqlglot import exp

    names = {name.lower(): name for name in typed}
    tree = sqlglot.parse_one(where, dialect="spark")
    for column in tree.find_all(exp.Column):
        if column.name.lower() in names:
            column.set("this", exp.to_identifier(TYPED + names[column.name.lower()], quoted=True))
    return tree.sql(dialect="spark")


TYPED = "_typed_"


def _given(text: Column) -> Column:
    return F.trim(text) != ""


def _found(what: str, column: Column) -> Column:
    shown = F.substring(column.cast("string"), 1, SHOWN)
    return F.concat(F.lit(f"{what}: "), F.coalesce(F.concat(F.lit("'"), shown, F.lit("'")), F.lit("nothing")))


def _rule(name: str, action: Action, broken: Column, message: Column, definition: str = "") -> Rule:
    digest = hashlib.sha256((definition or name).encode()).hexdigest()[:12]
    return Rule(name, action, F.coalesce(broken, F.lit(False)), message, digest)
