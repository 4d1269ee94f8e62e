"""Rules over rows, as Column expressions: each gives null, or the reason why the row broke it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.checks import Action, Check
from lakehouse_nlp.silver.values import written

SHOWN = 80
TYPED, BARE = "_typed_", "_bare_"


@dataclass(frozen=True)
class Rule:
    """A named rule: `broken` is true for the rows that break it, `message` says how.

    `fingerprint`: hash of the rule's definition, so that counts of different definitions are not mixed up.
    """

    name: str
    action: Action
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
    whole = F.col("_corrupt").isNull()
    fault = F.coalesce("_fault", F.lit("a row that cannot be split into fields"))
    found = [_rule("readable", "quarantine", ~whole, _found(fault, F.col("_corrupt")))]
    for name, column in settings.columns.items():
        if column.type != "string":
            wrong = whole & F.col(f"`{BARE}{name}`").isNotNull() & typed[name].isNull()
            message = _found(F.lit(f"{name} is no {written(column)}"), F.col(f"`{name}`"))
            found.append(_rule(f"type({name})", "quarantine", wrong, message))
    for name in settings.key:
        message = F.lit(f"{name} is missing, and is part of the key")
        found.append(_rule(f"key({name})", "quarantine", whole & typed[name].isNull(), message))
    return found + [_check(check, typed, whole) for check in settings.checks]


def _check(check: Check, typed: Mapping[str, Column], whole: Column) -> Rule:
    definition = check.model_dump_json(exclude={"name", "action"})
    if check.rule == "sql":
        broken, message = ~F.expr(_over(check.where, typed)), F.lit(f"not so: {check.where}")
    else:
        column = typed[check.column]
        broken, wanted = CONDITIONS[check.rule](column, check)
        message = _found(F.lit(f"{check.column} {wanted}"), column)
    return _rule(check.known_as, check.action, whole & F.coalesce(broken, F.lit(False)), message, definition)


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


def _found(what: Column, column: Column) -> Column:
    shown = F.substring(column.cast("string"), 1, SHOWN)
    return F.concat(what, F.lit(": "), F.coalesce(F.concat(F.lit("'"), shown, F.lit("'")), F.lit("nothing")))


def _rule(name: str, action: Action, broken: Column, message: Column, definition: str = "") -> Rule:
    digest = hashlib.sha256((definition or name).encode()).hexdigest()[:12]
    return Rule(name, action, F.coalesce(broken, F.lit(False)), message, digest)
