"""Labels that people give: checked, and appended to the table `labels`, which the next run of gold takes up.

Starts Spark only to make the table, the first time.
"""

from __future__ import annotations

import csv
import getpass
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError, UsageError
from lakehouse_nlp.core.settings.words import did_you_mean, listed
from lakehouse_nlp.model.task import Task

TABLE = "labels"
# What a label says that takes its row out of training, unless a class is called so; an empty one does, too.
NONE = "none"
TOLD = 5


@dataclass(frozen=True)
class Given:
    """A label as it came: the row's key, the label's text, the reason, and for messages where it stood."""

    key: str
    label: str
    why: str | None = None
    place: str = ""


@dataclass(frozen=True)
class Recorded:
    """What became of labels: `given` were written, `known` said what stood already, `ahead` wait for their rows."""

    given: int
    known: int
    ahead: int


def give(
    ctx: Context, labels: Sequence[Given], source: str | None = None, *, ahead: bool = False, new_class: bool = False
) -> Recorded:
    """Writes those labels that say something new, in one commit; a second time there are none of these.

    `source`: the file that they came in. `ahead`: keys whose rows are yet to come are welcome; `new_class`: so are
    classes that no row is of. Raises DataError for keys and labels that do not fit, and then writes nothing.
    """
    _refuse("given two labels", list(_doubled(labels)), "leave one of them")
    classes = _classes(ctx)
    meant = {each.key: _meant(each.label, classes) for each in labels}
    hint = "give a number, or none" if classes is None else "--new-class, where no row of the class came yet"
    _refuse("no label of this project", [] if new_class else list(_odd(labels, meant, classes)), hint)
    missing = _unknown(ctx, list(meant))
    strange = [_told(each, f"no row has the key {each.key!r}") for each in labels if each.key in missing]
    _refuse("no such key", [] if ahead else strange, "mend the keys; --ahead, where their rows are yet to come")
    stand = _standing(ctx, list(meant))
    news = {each.key: each for each in labels if (each.key, meant[each.key]) not in stand.items()}
    if news:
        ctx.sign("label")
        if not ctx.tables.log(TABLE).exists:
            ctx.tables.ensure(TABLE)
        who = getpass.getuser()
        rows = [(key, meant[key], each.why, who, source, ctx.run_id) for key, each in news.items()]
        ctx.tables.record(TABLE, rows)
    return Recorded(len(news), len(meant) - len(news), len(missing))


def read_labels(ctx: Context, path: Path, why: str | None = None) -> list[Given]:
    """The labels of a CSV file with the columns `key` and `label`, and `why` if there is one; in place of `key` the
    key columns of the project may stand. Raises UsageError where the file is not there, DataError where it is no such.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file, strict=True)
            return list(_given(ctx, path, lines, why))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="--from FILE.csv") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path} is no CSV file in UTF-8: {error}", hint="save it as CSV, UTF-8") from error


def _given(ctx: Context, path: Path, lines: csv.DictReader[str], why: str | None) -> Iterator[Given]:
    names = list(lines.fieldnames or [])
    key = ("key",) if "key" in names else ctx.settings.key
    if missing := [name for name in (*key, "label") if name not in names]:
        raise DataError(f"{path} has no column {listed(missing)}; it has {listed(names)}", hint="key,label")
    for line in lines:
        parts = [line[name] or "" for name in key]
        if not all(parts):
            raise DataError(f"{path}:{lines.line_num}: the key is empty", hint="every label needs its row's key")
        joined = parts[0] if len(parts) == 1 else json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
        yield Given(joined, line["label"] or "", line.get("why") or why, f"{path}:{lines.line_num}: ")


def _meant(label: str, classes: Sequence[str] | None) -> str | None:
    text = label.strip()
    return None if not text or (text.casefold() == NONE and text not in (classes or ())) else text


def _doubled(labels: Sequence[Given]) -> Iterator[str]:
    first: dict[str, Given] = {}
    for each in labels:
        before = first.setdefault(each.key, each)
        if before.label != each.label:
            yield _told(each, f"{each.key!r} is {each.label!r}, and was {before.label!r} before")


def _classes(ctx: Context) -> list[str] | None:
    """The classes that rows of gold are of, or were said to be, sorted; none while no row has a label; None where
    labels are numbers.
    """
    tables = [f"{ctx.settings.project}.{table}" for table in ("gold", TABLE) if ctx.tables.log(table).rows()]
    query = " UNION ".join(f"SELECT DISTINCT label FROM {table} WHERE label IS NOT NULL" for table in tables)
    found = sorted(str(row["label"]) for row in duck.rows(ctx.root, query, only=tables)) if tables else []
    return None if Task.are_numbers(found, ctx.settings.train.objective) else found


def _odd(labels: Sequence[Given], meant: Mapping[str, str | None], classes: Sequence[str] | None) -> Iterator[str]:
    for each in labels:
        text = meant[each.key]
        if text is None:
            continue
        if classes is None and not _is_number(text):
            yield _told(each, f"{text!r} is no number, and the project's labels are")
        if classes and text not in classes:
            yield _told(each, f"{text!r} is none of {listed(classes)}{did_you_mean(text, classes)}")


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _unknown(ctx: Context, keys: Sequence[str]) -> set[str]:
    """The keys that silver has no row of."""
    if not ctx.tables.log("silver").exists:
        return set(keys)
    silver = f"{ctx.settings.project}.silver"
    query = f"SELECT unnest($1) AS key EXCEPT SELECT _key FROM {silver}"
    return {row["key"] for row in duck.rows(ctx.root, query, [list(keys)], only=[silver])}


def _standing(ctx: Context, keys: Sequence[str]) -> dict[str, str | None]:
    """The newest label of each of these keys that was given one."""
    if not ctx.tables.log(TABLE).rows():
        return {}
    table = f"{ctx.settings.project}.{TABLE}"
    query = f"""SELECT key, max({{'at': recorded_at, 'label': label}}).label AS label
                FROM {table} SEMI JOIN (SELECT unnest($1) AS key) USING (key) GROUP BY key"""
    return {row["key"]: row["label"] for row in duck.rows(ctx.root, query, [list(keys)], only=[table])}


def _told(each: Given, fault: str) -> str:
    return f"{each.place}{fault}"


def _refuse(what: str, faults: Sequence[str], hint: str) -> None:
    """Raises DataError with the first of the faults; nothing was written."""
    if faults:
        more = [f"and {len(faults) - TOLD:,} more"] if len(faults) > TOLD else []
        lines = "".join(f"\n  {fault}" for fault in [*faults[:TOLD], *more])
        raise DataError(f"label: {what}:{lines}", hint=f"{hint}; nothing was written")
