"""What the ledger says of files, from its newest rows."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from lakehouse_nlp.ingest.files import RawFile
from lakehouse_nlp.ingest.ledger import Ledger

pytestmark = pytest.mark.unit

HOUR = 3_600 * 10**9
NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)


def row(state: str, batch: int | None, **more: Any) -> dict[str, Any]:
    return {"state": state, "batch": batch, **more}


def ledger(*rows: dict[str, Any]) -> Ledger:
    return Ledger({(str(place), "train"): found for place, found in enumerate(rows)})


def file(digest: str = "h", purpose: Any = "train", name: str = "a.csv", modified: int = 0) -> RawFile:
    return RawFile(Path(name), purpose, digest, 1, modified)


@pytest.mark.parametrize(
    ("states", "batch"),
    [
        ([], 1),
        ([("loaded", 1)], 2),
        ([("loaded", 1), ("loaded", 3), ("rejected", None)], 4),
        ([("claimed", 7)], 8),
        ([("rejected", None)], 1),
    ],
)
def test_the_next_batch_has_a_number_of_its_own(states: list[tuple[str, int | None]], batch: int) -> None:
    assert ledger(*(row(*state) for state in states)).next_batch == batch


def test_claimed_files_are_unfinished_by_batch() -> None:
    states = [("claimed", 3), ("loaded", 1), ("claimed", 2), ("claimed", 3), ("rejected", None)]
    found = ledger(*(row(*state) for state in states)).unfinished
    assert [(number, len(batch)) for number, batch in found.items()] == [(2, 1), (3, 2)]


@pytest.mark.parametrize(
    ("state", "known"), [("loaded", True), ("duplicate", True), ("claimed", False), ("rejected", False)]
)
def test_a_file_is_known_once_it_is_in_bronze_and_for_its_purpose_only(state: str, known: bool) -> None:
    found = Ledger({("h", "train"): row(state, 1)})
    assert (found.loaded(file()) is not None) == known
    assert found.loaded(file(purpose="inference")) is None
    assert found.loaded(file("other")) is None


def test_a_claim_is_its_run_s_until_it_is_settled() -> None:
    found = Ledger({("h", "train"): row("claimed", 4, run_id="r1"), ("done", "train"): row("loaded", 3, run_id="r1")})
    assert (found.claimed_by(file()), found.claimed_by(file("done")), found.claimed_by(file("new"))) == (
        ("r1", 4), None, None
    )  # fmt: skip


def test_versions_count_the_contents_under_one_name() -> None:
    states = [("a.csv", "loaded"), ("a.csv", "loaded"), ("a.csv", "rejected"), ("b.csv", "loaded")]
    found = ledger(
        *(row(state, 1, name=name, purpose="train", file_hash=str(n)) for n, (name, state) in enumerate(states))
    )
    names = [
        ("new", "a.csv", "train"),
        ("0", "a.csv", "train"),
        ("new", "c.csv", "train"),
        ("new", "a.csv", "inference"),
    ]
    assert [found.version(file(digest, purpose, name)) for digest, name, purpose in names] == [3, 2, 1, 1]


@pytest.mark.parametrize(
    ("states", "hours_before", "late"),
    [
        ([("loaded", NOON)], 25, True),
        ([("loaded", NOON)], 23, False),
        ([("loaded", NOON.replace(tzinfo=None))], 25, True),
        ([("rejected", NOON)], 25, False),
        ([("loaded", None)], 25, False),
        ([], 25, False),
    ],
)
def test_a_file_is_late_by_the_newest_loaded_one(
    states: list[tuple[str, datetime | None]], hours_before: int, late: bool
) -> None:
    found = ledger(*(row(state, 1, modified_at=when) for state, when in states))
    assert found.late(file(modified=int(NOON.timestamp()) * 10**9 - hours_before * HOUR), 24) == late
