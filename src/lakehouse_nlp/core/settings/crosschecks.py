"""What only several parts of the settings together can tell: names that must be declared columns, SQL, dates, patterns.

Works on the merged values before they are validated, so that its faults come in the same report: every part that does
not have the right shape is pydantic's to tell, and passed over here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from lakehouse_nlp.core.settings.checks import named
from lakehouse_nlp.core.settings.expressions import columns_of
from lakehouse_nlp.core.settings.home import is_uri
from lakehouse_nlp.core.settings.languages import LANGUAGES, STOP_WORD_LANGUAGES
from lakehouse_nlp.core.settings.learning import Register
from lakehouse_nlp.core.settings.models import NUMBER_TYPES
from lakehouse_nlp.core.settings.patterns import pattern_fault
from lakehouse_nlp.core.settings.words import did_you_mean, listed, shown
from lakehouse_nlp.core.settings.yaml_lines import Loc

Problem = tuple[Loc, str]

# Schemas of the lake that are no project's.
RESERVED_PROJECTS = ("ops",)

# Delta takes none of the first eight in a column's name, and Spark reads a dot as a field of a struct.
_NOT_IN_NAMES = re.compile(r"[ ,;{}()=\n\t.`]")


def is_table_name(name: str) -> bool:
    """Whether a table's column may be called so."""
    return bool(name) and not name.startswith("_") and not _NOT_IN_NAMES.search(name)


@dataclass(frozen=True)
class Values:
    """The merged values, read without trust in their shapes."""

    tree: Mapping[str, Any]

    def get(self, *loc: str | int) -> Any:
        """The value at a place; None where there is none."""
        value: Any = self.tree
        for part in loc:
            inside = value if isinstance(value, dict) else dict(enumerate(value)) if isinstance(value, list) else {}
            value = inside.get(part)
        return value

    def names(self, *loc: str | int) -> Iterator[tuple[Loc, str]]:
        """The column names at a place, be it one or a list."""
        value = self.get(*loc)
        if isinstance(value, str):
            yield loc, value
        for i, name in enumerate(value if isinstance(value, list) else ()):
            if isinstance(name, str):
                yield (*loc, i), name

    def checks(self) -> Iterator[tuple[Loc, dict[str, Any]]]:
        """The checks that are mappings."""
        checks = self.get("checks")
        for i, check in enumerate(checks if isinstance(checks, list) else ()):
            if isinstance(check, dict):
                yield ("checks", i), check

    def columns(self) -> dict[str, dict[str, Any]]:
        """The declared columns in their long form; those of no right shape are empty."""
        declared: dict[str, Any] = self.get("columns") or {}
        long = {name: {"type": v} if isinstance(v, str) else v for name, v in declared.items()}
        return {name: v if isinstance(v, dict) else {} for name, v in long.items()}


def problems(tree: Mapping[str, Any]) -> list[Problem]:
    """Every place where the parts of the merged settings contradict each other, and why."""
    values = Values(tree)
    found = [*_project(values), *_lake(values), *_patterns(values), *_stop_words(values), *_floors(values)]
    found += [*_names_of_checks(values), *_languages(values), *_engine(values)]
    if isinstance(values.get("columns"), dict):
        columns = values.columns()
        types = {name: str(column.get("type")) for name, column in columns.items()}
        found += [*_column_names(columns), *_sources(columns), *_formats(columns), *_references(values, types)]
        found += [*_typed_references(values, types), *_expressions(values, types), *_something_to_learn(values)]
        found += _masked_key(values)
    return found


def _project(values: Values) -> Iterator[Problem]:
    if values.get("project") in RESERVED_PROJECTS:
        yield ("project",), f"{values.get('project')!r} is the lake's own schema; give the file another name"


def _lake(values: Values) -> Iterator[Problem]:
    root = values.get("lake", "root")
    if isinstance(root, str) and is_uri(root):
        yield ("lake", "root"), f"{root} is no folder; name one that this machine, or the whole cluster, has mounted"


