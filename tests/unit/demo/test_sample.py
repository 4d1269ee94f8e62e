"""The sample reviews: the same bytes each time, and every kind of mess about as often as the table says."""

from __future__ import annotations

import csv
import gzip
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from lakehouse_nlp.demo.mess import BROKEN_LINE, RATES
from lakehouse_nlp.demo.sample import COLUMNS, EXTRA_COLUMN, write_more, write_samples
from lakehouse_nlp.demo.words import CATEGORIES, FOREIGN

pytestmark = pytest.mark.unit

Row = dict[str, str | None]
FILES = ["train/reviews-1.jsonl.gz", "train/reviews-2.csv", "inference/new-reviews.jsonl"]
FOREIGN_SENTENCES = tuple(s for sentences in FOREIGN.values() for s in sentences)


class Samples:
    """The files of one seed, read back."""

    def __init__(self, folder: Path) -> None:
        self.paths = write_samples(folder)
        self.lines = gzip.decompress(self.paths[0].read_bytes()).decode().split("\n")[:-1]
        first = [json.loads(line) for line in self.lines if line != BROKEN_LINE]
        with self.paths[1].open(encoding="utf-8", newline="") as file:
            self.header, *self.cells = csv.reader(file)
        fit = [dict(zip(COLUMNS, cells, strict=False)) for cells in self.cells if len(cells) == len(self.header)]
        self.train: list[Row] = [*first, *fit]
        self.new: list[Row] = [json.loads(line) for line in self.paths[2].read_text(encoding="utf-8").split("\n")[:-1]]
        self.all = [*self.train, *self.new]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return Samples(tmp_path_factory.mktemp("samples"))


def content(row: Row) -> tuple[str, ...]:
    """A row's cells; null and empty are one, as in CSV."""
    return tuple(row.get(column) or "" for column in COLUMNS)


def day(row: Row) -> datetime:
    return datetime.strptime(row["date"] or "", "%B %d, %Y")


