"""Raw files: which of them wait, what they are known by, and where they end."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from lakehouse_nlp.ingest import files
from lakehouse_nlp.ingest.files import RawFile

pytestmark = pytest.mark.unit

CSV = b"id,title\n1,a\n2,b\n"


def put(folder: Path, name: str, content: bytes) -> RawFile:
    path = folder / name
    path.write_bytes(content)
    return files.identify(path, "train")


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    first, second = put(tmp_path, "a.csv", CSV), put(tmp_path, "b.csv", CSV)
    other = put(tmp_path, "c.csv", CSV + b"3,c\n")
    assert first.hash == second.hash == hashlib.sha256(CSV).hexdigest() != other.hash
    assert (first.bytes, first.modified) == (len(CSV), first.path.stat().st_mtime_ns)


def test_a_file_of_several_pieces_has_the_hash_of_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK", 4)
    found = put(tmp_path, "a.csv", CSV)
    assert (found.hash, found.bytes) == (hashlib.sha256(CSV).hexdigest(), len(CSV))


def test_files_wait_oldest_first_by_purpose_and_hidden_ones_do_not(tmp_path: Path) -> None:
    for purpose, name, age in [
        ("inference", "new.csv", 5), ("train", "b.csv", 10), ("train", "a.csv", 10), ("train", "z.csv", 20),
        ("train", ".part.csv", 30), ("train", "_tmp.csv", 30),
    ]:  # fmt: skip
        path = tmp_path / "raw" / purpose / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CSV)
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "raw" / "train" / "folder.csv").mkdir()
    assert [(path.name, purpose) for path, purpose in files.waiting(tmp_path)] == [
        ("z.csv", "train"), ("a.csv", "train"), ("b.csv", "train"), ("new.csv", "inference")
    ]  # fmt: skip


def test_where_there_is_no_raw_folder_nothing_waits(tmp_path: Path) -> None:
    assert list(files.waiting(tmp_path)) == []


def test_a_file_is_moved_under_its_own_name_where_that_is_free(tmp_path: Path) -> None:
    file = put(tmp_path, "a.csv.gz", CSV)
    place = files.settle(file.path, tmp_path / "processed", file.hash)
    assert place == tmp_path / "processed" / "a.csv.gz"
    assert (place.read_bytes(), file.path.exists()) == (CSV, False)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("a.csv.gz", "a~{0}.csv.gz"), ("a.csv", "a~{0}.csv"), ("2024.01.02.csv", "2024~{0}.01.02.csv"),
        ("plain", "plain~{0}"), ("ü [1] %20+.csv", "ü [1] %20+~{0}.csv"),
    ],
)  # fmt: skip
def test_two_files_of_one_name_are_both_kept(tmp_path: Path, name: str, wanted: str) -> None:
    first = put(tmp_path, name, b"first")
    files.settle(first.path, tmp_path / "processed", first.hash)
    second = put(tmp_path, name, b"second")
    place = files.settle(second.path, tmp_path / "processed", second.hash)
    assert place.name == wanted.format(second.hash[:8])
    assert (tmp_path / "processed" / name).read_bytes() == b"first"
    assert place.read_bytes() == b"second"
