"""What to make of a data file: its key, text, label, features and checks, guessed where they are not given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lakehouse_nlp.core.errors import DataError, UsageError
from lakehouse_nlp.core.settings.expressions import columns_of, is_name, quoted
from lakehouse_nlp.core.settings.words import did_you_mean, listed
from lakehouse_nlp.init.profile import ColumnProfile, Profile

_KEY_WORDS = {"id", "key", "uuid", "guid"}
# Digits that are names: leading zeros, and no sums.
_NAME_WORDS = _KEY_WORDS | {"code", "zip", "zipcode", "postcode", "phone", "nbr", "no"}
_TITLE_WORDS = {"title", "summary", "subject", "headline"}
# In this order: a column called category is more often a feature than a label.
_LABEL_WORDS = ("label", "target", "sentiment", "polarity", "class", "outcome")
_RATING_WORDS = ("rating", "stars", "overall", "score")
_LAST_WORDS = ("category",)
_LONG_TEXT = 40
_MOST_CATEGORIES = 50
_OFTEN_EMPTY = 0.01


@dataclass(frozen=True)
class ProjectDraft:
    """A project file to be. All names are of `columns`; `label` is Spark SQL."""

    source: str
    rows: int
    unnamed: int
    columns: tuple[ColumnProfile, ...]
    key: str
    newest_by: str | None
    text: tuple[str, ...]
    label: str
    not_null: tuple[str, ...]
    categorical: tuple[str, ...]
    numeric: tuple[str, ...]


def suggest(
    profile: Profile, text: Sequence[str] = (), label: str | None = None, key: str | None = None
) -> ProjectDraft:
    """A project for the profiled file. What is given is taken as it is; columns may be named as in the file.

    `label`: a column, or a Spark SQL expression over columns.

    Raises:
        UsageError: a named column is not there, the label is no SQL, or no key or label could be found.
        DataError: the label column has fewer than two values.

    """
    by_name = {name: column for column in profile.columns for name in (column.source, column.name)}
    key_column = _named(by_name, key, "--key") if key else _key(profile)
    labelled = _label(profile, by_name, label)
    texts = [_named(by_name, name, "--text") for name in text] or _texts(profile, key_column, columns_of(labelled))
    columns = tuple(_as_text(c) if c in (key_column, *texts) or _is_a_name(c) else c for c in profile.columns)
    used = {key_column.name, *columns_of(labelled), *(c.name for c in texts)}
    free = [c for c in columns if c.name not in used]
    main = max(texts, key=lambda c: c.mean_length, default=None)
    dates = [c.name for c in columns if c.type in ("date", "timestamp")]
    return ProjectDraft(
        source=profile.path.name,
        rows=profile.rows,
        unnamed=profile.unnamed,
        columns=columns,
        key=key_column.name,
        newest_by=dates[0] if len(dates) == 1 else None,
        text=tuple(c.name for c in texts),
        label=labelled,
        not_null=(key_column.name, *(c.name for c in texts if c is main or c.empty <= _OFTEN_EMPTY)),
        categorical=tuple(c.name for c in free if _is_category(c)),
        numeric=tuple(c.name for c in free if is_number(c)),
    )


def is_number(column: ColumnProfile) -> bool:
    """Whether the column holds amounts."""
    return column.type in ("int", "bigint", "double") or column.type.startswith("decimal")


def _named(columns: dict[str, ColumnProfile], name: str, option: str) -> ColumnProfile:
    if name not in columns:
        there = did_you_mean(name, columns) or f"; there are {listed(dict.fromkeys(c.name for c in columns.values()))}"
        raise UsageError(f"{option}: no column {name!r}{there}", hint=f"{option} COLUMN")
    return columns[name]


def _key(profile: Profile) -> ColumnProfile:
    fitting = [c for c in profile.columns if _KEY_WORDS & set(_words(c.name)) and c.unique >= 0.5 and c.empty < 0.01]
    if fitting:
        return max(fitting, key=lambda c: c.unique)
    distinct = [c.name for c in profile.columns if c.unique >= 0.5 and c.mean_length < _LONG_TEXT]
    among = f"most distinct: {listed(distinct)}" if distinct else f"columns: {listed(c.name for c in profile.columns)}"
    raise UsageError(f"no column of {profile.path.name} looks like a key; {among}", hint="--key COLUMN")


def _texts(profile: Profile, key: ColumnProfile, label: Iterable[str]) -> list[ColumnProfile]:
    """The column of longest text, and before it those that are called like titles."""
    strings = [c for c in profile.columns if c.type == "string" and c is not key and c.name not in label]
    long = [c for c in strings if c.mean_length >= _LONG_TEXT and not _is_category(c)]
    if not long:
        return []
    main = max(long, key=lambda c: c.mean_length)
    return [*(c for c in strings if c is not main and _last_word(c) in _TITLE_WORDS), main]


def _label(profile: Profile, columns: dict[str, ColumnProfile], given: str | None) -> str:
    """The label as Spark SQL."""
    if given is None:
        return _guessed_label(profile)
    if given in columns or is_name(given):
        column = _named(columns, given, "--label")
        _has_classes(profile, column)
        return quoted(column.name)
    try:
        named = columns_of(given)
    except ValueError as error:
        raise UsageError(f"--label: {error}: {given}", hint="--label COLUMN, or a Spark SQL expression") from error
    for name in sorted(named):
        if name not in {c.name for c in profile.columns}:
            _named({c.name: c for c in profile.columns}, name, "--label")
    if not named:
        raise UsageError(f"--label: names no column: {given}", hint="--label COLUMN, or a Spark SQL expression")
    return given


def _guessed_label(profile: Profile) -> str:
    for word in (*_LABEL_WORDS, *_RATING_WORDS, *_LAST_WORDS):
        for column in profile.columns:
            if _last_word(column) == word and (label := _as_label(column, word)):
                return label
    for column in profile.columns:
        if _last_word(column) in _LABEL_WORDS:
            _has_classes(profile, column)
    names = listed(c.name for c in profile.columns if 1 < c.distinct <= _MOST_CATEGORIES)
    raise UsageError(
        f"no column of {profile.path.name} looks like a label; with 2 to {_MOST_CATEGORIES} values: {names}",
        hint="--label COLUMN, or a Spark SQL expression: --label \"case when stars > 3 then 'good' else 'bad' end\"",
    )


def _as_label(column: ColumnProfile, word: str) -> str | None:
    name = quoted(column.name)
    if word in _RATING_WORDS:
        stars = f"case when {name} > 3 then 'positive' when {name} < 3 then 'negative' end"
        return stars if is_number(column) and _is_five_stars(column) else None
    return name if 1 < column.distinct <= _MOST_CATEGORIES else None


def _has_classes(profile: Profile, column: ColumnProfile) -> None:
    if column.distinct < 2:
        only = f"only {column.values[0]!r}" if column.values else "no value"
        what = f"--label: {column.source!r} has {only} in {profile.rows:,} rows of {profile.path.name}"
        raise DataError(f"{what}: there is nothing to tell apart", hint="--label another COLUMN, or add rows")


def _is_five_stars(column: ColumnProfile) -> bool:
    low, high = column.low, column.high
    return low is not None and high is not None and 1 <= low < 3 < high <= 5 and column.distinct <= 10


def _is_category(column: ColumnProfile) -> bool:
    few = 2 <= column.distinct <= min(_MOST_CATEGORIES, column.rows / 2)
    return column.type in ("string", "boolean") and few


def _is_a_name(column: ColumnProfile) -> bool:
    return is_number(column) and _last_word(column) in _NAME_WORDS


def _as_text(column: ColumnProfile) -> ColumnProfile:
    return replace(column, type="string", format=None, low=None, high=None)


def _last_word(column: ColumnProfile) -> str:
    return (_words(column.name) or [""])[-1]


def _words(name: str) -> list[str]:
    """`ReviewID` -> review, id; `star_rating` -> star, rating."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
