"""SQL expressions in the settings: the label, and the `where` of checks. Read by sqlglot as Spark SQL, not run."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

_LEAD = "SELECT "


@lru_cache(maxsize=256)
def columns_of(expression: str) -> frozenset[str]:
    """The columns an expression over one row names: for `a.b` that is `a`; names inside string literals are none.

    Raises:
        ValueError: it is not one Spark SQL expression over one row; the message says where.

    """
    from sqlglot import exp

    tree = _parsed(expression)
    return frozenset(column.parts[0].name for column in tree.find_all(exp.Column))


def is_name(expression: str) -> bool:
    """Whether the text is one column's name that needs no quotes in Spark SQL."""
    try:
        return columns_of(expression) == {expression}
    except ValueError:
        return False


def quoted(name: str) -> str:
    """A column's name as Spark SQL takes it: in backticks where it has to be."""
    return name if is_name(name) else "`" + name.replace("`", "``") + "`"


def _parsed(expression: str) -> exp.Select:
    from sqlglot import exp, parse
    from sqlglot.errors import ParseError, TokenError

    try:
        # A line of its own lets a comment at the end end.
        statements = parse(f"{_LEAD}{expression}\n", dialect="spark")
    except ParseError as error:
        raise ValueError(_where(error)) from error
    except TokenError as error:
        raise ValueError("not Spark SQL: a quote or a comment is not closed") from error
    tree = statements[0] if len(statements) == 1 else None
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1 or _more_than(tree.args):
        raise ValueError("must be one SQL expression, as between `select` and `from`")
    for kind in (exp.Query, exp.AggFunc, exp.Window):
        found = next((node for node in tree.expressions[0].find_all(kind)), None)
        if found is not None:
            raise ValueError(f"must be computed from one row alone, without {found.sql(dialect='spark')}")
    return tree


def _more_than(args: dict[str, object]) -> bool:
    """Whether the statement has a FROM, a WHERE or any other clause."""
    return any(value for name, value in args.items() if name != "expressions")


def _where(error: object) -> str:
    first = error.errors[0]  # type: ignore[attr-defined]
    # sqlglot counts columns from 1, and to the end of the word.
    column = max(first["col"] - len(_LEAD) - len(first["highlight"]) + 1, 1)
    place = f"column {column}" if first["line"] == 1 else f"line {first['line']}"
    what = first["description"].split(" for <class")[0].rstrip(".")
    return f"not Spark SQL at {place}, near {first['highlight']!r}: {what}"
