"""A draft as a project file, with the comments that a person needs to take it from there."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

import yaml

from lakehouse_nlp.core.settings.words import shown
from lakehouse_nlp.init.profile import ColumnProfile
from lakehouse_nlp.init.suggest import ProjectDraft, is_number

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
# Words that some YAML reader takes for something else.
_SPECIAL = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_FEW = 10
_SHOWN = 4


def render(draft: ProjectDraft) -> str:
    """The text of `conf/projects/<name>.yml`; `load` accepts it as it is.

    Values of columns are shown where they are few: a category may stand in a file that many read, a person's name not.
    """
    return "\n".join([*_head(draft), *_columns(draft), *_roles(draft), *_features(draft), *_checks(draft)]) + "\n"


def _head(draft: ProjectDraft) -> list[str]:
    unnamed = f" {draft.unnamed} without a name left out." if draft.unnamed else ""
    return [
        f"# Made by `lakehouse-nlp init` from {_line(draft.source)}, after a look at {draft.rows:,} rows.{unnamed}",
        "# Yours to edit: `lakehouse-nlp validate` checks it. Every other setting has its default in conf/base.yml.",
        f"description: {_quoted(f'From {draft.source}')}",
        "",
        "# The columns to keep, with the types they get in silver: string, int, bigint, float, double, boolean, date,",
        "# timestamp, decimal(10,2). A value that is none of its type puts the row into quarantine.",
    ]


def _columns(draft: ProjectDraft) -> list[str]:
    declared = [f"  {_name(c.name)}: {_type(c)}" for c in draft.columns]
    width = min(max(map(len, declared)), 48)
    lines = [f"{text:<{width}}  # {_about(c)}" for text, c in zip(declared, draft.columns, strict=True)]
    return ["columns:", *lines, ""]


def _roles(draft: ProjectDraft) -> list[str]:
    key = next(c for c in draft.columns if c.name == draft.key)
    newest = f"newest_by: {_name(draft.newest_by)}" if draft.newest_by else "# newest_by: COLUMN"
    return [
        f"# Rows of one key are versions of one row: {key.unique:.0%} of the rows looked at have a key of their own.",
        f"key: {_name(draft.key)}",
        f"{newest}    # of rows of one key the largest wins; without it the one that came last",
        "",
        "# Read as one text, in this order." if draft.text else "# No column of long text was found: tabular data.",
        f"text: {_names(draft.text)}",
        "",
        "# A Spark SQL expression over the columns; rows where it is null are not for training.",
        f"label: {_quoted(draft.label)}",
        "",
    ]


def _features(draft: ProjectDraft) -> list[str]:
    """Numbers are left to be chosen: a count that is known only after the event would give the label away."""
    if not draft.categorical and not draft.numeric:
        return []
    lines = [
        "# What the model sees beside the text. Take out what is not known when a row is to be scored.",
        "features:",
    ]
    if draft.categorical:
        lines += _wrapped(f"categorical: {_names(draft.categorical)}", "  ")
    if draft.numeric:
        needed = not draft.text and not draft.categorical
        lines += _wrapped(f"numeric: {_names(draft.numeric)}", "  " if needed else "  # ")
    return [*lines, ""]


def _checks(draft: ProjectDraft) -> list[str]:
    return [
        "# Rules for every row: not_null, in_set, range, length, regex, sql; action: warn, quarantine or fail.",
        "checks:",
        *(f"  - {{rule: not_null, column: {_name(name)}, action: quarantine}}" for name in draft.not_null),
    ]


def _wrapped(text: str, indent: str) -> list[str]:
    """A list over as many lines as it needs."""
    below = indent + "  "
    return textwrap.wrap(
        text, 118, initial_indent=indent, subsequent_indent=below, break_long_words=False, break_on_hyphens=False
    )


def _type(column: ColumnProfile) -> str:
    keys = {"source": _quoted(column.source) if column.source != column.name else None}
    keys |= {"format": _quoted(column.format) if column.format else None}
    more = "".join(f", {key}: {value}" for key, value in keys.items() if value)
    kind = _quoted(column.type) if more and "," in column.type else column.type
    return f"{{type: {kind}{more}}}" if more else column.type


def _about(column: ColumnProfile) -> str:
    """`3 values: 'cameras', 'laptops', …; 2% empty`."""
    if is_number(column) and column.low is not None and column.high is not None:
        told = f"{column.low:g} to {column.high:g}"
    elif column.distinct <= _FEW:
        more = ", ..." if column.distinct > _SHOWN else ""
        many = "1 value" if column.distinct == 1 else f"{column.distinct} values"
        told = f"{many}: {', '.join(_line(shown(v, 20)) for v in column.values[:_SHOWN])}{more}"
    else:
        told = f"{column.distinct:,} values of {column.mean_length:.0f} characters"
    return told + (f"; {max(column.empty, 0.01):.0%} empty" if column.empty else "")


def _names(names: Iterable[str]) -> str:
    return f"[{', '.join(map(_name, names))}]"


def _name(name: str) -> str:
    return name if _PLAIN.fullmatch(name) and name.lower() not in _SPECIAL else _quoted(name)


def _quoted(text: str) -> str:
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=float("inf")).strip()


def _line(text: str) -> str:
    """Text that stays in its comment."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
