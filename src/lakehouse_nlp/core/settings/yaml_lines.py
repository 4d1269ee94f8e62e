"""YAML into plain values, with the line of every value. What YAML 1.1 and 1.2 read differently stays text.

PyYAML's 1.1 rules alone would make the values `[No, Yes]` booleans, `007` a 7, `12:30` 750 and `2024-05-01` a date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

Loc = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """SafeLoader with what the schemas of YAML 1.1 and 1.2 have in common for plain scalars."""


_LEADS = list("-+.0123456789")
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9]\d*)$", _LEADS),
    ("float", r"^[-+]?(?:(?:0|[1-9]\d*)\.\d*|\.\d+)(?:[eE][-+]\d+)?$", _LEADS),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


class YamlError(ValueError):
    """The text is no YAML that settings can be read from. `line` counts from 1; 0 where it is not known."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Document:
    """A YAML text: its value, the line of every place in it, and the places that were given twice."""

    value: Any = None
    lines: dict[Loc, int] = field(default_factory=dict)
    repeated: list[tuple[Loc, int]] = field(default_factory=list)


def read(text: str) -> Document:
    """Reads one YAML document; empty text is None.

    Raises:
        YamlError: not YAML, more than one document, a key that is not plain text, an unknown tag.

    """
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            document = Document()
            value = _value(loader, node, (), document) if node else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(str(error.problem or error.context), mark.line + 1 if mark else 0) from error
    except (yaml.YAMLError, ValueError) as error:
        raise YamlError(str(error).splitlines()[0], 0) from error
    except RecursionError as error:
        raise YamlError("nested too deeply", 0) from error
    return Document(value, document.lines, document.repeated)


def scalar(text: str) -> Any:
    """One value as YAML reads it: `7`, `true`, `[a, b]`, `{rounds: 5}`; what is no YAML is text as it stands."""
    try:
        return read(text).value
    except YamlError:
        return text


def _value(loader: _Loader, node: yaml.Node, loc: Loc, document: Document) -> Any:
    document.lines.setdefault(loc, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node, loc, document)
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, item, (*loc, i), document) for i, item in enumerate(node.value)]
    return loader.construct_object(node)


def _mapping(loader: _Loader, node: yaml.MappingNode, loc: Loc, document: Document) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, child in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.MarkedYAMLError(problem="a key must be plain text", problem_mark=key.start_mark)
        below = (*loc, str(key.value))
        if key.value in values:
            document.repeated.append((below, line))
        document.lines[below] = line
        values[key.value] = _value(loader, child, below, document)
    return values
