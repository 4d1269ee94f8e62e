"""Where a place in the settings leads in the models: for "did you mean", and for names with dots or in capitals."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from lakehouse_nlp.core.settings.models import Settings
from lakehouse_nlp.core.settings.section import Section
from lakehouse_nlp.core.settings.yaml_lines import Loc


def keys_at(loc: Loc) -> tuple[str, ...]:
    """The keys that the section at this place has; none where the models have no section there.

    `loc` is pydantic's, in which the tag of a check follows its index: `("checks", 0, "range")`.
    """
    kind = _kind_at(loc)
    return tuple(field.alias or name for name, field in kind.model_fields.items()) if _is_section(kind) else ()


def route(parts: Sequence[str], joint: str, fold: bool = False) -> Loc:
    """The place that a dotted name means. A key of a plain mapping (`spark.conf`, `register.min`) keeps its dots.

    `fold`: setting names are put in lower case, keys of mappings (column names) are left alone, as in environment
    variables: `TRAIN__SEED`, `COLUMNS__Overall__TYPE`.
    """
    kind: Any = Settings
    loc: list[str] = []
    for i, part in enumerate(parts):
        if get_origin(kind) is dict and not _is_section(get_args(kind)[1]):
            return (*loc, joint.join(parts[i:]))
        loc.append(part.lower() if fold and get_origin(kind) is not dict else part)
        kind = _inside(kind, loc[-1])
    return tuple(loc)


def _kind_at(loc: Loc) -> Any:
    kind: Any = Settings
    for part in loc:
        kind = _inside(kind, part)
    return _present(kind)


def _inside(kind: Any, part: str | int) -> Any:
    """The type one step further in; None where there is none."""
    kind = _present(kind)
    if _is_section(kind):
        field = kind.model_fields.get(part)
        return field.annotation if field else None
    if get_origin(kind) is dict:
        return get_args(kind)[1]
    if get_origin(kind) is tuple:
        return get_args(kind)[0]
    if get_origin(kind) in (Union, UnionType):
        return next((member for member in get_args(kind) if _tag(member) == part), None)
    return None


def _present(kind: Any) -> Any:
    """The type without what is said about it, and without the null that may stand in its place."""
    if get_origin(kind) is Annotated:
        return _present(get_args(kind)[0])
    others = [member for member in get_args(kind) if member is not NoneType]
    return others[0] if get_origin(kind) in (Union, UnionType) and len(others) == 1 else kind


def _tag(kind: Any) -> str | None:
    """The value that marks a member of a union: of `rule` for a check, of `kind` for vectors."""
    for name in ("rule", "kind") if _is_section(kind) else ():
        marks = kind.model_fields[name].annotation if name in kind.model_fields else None
        if get_origin(marks) is Literal:
            return str(get_args(marks)[0])
    return None


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)
