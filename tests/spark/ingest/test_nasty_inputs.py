"""Nasty inputs: each file ends in one place, with exactly these rows, or is refused for exactly this reason."""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import takings
from nasty import chunks, columnar, dialects, encodings, objects, packed, quoting, refused, values
from nasty.case import Case
from pyspark.sql import SparkSession
from takings import Taken

from lakehouse_nlp import silver

pytestmark = pytest.mark.spark

THEMES = (quoting, dialects, values, encodings, objects, packed, columnar, refused, chunks)
CASES: tuple[Case, ...] = tuple(case for theme in THEMES for case in theme.CASES)
DEFAULT = Case("", "", b"").variant


def place(case: Case) -> str:
    """The name of a case's file in the lake: one of its own, with the ending of the case."""
    return f"{case.name}-{case.filename}"


@pytest.fixture(scope="module")
def found(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Case -> what became of its file; `quarantine`: the rows there. One run a variant of the settings."""
    home = tmp_path_factory.mktemp("nasty")
    told: dict[str, Any] = {}
    variants: dict[str, list[Case]] = {}
    for case in CASES:
        variants.setdefault(case.variant, []).append(case)
    with takings.forgetting(session):
        for number, (variant, cases) in enumerate(variants.items()):
            ctx = takings.context(home, f"nasty{number}", cases[0].columns, cases[0].settings)
            takings.drop(ctx, {place(case): case.content for case in cases})
            _, taken = takings.take(ctx)
            told |= {case.name: taken.pop(place(case), Taken()) for case in cases}
            told[f"beside {number}"] = taken
            if variant == DEFAULT:
                ctx.sign("silver")
                silver.run(ctx)
                told["quarantine"] = takings.table(ctx, "quarantine")
        yield told


def test_every_case_has_a_name_and_bytes_of_its_own() -> None:
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []
    contents = Counter((case.variant, case.content) for case in CASES)
    assert [case.name for case in CASES if contents[case.variant, case.content] > 1] == []
    assert [case.name for case in CASES if bool(case.refused) == bool(case.rows or case.aside)] == []
    assert len(CASES) >= 150


taken_in = pytest.mark.parametrize("case", [case for case in CASES if not case.refused], ids=lambda case: case.name)
turned_away = pytest.mark.parametrize("case", [case for case in CASES if case.refused], ids=lambda case: case.name)


@taken_in
def test_the_rows_are_exactly_these(case: Case, found: dict[str, Any]) -> None:
    taken = found[case.name]
    assert taken.report == {}
    good = [(row["_line"], {name: row[name] for name in case.columns}, _given(row["_rescued"])) for row in taken.good]
    assert good == case.wanted
    assert [(row["_line"], row["_corrupt"]) for row in taken.aside] == [aside[:2] for aside in case.aside]
    wrong = [
        (row["_fault"], pattern)
        for row, (_, _, pattern) in zip(taken.aside, case.aside, strict=True)
        if not re.search(pattern, row["_fault"])
    ]
    assert wrong == []
    assert {row[name] for row in taken.aside for name in (*case.columns, "_rescued")} <= {None}
    assert {row["_corrupt"] for row in taken.good} <= {None}


@taken_in
def test_the_rows_are_numbered_in_the_order_of_the_file(case: Case, found: dict[str, Any]) -> None:
    rows = found[case.name].rows
    assert [row["_row"] for row in rows] == list(range(1, len(case.rows) + len(case.aside) + 1))
    lines = [row["_line"] for row in rows if row["_line"] is not None]
    assert lines == sorted(lines)
    digest = hashlib.sha256(case.content).hexdigest()
    assert {(row["_file"], row["_file_hash"], row["_purpose"]) for row in rows} == {(place(case), digest, "train")}


@taken_in
def test_the_ledger_counts_what_is_in_bronze(case: Case, found: dict[str, Any]) -> None:
    taken, rows, aside = found[case.name], len(case.rows) + len(case.aside), len(case.aside)
    assert taken.places == ["processed"]
    told = {name: taken.ledger[name] for name in ("state", "rows", "records", "set_aside", "version", "failed")}
    wanted = {"state": "loaded", "rows": rows, "records": rows, "set_aside": aside, "version": 1, "failed": None}
    assert told == wanted
    assert taken.ledger["reader"]
    for name, value in case.told.items():
        assert _told(name, taken.ledger[name]) in ([value] if isinstance(value, str) else value)


@turned_away
def test_a_file_that_is_refused_is_reported_and_kept(case: Case, found: dict[str, Any]) -> None:
    taken = found[case.name]
    check, pattern, *line = case.refused
    assert taken.places == ["errors"], taken
    assert taken.rows == []
    report = taken.report
    assert re.fullmatch(check, report["check"]), report
    assert re.search(pattern, report["found"]), report
    assert report["wanted"]
    assert (report["file"], report["sha256"]) == (place(case), hashlib.sha256(case.content).hexdigest())
    assert (report["bytes"], report["purpose"]) == (len(case.content), "train")
    if line:
        assert report["line"] == line[0], report
    ledger = taken.ledger
    assert (ledger["state"], ledger["rows"], ledger["place"]) == ("rejected", None, f"errors/{place(case)}")
    assert [ledger[name] for name in ("failed", "found", "wanted", "line")] == [
        report[name] for name in ("check", "found", "wanted", "line")
    ]


def test_nothing_else_lies_about(found: dict[str, Any]) -> None:
    assert {name: beside for name, beside in found.items() if name.startswith("beside") and beside} == {}


def test_every_row_set_aside_is_in_quarantine_with_its_text(found: dict[str, Any]) -> None:
    cases = [case for case in CASES if case.variant == DEFAULT]
    wanted = {(place(case), row["_row"], row["_corrupt"]) for case in cases for row in found[case.name].aside}
    aside = {(row["_file"], row["_row"], row["raw"]) for row in found["quarantine"]}
    assert len(wanted) > 50
    assert wanted - aside == set()


def _given(rescued: str | None) -> dict[str, str]:
    """The fields of a rescued object that hold something: texts as they are, all else as it was written."""
    fields = json.loads(rescued or "{}", parse_float=str, parse_int=str)
    return {
        name: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        for name, value in fields.items()
        if value is not None
    }


def _told(name: str, value: Any) -> Any:
    """Of an encoding the name that Python has for it, of a dialect the delimiter; everything else as it is."""
    if name == "encoding":
        return codecs.lookup(value.split()[0]).name.removesuffix("-sig")
    return json.loads(value)["delimiter"] if name == "dialect" else value