def test_one_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    one, two, other = (
        write_samples(tmp_path / name, rows=300, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert all(x.read_bytes() != y.read_bytes() for x, y in zip(one, other, strict=True))


def test_three_files_share_the_rows(samples: Samples, tmp_path: Path) -> None:
    assert len(samples.all) == 24_000
    sizes = [len(samples.lines) - 1, len(samples.cells) - 1, len(samples.new)]
    assert [size / 24_000 for size in sizes] == pytest.approx([0.60, 0.25, 0.15])
    small = write_samples(tmp_path, rows=50)
    assert [path.relative_to(tmp_path).as_posix() for path in small] == FILES


def test_columns(samples: Samples) -> None:
    assert samples.header == [*COLUMNS, EXTRA_COLUMN]
    assert {tuple(row) for row in samples.train} == {COLUMNS}
    assert {tuple(row) for row in samples.new} == {tuple(c for c in COLUMNS if c != "rating")}
    assert {row["category"] for row in samples.all} == set(CATEGORIES)
    assert all(re.fullmatch(r"[A-Z][a-z]+ \d{1,2}, \d{4}", row["date"] or "") for row in samples.all)
    assert all(re.fullmatch(r"(\d+\.\d\d)?", row["price"] or "") for row in samples.all)


def test_one_broken_line_and_one_row_of_too_many_fields(samples: Samples) -> None:
    assert samples.lines.count(BROKEN_LINE) == 1
    with pytest.raises(json.JSONDecodeError):
        json.loads(BROKEN_LINE)
    assert [len(cells) > len(samples.header) for cells in samples.cells].count(True) == 1


def test_csv_holds_quoted_newlines_and_doubled_quotes(samples: Samples) -> None:
    bodies = [cells[COLUMNS.index("body")] for cells in samples.cells]
    assert sum("\n" in body for body in bodies) > 200
    assert sum('"' in body for body in bodies) > 200
    assert '""' in samples.paths[1].read_text(encoding="utf-8")


def test_ids_are_unique_but_for_the_deliberate_doubles(samples: Samples) -> None:
    by_id = defaultdict(list)
    for row in samples.all:
        by_id[row["review_id"]].append(row)
    copies = Counter(len(rows) for rows in by_id.values())
    assert set(copies) <= {1, 2, 3}
    doubled = sum(len(rows) - len({content(row) for row in rows}) for rows in by_id.values())
    versions = [{content(row): row for row in rows} for rows in by_id.values()]
    reposted = [list(rows.values()) for rows in versions if len(rows) > 1]
    assert doubled / len(samples.all) == pytest.approx(RATES["doubled"], rel=0.25)
    assert len(reposted) / len(samples.all) == pytest.approx(RATES["reposted"], rel=0.25)
    assert all(day(one) != day(other) and one["body"] != other["body"] for one, other in reposted if one["body"])
    assert not {row["review_id"] for row in samples.train} & {row["review_id"] for row in samples.new}


def holds(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.search(pattern, text) is not None


TEXT_MESS: dict[str, Callable[[str], bool]] = {
    "html": holds(r"<(br /|b|p)>"),
    "entities": holds(r"&(amp|quot|#39|eacute);"),
    "emoji": holds("[\u2764\U0001f300-\U0001faff]"),
    "combining": lambda text: any(map(unicodedata.combining, text)),
    "control": holds(r"[\x07\x08\x1b\x7f]"),
    "whitespace": lambda text: text != text.strip(" \t"),
    "quotes": holds(r'The\s+page'),
    "paragraphs": holds("\n"),
    "foreign": lambda text: any(s[:12] in unicodedata.normalize("NFC", text) for s in FOREIGN_SENTENCES),
    "long": lambda text: len(text.split()) > 1000,
    "empty_body": lambda text: not text,
}  # fmt: skip


@pytest.mark.parametrize("kind", TEXT_MESS)
def test_the_mess_of_bodies_is_as_frequent_as_the_table_says(samples: Samples, kind: str) -> None:
    share = sum(TEXT_MESS[kind](row["body"] or "") for row in samples.all) / len(samples.all)
    assert share == pytest.approx(RATES[kind], rel=0.3)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("missing_rating", {None, ""}),
        ("rating_out_of_range", {"11"}),
        ("rating_no_number", {"one", "two", "three", "four", "five"}),
    ],
)
def test_the_mess_of_ratings_is_as_frequent_as_the_table_says(
    samples: Samples, kind: str, values: set[str | None]
) -> None:
    share = sum(row["rating"] in values for row in samples.train) / len(samples.train)
    assert share == pytest.approx(RATES[kind], rel=0.4)


@pytest.mark.parametrize("column", ["title", "price"])
def test_titles_and_prices_are_missing_at_times(samples: Samples, column: str) -> None:
    share = sum(not row[column] for row in samples.all) / len(samples.all)
    assert share == pytest.approx(RATES[f"empty_{column}"], rel=0.3)


def test_ratings_lean_to_the_positive(samples: Samples) -> None:
    counts = Counter(row["rating"] for row in samples.train)
    negative, positive = counts["1"] + counts["2"], counts["4"] + counts["5"]
    assert 0.17 < negative / (negative + positive) < 0.24
    assert 0.05 < counts["3"] / len(samples.train) < 0.12


def test_the_vocabulary_is_that_of_reviews(samples: Samples) -> None:
    words = Counter(word for row in samples.all for word in re.findall(r"[a-z]+", (row["body"] or "").lower()))
    assert sum(count > 20 for count in words.values()) > 500


def test_more_reviews_have_no_rating_and_ids_of_their_own(samples: Samples, tmp_path: Path) -> None:
    one, two = write_more(tmp_path, rows=200, seed=7), write_more(tmp_path, rows=200, seed=8)
    assert one.parent == two.parent == tmp_path / "inference"
    rows = [json.loads(line) for path in (one, two) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
    assert len(rows) == 400
    assert not any("rating" in row for row in rows)
    assert not {row["review_id"] for row in rows} & {row["review_id"] for row in samples.all}
