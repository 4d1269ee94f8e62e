"""Rules over rows, as Column expressions: each gives null, or the reason why the row broke it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.checks import Action, Check, Referential, RowRule
from lakehouse_nlp.silver.language import spoken
from lakehouse_nlp.silver.values import written

SHOWN = 80
TYPED, BARE, KNOWN, QUOTED = "_typed_", "_bare_", "_known_", "_quoted_"
Deed = Action | Literal["mask"]


@dataclass(frozen=True)
class Rule:
    """A named rule: `broken` is true for the rows that break it, `message` says how.

    `of`: the column whose values it looks at; None for every row. `tolerance`: share of the rows that it looks at.
    `fingerprint`: hash of the rule's definition, so that counts of different definitions are not mixed up.
    """

    name: str
    action: Deed
    broken: Column
    message: Column
    fingerprint: str
    tolerance: float | None = None
    of: str | None = None

    @property
    def sets_aside(self) -> bool:
        """Whether a row that breaks it can never be silver. With `fail` and a tolerance it can, if the step stands."""
        return self.action == "quarantine" or (self.action == "fail" and not self.tolerance)

    def reason(self, broken: Column) -> Column:
        """struct<rule, message, fingerprint> where `broken` (the rule's own, computed) holds, else null."""
        fields = (
            F.lit(self.name).alias("rule"),
            self.message.alias("message"),
            F.lit(self.fingerprint).alias("fingerprint"),
        )
        return F.when(broken, F.struct(*fields))


def rules(settings: Settings, typed: Mapping[str, Column], quoted: Mapping[str, Column] | None = None) -> list[Rule]:
    """The rules of a project in order: row is readable, values have their types, there is a key, then its checks.

    `typed`: column -> its value as declared; the same-named columns of the frame hold the text as it came.
    `quoted`: column -> the text that messages of checks show of it, where that is not the value itself.
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
    return found + [_check(check, typed, whole, quoted or {}) for check in row_rules(settings)]


def row_rules(settings: Settings) -> list[RowRule]:
    """The checks that look at rows one by one."""
    return [check for check in settings.checks if isinstance(check, get_args(RowRule))]


def fingerprint(check: Check) -> str:
    """12 hex digits of what the check asks, whatever it is called and whatever it does."""
    return _digest(check.model_dump_json(exclude={"name", "action", "tolerance"}))


def known(check: Referential) -> str:
    """The column that holds the check's value where the table that it looks into has it."""
    return f"{KNOWN}{fingerprint(check)}"


def _check(check: RowRule, typed: Mapping[str, Column], whole: Column, quoted: Mapping[str, Column]) -> Rule:
    if check.rule == "sql":
        of, broken, message = None, ~F.expr(_over(check.where, typed)), F.lit(f"not so: {check.where}")
    else:
        column = typed[check.column]
        of = None if check.rule == "not_null" else check.column
        broken, wanted = CONDITIONS[check.rule](column, check)
        message = _found(F.lit(f"{check.column} {wanted}"), quoted.get(check.column, column))
    broken = whole & F.coalesce(broken, F.lit(False))
    return Rule(check.known_as, check.action, broken, message, fingerprint(check), check.tolerance, of)


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


def _language(column: Column, check: Any) -> tuple[Column, str]:
    return ~spoken(column, check), f"is not in {' or '.join(check.languages)}"


def _referential(column: Column, check: Any) -> tuple[Column, str]:
    return column.isNotNull() & F.col(known(check)).isNull(), f"is not in {check.within}"


CONDITIONS: dict[str, Callable[[Column, Any], tuple[Column, str]]] = {
    "not_null": _not_null, "in_set": _in_set, "range": _range, "length": _length, "regex": _regex,
    "language": _language, "referential": _referential,
}  # fmt: skip


def _between(column: Column, check: Any) -> Column:
    low = F.lit(True) if check.min is None else column >= check.min
    return low if check.max is None else low & (column <= check.max)


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


def _rule(name: str, action: Action, broken: Column, message: Column) -> Rule:
    return Rule(name, action, F.coalesce(broken, F.lit(False)), message, _digest(name))


def _digest(definition: str) -> str:
    return hashlib.sha256(definition.encode()).hexdigest()[:12]
