"""Layers of settings: files, environment variables and `--set`, merged, with the origin of every value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lakehouse_nlp.core.settings.schema import route
from lakehouse_nlp.core.settings.words import shown
from lakehouse_nlp.core.settings.yaml_lines import Loc, YamlError, read, scalar

PREFIX = "LAKEHOUSE_NLP_"
_WIDTH = 60

# Variables that start like settings and are read elsewhere.
NOT_SETTINGS = frozenset({"LAKEHOUSE_NLP_HOME", "LAKEHOUSE_NLP_MODEL_THREADS"})


class Origin(NamedTuple):
    """Where a value was given. Sorts as faults are told: by layer, then by line (0: no line)."""

    layer: int
    line: int
    place: str

    def __str__(self) -> str:
        return f"{self.place}:{self.line}" if self.line else self.place


class Fault(NamedTuple):
    """One thing wrong in the settings."""

    origin: Origin
    text: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.text}"


@dataclass(frozen=True)
class Layer:
    """Settings from one place, or merged from several. `unread`: some of it is no YAML: nobody knows what it says."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Loc, Origin] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    unread: bool = False

    def origin(self, loc: Loc) -> Origin:
        """Where the value at this place came from; for a place without one, that of the nearest section above."""
        above = (loc[:n] for n in range(len(loc), -1, -1))
        return next((self.origins[up] for up in above if up in self.origins), Origin(0, 0, "settings"))


def from_file(path: Path, place: str, rank: int) -> Layer:
    """Reads a YAML file; `place` is its name in messages. What cannot be read is a fault, not an exception."""
    try:
        document = read(path.read_text(encoding="utf-8"))
    except YamlError as error:
        return _unread(Origin(rank, error.line, place), f"not YAML: {error}")
    except UnicodeDecodeError as error:
        return _unread(Origin(rank, 0, place), f"not UTF-8: byte {error.start} is {error.object[error.start]:#04x}")
    except OSError as error:
        return _unread(Origin(rank, 0, place), f"cannot be read: {error.strerror}")
    values = {} if document.value is None else document.value
    if not isinstance(values, dict):
        return _unread(Origin(rank, 1, place), f"must be a mapping of settings, not {shown(values)}")
    origins = {loc: Origin(rank, line, place) for loc, line in document.lines.items() if loc}
    repeats = (Fault(Origin(rank, line, place), f"{dotted(loc)}: given twice") for loc, line in document.repeated)
    return Layer(values, origins, tuple(repeats))


def from_environment(environ: Mapping[str, str], rank: int) -> list[Layer]:
    """One layer a variable, by name: `LAKEHOUSE_NLP_TRAIN__SEED=7` is train.seed."""
    names = sorted(name for name in environ if name.startswith(PREFIX) and name not in NOT_SETTINGS)
    return [
        _assigned(
            route(name[len(PREFIX) :].split("__"), "__", fold=True),
            environ[name],
            Origin(rank + i, 0, f"environment variable {name}"),
        )
        for i, name in enumerate(names)
    ]


def from_sets(sets: Sequence[str], rank: int) -> list[Layer]:
    """One layer a `--set`: `train.seed=7`, the value in YAML."""
    return [_from_set(text, Origin(rank + i, 0, f"--set {_cut(text)}")) for i, text in enumerate(sets)]


def merge(under: Layer, over: Layer) -> Layer:
    """Both layers; where both say something, `over` does. Mappings merge, the rest is replaced, null leaves a mapping
    as it is.
    """
    values = merged(under.values, over.values)
    kept = {loc: origin for loc, origin in under.origins.items() if not _replaced(loc, under.values, over.values)}
    return Layer(values, {**kept, **over.origins}, under.faults + over.faults, under.unread or over.unread)


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `merge`."""
    result = dict(under)
    for key, value in over.items():
        below = under.get(key)
        if isinstance(below, dict) and (isinstance(value, dict) or value is None):
            value = merged(below, value or {})
        result[key] = value
    return result


def dotted(loc: Loc) -> str:
    """A place as messages name it: `checks[0].column`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


def _replaced(loc: Loc, under: Any, over: Any) -> bool:
    """Whether `over` gives, at this place or above it, something that does not merge."""
    for part in loc:
        if over is None or not isinstance(over, dict) or part not in over:
            return over is not None and not isinstance(over, dict)
        under, over = under[part], over[part]
        if not isinstance(under, dict):
            return True
    return over is not None and not isinstance(over, dict)


def _unread(origin: Origin, text: str) -> Layer:
    return Layer(faults=(Fault(origin, text),), unread=True)


def _from_set(text: str, origin: Origin) -> Layer:
    name, equals, value = text.partition("=")
    if not equals or not all(name.strip().split(".")):
        return Layer(faults=(Fault(origin, "must read section.key=value"),))
    return _assigned(route(name.strip().split("."), "."), value, origin)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}..."


def _assigned(loc: Loc, text: str, origin: Origin) -> Layer:
    value = scalar(text)
    for part in reversed(loc):
        value = {part: value}
    return Layer(value, dict.fromkeys(_places(value, ()), origin))


def _places(value: Any, loc: Loc) -> Iterator[Loc]:
    """Every place in a value but its top."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in pairs:
        yield (*loc, key)
        yield from _places(child, (*loc, key))