def _column_names(columns: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    folded: dict[str, str] = {}
    for name in columns:
        if name.startswith("_"):
            yield ("columns", name), "names that start with '_' are ours; take another, with `source:` for the file's"
        elif not is_table_name(name):
            rule = "a table's column has no blank and none of ,;{}()=.` in its name"
            yield ("columns", name), f"{rule}; take another, with `source: {shown(name)}`"
        elif name.casefold() in folded:
            yield ("columns", name), f"Spark takes it for {folded[name.casefold()]!r}: letter case does not count"
        folded.setdefault(name.casefold(), name)


def _sources(columns: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for name, column in columns.items():
        source = str(column.get("source") or name)
        if source in taken:
            yield ("columns", name), f"reads the file's column {source!r}, as {taken[source]!r} does"
        taken.setdefault(source, name)


def _formats(columns: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    wanted = {"format": ("date", "timestamp"), "decimal": NUMBER_TYPES, "grouping": NUMBER_TYPES}
    for name, column in columns.items():
        for key, kinds in wanted.items():
            if column.get(key) is not None and _plain_type(column.get("type")) not in (*kinds, "None"):
                called = "number" if kinds == NUMBER_TYPES else " and ".join(kinds)
                yield ("columns", name, key), f"is for {called} columns, and this one is {column['type']}"


def _plain_type(kind: Any) -> str:
    """The type, with every decimal as the one that stands for all."""
    return re.sub(r"\(.*", "(10,2)", str(kind))


def _references(values: Values, types: Mapping[str, str]) -> Iterator[Problem]:
    roles = ("key",), ("newest_by",), ("text",), ("gold", "split", "by")
    named = (*roles, ("silver", "mask", "columns"), ("score", "window", "by"))
    places: list[tuple[Loc, Any]] = [place for loc in named for place in values.names(*loc)]
    places += [((*loc, "column"), check.get("column")) for loc, check in values.checks()]
    places += [place for loc, _ in values.checks() for place in values.names(*loc, "columns")]
    for loc, name in places:
        if isinstance(name, str) and name not in types:
            yield loc, f"no such column {name!r}{did_you_mean(name, types)}"


def _typed_references(values: Values, types: Mapping[str, str]) -> Iterator[Problem]:
    for loc, name in values.names("text"):
        yield from must_be(loc, name, "string", types)
    for loc, name in values.names("silver", "mask", "columns"):
        yield from must_be(loc, name, "string", types)
    for loc, name in values.names("score", "window", "by"):
        yield from must_be(loc, name, "date or timestamp", types)
    kinds = {"range": "number", "length": "string", "language": "string", "freshness": "date or timestamp"}
    for loc, check in values.checks():
        column, kind = check.get("column"), kinds.get(str(check.get("rule")))
        if any(check.get(figure) for figure in ("mean", "std", "quantiles")):
            kind = "number"
        if kind and isinstance(column, str):
            yield from must_be((*loc, "column"), column, kind, types)


def must_be(loc: Loc, name: str, wanted: str, types: Mapping[str, str]) -> Iterator[Problem]:
    """A fault where the column is not of the wanted type: `number`, or a column type."""
    allowed = NUMBER_TYPES if wanted == "number" else tuple(wanted.split(" or "))
    if _plain_type(types.get(name, allowed[0])) not in (*allowed, "None"):
        yield loc, f"must be a {wanted} column, and {name!r} is {types[name]}"


def _expressions(values: Values, types: Mapping[str, str]) -> Iterator[Problem]:
    places: list[tuple[Loc, Any]] = [(("label",), values.get("label"))]
    places += [((*loc, "where"), check.get("where")) for loc, check in values.checks()]
    for loc, text in places:
        if isinstance(text, str):
            yield from expression(loc, text, types)


def expression(loc: Loc, text: str, types: Iterable[str]) -> Iterator[Problem]:
    """What is wrong with a Spark SQL expression over these columns."""
    try:
        named = columns_of(text)
    except ValueError as error:
        yield loc, str(error)
        return
    for name in sorted(named.difference(types)):
        yield loc, f"no such column {name!r}{did_you_mean(name, types)}"
    if not named:
        yield loc, f"names no column: {shown(text)}"


def _patterns(values: Values) -> Iterator[Problem]:
    places: list[tuple[Loc, Any]] = [(("gold", "nlp", "pattern"), values.get("gold", "nlp", "pattern"))]
    places += [((*loc, "pattern"), check.get("pattern")) for loc, check in values.checks()]
    for loc, pattern in places:
        fault = pattern_fault(pattern) if isinstance(pattern, str) else None
        if fault:
            yield loc, f"no regular expression: {fault} in {shown(pattern)}"


def _stop_words(values: Values) -> Iterator[Problem]:
    language = values.get("gold", "nlp", "stop_words")
    if isinstance(language, str) and language not in STOP_WORD_LANGUAGES:
        guess = did_you_mean(language, STOP_WORD_LANGUAGES) or f"; there are {listed(STOP_WORD_LANGUAGES)}"
        yield ("gold", "nlp", "stop_words"), f"no stop words for {language!r}{guess}"


def _names_of_checks(values: Values) -> Iterator[Problem]:
    """Counts are kept by name, so two checks of one name would be one."""
    taken: dict[str, Loc] = {}
    for loc, check in values.checks():
        name = named(check)
        if name in taken:
            yield loc, f"goes by the name {name!r}, as checks[{taken[name][1]}] does; give it a `name:`"
        taken.setdefault(name, loc)


def _languages(values: Values) -> Iterator[Problem]:
    for loc, check in values.checks():
        for place, name in values.names(*loc, "languages") if check.get("rule") == "language" else ():
            if name not in LANGUAGES:
                guess = did_you_mean(name, LANGUAGES) or f"; there are {listed(LANGUAGES)}"
                yield place, f"cannot be told: {name!r}{guess}"


def _floors(values: Values) -> Iterator[Problem]:
    metrics = get_args(Register.model_fields["metric"].annotation)
    for place in (("register", "min"), ("train", "retrain", "floor")):
        floors = values.get(*place)
        for name in floors if isinstance(floors, dict) else ():
            if name not in metrics and not re.fullmatch(r"f1\..+", name):
                guess = did_you_mean(name, metrics) or f"; there are {listed(metrics)} and f1.<class>"
                yield (*place, name), f"no such metric{guess}"


def _engine(values: Values) -> Iterator[Problem]:
    engine = values.get("train", "engine")
    if values.get("train", "num_workers") is not None and engine in ("memory", "batches"):
        yield ("train", "num_workers"), f"is for train.engine cluster, and this one is {engine}: one process trains"
    if values.get("train", "warm_start") is True and engine == "cluster":
        yield (
            ("train", "warm_start"),
            "xgboost.spark cannot go on from trees exactly; take train.engine batches",
        )


def _something_to_learn(values: Values) -> Iterator[Problem]:
    if not values.get("text") and not any(values.get("features", kind) for kind in ("numeric", "categorical", "dates")):
        yield (), "nothing to learn from: name columns in text, features.numeric or features.categorical"


def _masked_key(values: Values) -> Iterator[Problem]:
    """Two people's keys would be one under a mask."""
    mask = values.get("silver", "mask")
    if isinstance(mask, dict) and any(mask.get(kind) is True for kind in ("email", "phone", "card", "ip")):
        at = ("silver", "mask", "columns") if mask.get("columns") is not None else ("text",)
        key = {name for _, name in values.names("key")}
        for loc, name in values.names(*at):
            if name in key:
                yield loc, f"{name!r} is part of the key, and masked keys would be mixed up; list silver.mask.columns"
