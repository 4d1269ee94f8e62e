"""Tables of arbitrary text come back cell for cell, whoever wrote them; arbitrary bytes are accounted for."""

from __future__ import annotations

import gzip
import importlib.util
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pytest
import takings
import written
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from pyspark.sql import SparkSession
from written import Written

pytestmark = pytest.mark.spark

T = TypeVar("T")
UNICODE = ("utf-8", "utf-8-marked", "utf-16-le-marked", "utf-16-be-marked", "utf-32-le-marked", "utf-32-be-marked")
POLARS = ["polars"] * (importlib.util.find_spec("polars") is not None)


def drawn(strategy: st.SearchStrategy[T], count: int) -> list[T]:
    """That many examples, the same in every run."""
    found: list[T] = []

    @settings(
        max_examples=count, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def collect(example: T) -> None:
        found.append(example)

    collect()
    return found


@dataclass(frozen=True)
class Kind:
    """Files that can be taken in by one run: how many, of which strategy, and what has to be set for them."""

    count: int
    files: st.SearchStrategy[Written]
    options: dict[str, Any] = field(default_factory=dict)


KINDS = {
    "dialect and encoding found": Kind(
        90, written.strategy(["python", "pandas", "duckdb", *POLARS], UNICODE)
    ),
    "quotes doubled, any backslash": Kind(
        30, written.strategy(["python", "duckdb", *POLARS], ["utf-8"], backslashes=True), {"escape": '"'}
    ),
    "backslash set": Kind(
        40, written.strategy(["python", "pandas", "duckdb"], UNICODE, backslashes=True, escape="\\"), {"escape": "\\"}
    ),
    "windows-1252 set": Kind(
        20, written.strategy(["python"], ["cp1252"], backslashes=True), {"encoding": "windows-1252", "escape": '"'}
    ),
    "shift_jis set": Kind(  # of its two bytes the second may be a backslash or a bar
        20, written.strategy(["python"], ["shift_jis"]), {"encoding": "shift_jis", "escape": '"'}
    ),
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _lake(session: SparkSession) -> Iterator[None]:
    with takings.forgetting(session):
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("roundtrip")


@pytest.mark.parametrize("kind", KINDS)
def test_tables_come_back_cell_for_cell(kind: str, home: Path) -> None:
    wanted = list({file.content: file for file in drawn(KINDS[kind].files, KINDS[kind].count)}.values())
    assert len(wanted) > KINDS[kind].count * 0.8
    ctx = takings.context(home, f"kind{list(KINDS).index(kind)}", written.NAMES, KINDS[kind].options)
    names = {f"{number:03}.csv": file for number, file in enumerate(wanted)}
    takings.drop(ctx, {name: file.content for name, file in names.items()})
    _, taken = takings.take(ctx)
    wrong = []
    for name, file in names.items():
        found = taken.get(name, takings.Taken())
        back = [tuple(row[name] for name in written.NAMES) for row in found.rows]
        if back != file.wanted or found.aside:
            why = found.report or found.ledger.get("dialect"), found.ledger.get("encoding")
            wrong.append(f"{file.writer}\n  {file.content!r}\n  wanted {file.wanted}\n  found  {back}\n  {why}")
    assert not wrong, f"{len(wrong)} of {len(names)} files:\n" + "\n".join(sorted(wrong, key=len)[:5])


# -- any bytes at all -----------------------------------------------------------------------------------------------


def _parquet() -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.table({"id": ["1", "2"], "title": ["a", "ü"], "body": [None, "x"]}), sink)
    return sink.getvalue()


ROWS = [{"id": str(n), "title": f'say "{n}",\n{"ü" * n}', "body": {"n": [n, None]}} for n in range(12)]
CSV = written.by_python(tuple((row["id"], row["title"], "x\\") for row in ROWS), ",", 0, "\r\n").encode()
GOOD = (
    CSV, CSV.decode().encode("utf-16"), gzip.compress(CSV, mtime=0),
    "".join(json.dumps(row) + "\n" for row in ROWS).encode(), json.dumps(ROWS, indent=1).encode(), _parquet(),
)  # fmt: skip


@st.composite
def mutated(draw: Any) -> bytes:
    """A good file that was cut, had bytes changed, or was spliced with another."""
    content = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(len(content) - 1, 0)))
        how = draw(st.sampled_from(["cut", "flip", "drop", "insert", "splice"]))
        if how == "cut":
            del content[place:]
        elif how == "flip" and content:
            content[place] ^= draw(st.integers(1, 255))
        elif how == "drop":
            del content[place : place + draw(st.integers(1, 20))]
        elif how == "insert":
            content[place:place] = draw(st.binary(max_size=8))
        else:
            other = draw(st.sampled_from(GOOD))
            content[place:] = other[draw(st.integers(0, len(other))) :]
    return bytes(content)


HEADED = st.tuples(st.sampled_from([b"id,title,body\n", b'{"id": 1}\n', b"[", b"id\ttitle\tbody\r\n"]), st.binary())
EXTREMES = (b"[" * 100_000, b'{"id":' * 50_000, b'"' * 100_001, b"\r" * 1000, b"id,title\n" + b'"' * 99_999, b"\x00")
ANYTHING = st.one_of(st.binary(), mutated(), mutated(), HEADED.map(b"".join))


@pytest.mark.parametrize("options", [{}, {"max_bytes": 256}], ids=["whole", "chunks"])
def test_any_bytes_end_in_one_place_and_every_record_is_accounted_for(options: dict[str, Any], home: Path) -> None:
    contents = dict.fromkeys([*EXTREMES, *drawn(ANYTHING, 150)])
    names = {f"{number:03}.{'csv' if number % 2 else 'json'}": content for number, content in enumerate(contents)}
    ctx = takings.context(home, f"any{len(options)}", written.NAMES, options)
    takings.drop(ctx, names)
    result, taken = takings.take(ctx)
    wrong = [
        f"{content[:300]!r}\n  {file.places} {file.ledger} {file.report}"
        for name, content in names.items()
        if not _accounted(file := taken.get(name, takings.Taken()))
    ]
    assert not wrong, f"{len(wrong)} of {len(names)} files:\n" + "\n".join(sorted(wrong, key=len)[:5])
    loaded = [file for file in taken.values() if file.places == ["processed"]]
    assert result.written == sum(len(file.rows) for file in loaded)
    assert len(loaded) > 20
    assert len(names) - len(loaded) > 20


def _accounted(file: takings.Taken) -> bool:
    """Loaded with as many rows as records, numbered without a gap; or refused with a report and no row."""
    if file.places == ["errors"]:
        return bool(file.ledger["state"] == "rejected" and file.rows == [] and file.report["check"])
    numbered = [row["_row"] for row in file.rows] == list(range(1, len(file.rows) + 1))
    counted = len(file.rows) == file.ledger.get("rows") == file.ledger.get("records") and len(file.rows) > 0
    aside = len(file.aside) == file.ledger.get("set_aside") and all(row["_corrupt"] is not None for row in file.aside)
    return file.places == ["processed"] and file.ledger["state"] == "loaded" and numbered and counted and aside
