"""What only several parts of the settings can tell about features: columns that gold makes, and who may use them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lakehouse_nlp.core.settings.crosschecks import Problem, Values, expression, is_table_name, must_be
from lakehouse_nlp.core.settings.words import did_you_mean

# Columns of gold that are its own.
TAKEN = ("key", "purpose", "label", "split", "clean_text", "tokens", "n_chars", "n_tokens", "nlp_hash", "row_hash")


def problems(tree: Mapping[str, Any]) -> list[Problem]:
    """Every fault of the feature columns in the merged settings, and of those who name them."""
    values = Values(tree)
    if not isinstance(values.get("columns"), dict):
        return []
    declared = {name: str(column.get("type")) for name, column in values.columns().items()}
    looked = dict.fromkeys(_mapping(values, "features", "lookups"), "string")
    derived = dict.fromkeys(_mapping(values, "features", "derived"), "None")
    return [
        *_vectors(values),
        *_made(values, declared, {**looked, **derived}),
        *_dates(values, declared),
        *_lookups(values, declared),
        *_derived(values, {**declared, **looked}),
        *_used(values, {**declared, **looked, **derived}),
        *_sliced(values, {**declared, **looked, **derived}),
        *_named(values),
    ]


def _mapping(values: Values, *loc: str) -> dict[str, Any]:
    found = values.get(*loc)
    return found if isinstance(found, dict) else {}


def _vectors(values: Values) -> Iterator[Problem]:
    """Vectors are of a text, and a text without terms has nothing else."""
    text, vectors = values.get("text"), values.get("features", "text", "vectors") not in (None, "none")
    if vectors and not text:
        yield (
            ("features", "text", "vectors"),
            "are of a text, and there is none: name columns in text",
        )
    if text and not vectors and values.get("features", "text", "terms") == "none":
        yield ("features", "text", "terms"), "none leaves nothing of the text: set features.text.vectors"


def _made(values: Values, declared: Mapping[str, str], made: Mapping[str, str]) -> Iterator[Problem]:
    for section in ("lookups", "derived"):
        for name in _mapping(values, "features", section):
            if not is_table_name(name):
                yield ("features", section, name), "a table's column has no blank and none of ,;{}()=.` in its name"
            elif name.casefold() in {*(column.casefold() for column in declared), *TAKEN}:
                yield ("features", section, name), "there is a column of this name already; take another"
    for name in set(_mapping(values, "features", "lookups")) & set(_mapping(values, "features", "derived")):
        yield ("features", "derived", name), "is a lookup already; take another name"


def _dates(values: Values, declared: Mapping[str, str]) -> Iterator[Problem]:
    for name in _mapping(values, "features", "dates"):
        if name not in declared:
            yield ("features", "dates", name), f"no such column {name!r}{did_you_mean(name, declared)}"
        elif declared[name] not in ("date", "timestamp", "None"):
            yield ("features", "dates", name), f"must be a date or timestamp column, and {name!r} is {declared[name]}"


def _lookups(values: Values, declared: Mapping[str, str]) -> Iterator[Problem]:
    for name, lookup in _mapping(values, "features", "lookups").items():
        by = lookup.get("by") if isinstance(lookup, dict) else None
        if isinstance(by, str) and by not in declared:
            yield ("features", "lookups", name, "by"), f"no such column {by!r}{did_you_mean(by, declared)}"


def _derived(values: Values, known: Mapping[str, str]) -> Iterator[Problem]:
    features = {name for kind in ("numeric", "categorical") for _, name in values.names("features", kind)}
    for name, text in _mapping(values, "features", "derived").items():
        if isinstance(text, str):
            yield from expression(("features", "derived", name), text, known)
        if name not in features:
            yield ("features", "derived", name), "is no feature: name it in features.numeric or features.categorical"


def _used(values: Values, known: Mapping[str, str]) -> Iterator[Problem]:
    for kind in ("numeric", "categorical"):
        for loc, name in values.names("features", kind):
            if name not in known:
                yield loc, f"no such column {name!r}{did_you_mean(name, known)}"
            elif kind == "numeric":
                yield from must_be(loc, name, "number", known)


def _sliced(values: Values, known: Mapping[str, str]) -> Iterator[Problem]:
    for loc, name in values.names("train", "slices"):
        if name not in known:
            yield loc, f"no such column {name!r}{did_you_mean(name, known)}"


def _named(values: Values) -> Iterator[Problem]:
    """Settings by column: of `encode` they are categorical features, of `monotone` numeric ones."""
    for place, kind in ((("features", "encode"), "categorical"), (("train", "monotone"), "numeric")):
        there = [name for _, name in values.names("features", kind)]
        for name in _mapping(values, *place):
            if name not in there:
                yield (*place, name), f"{name!r} is not in features.{kind}{did_you_mean(name, there)}"
