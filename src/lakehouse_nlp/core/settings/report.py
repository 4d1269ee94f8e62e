"""Pydantic's report as faults of ours: the place without pydantic's tags, and what is wanted in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from lakehouse_nlp.core.settings.models import COLUMN_TYPES
from lakehouse_nlp.core.settings.schema import keys_at
from lakehouse_nlp.core.settings.words import did_you_mean, listed, shown
from lakehouse_nlp.core.settings.yaml_lines import Loc

# What pydantic wanted, by the start of its error's type. `{0[ge]}` is filled from the error's context.
_WANTED = {
    "int_": "a whole number",
    "float_": "a number",
    "finite_number": "a finite number",
    "bool_": "true or false",
    "datetime_": "a date such as 2024-01-31, or with a time, 2024-01-31T12:00:00",
    "timezone_naive": "a time without a zone, which is UTC",
    "string_type": "text",
    "string_too_long": "of at most {0[max_length]} characters",
    "string_pattern_mismatch": "of the form {0[pattern]}",
    "literal_error": "{0[expected]}",
    "model_": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
    "greater_than_equal": "at least {0[ge]}",
    "greater_than": "above {0[gt]}",
    "less_than_equal": "at most {0[le]}",
    "less_than": "under {0[lt]}",
}

Problem = tuple[Loc, str]


def problems(error: ValidationError, values: Mapping[str, Any]) -> list[Problem]:
    """One problem a place: where in `values` (what was validated), and what is wrong, with the value that is there."""
    wanted: dict[Loc, list[str]] = {}
    inputs: dict[Loc, Any] = {}
    told: list[Problem] = []
    for detail in error.errors(include_url=False):
        kind, loc = detail["type"], place(detail["loc"], values, detail["type"])
        want = _want(kind, detail.get("ctx", {}))
        if loc[:1] == ("columns",) and loc[1:] and kind == "string_pattern_mismatch":
            told.append((loc, f"{shown(detail['input'])} is no column type{_meant_type(detail['input'])}"))
        elif want is not None:
            # A union reports once for each member: 'must be text or a list'.
            wanted.setdefault(loc, []).append(want)
            inputs[loc] = detail["input"]
        else:
            told.append((loc, _plain(dict(detail), loc)))
    for loc, wants in wanted.items():
        guess = _meant(inputs[loc], wants)
        told.append((loc, f"must be {' or '.join(dict.fromkeys(wants))}, not {shown(inputs[loc])}{guess}"))
    return told


def place(loc: Loc, values: Any, kind: str) -> Loc:
    """Pydantic's place as one in the values: without tags of unions, and not below a value in its short form."""
    found: list[str | int] = []
    for i, part in enumerate(loc):
        if i == 2 and loc[0] == "checks":
            continue
        inside = values if isinstance(values, dict) else dict(enumerate(values)) if isinstance(values, list) else {}
        absent = kind == "missing" and i == len(loc) - 1 and isinstance(values, dict)
        if part in inside or absent:
            values = inside.get(part)
            found.append(part)
    return tuple(found)


def _want(kind: str, context: Mapping[str, Any]) -> str | None:
    template = next((text for start, text in _WANTED.items() if kind.startswith(start)), None)
    plain = {name: int(v) if isinstance(v, float) and v.is_integer() else v for name, v in context.items()}
    return template and template.format(plain)


def _meant(value: Any, wants: list[str]) -> str:
    """A guess among the words that a literal allows, which pydantic lists in quotes."""
    words = [word for want in wants for word in want.split("'")[1::2]]
    return did_you_mean(value, words) if isinstance(value, str) else ""


def _meant_type(value: Any) -> str:
    return did_you_mean(str(value), COLUMN_TYPES) or f"; there are {listed(COLUMN_TYPES)}"


def _plain(detail: dict[str, Any], loc: Loc) -> str:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return f"unknown key{did_you_mean(str(loc[-1]), keys_at(detail['loc'][:-1]))}"
    if kind == "union_tag_invalid":
        tag, tags = detail["ctx"]["tag"], detail["ctx"]["expected_tags"].split("'")[1::2]
        return f"there is no {_discriminator(detail)} {tag!r}{did_you_mean(tag, tags) or f'; there are {listed(tags)}'}"
    if kind == "union_tag_not_found":
        return f"has no {_discriminator(detail)}"
    fixed = {"missing": "missing", "too_short": "must not be empty"}
    return fixed.get(kind) or str(detail["msg"]).removeprefix("Value error, ")


def _discriminator(detail: Mapping[str, Any]) -> str:
    """The key that tells the members of a union apart: `rule` of checks, `kind` of vectors."""
    return str(detail["ctx"]["discriminator"]).strip("'")
