"""Sample product reviews: seeded, the same bytes each time, in three formats' worth of realistic mess (`mess.RATES`).

Ratings lean to the positive, as on real shops: of those above or below 3, about one in five is negative. Cheap
products and some categories are liked less, and a few words change sides between categories.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import zlib
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

from lakehouse_nlp.demo.mess import BROKEN_LINE, Row, happens, rating, spoil
from lakehouse_nlp.demo.phrases import Subject, body, pick, title
from lakehouse_nlp.demo.words import CATEGORIES

COLUMNS = ("review_id", "product", "category", "price", "rating", "date", "title", "body")
EXTRA_COLUMN = "helpful_votes"  # in the CSV file alone

_BRANDS = ("Alder", "Brightway", "Corvane", "Dunmore", "Elmet", "Fjordlund", "Greyfield", "Hollis", "Ivo", "Juniper")
_STARS = {1: 0.045, 2: 0.035, 3: 0.07, 4: 0.28, 5: 0.57}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_FIRST_DAY, _DAYS = date(2021, 1, 1), 1400


class Product(NamedTuple):
    """What is reviewed; `quality` of about -1 to 1 moves its ratings."""

    brand: str
    subject: Subject
    price: float
    quality: float


def write_samples(folder: Path, rows: int = 24_000, seed: int = 7) -> list[Path]:
    """Write two training files and one to predict for under `folder`; their paths.

    `rows` counts the rows of all three, doubled and re-posted ones included; a broken JSON line and a CSV row with too
    many fields come on top.
    """
    rng = Random(f"samples {seed}")
    train = reviews(rng, round(rows * 0.85))
    new = reviews(rng, rows - len(train), rated=False)
    cut = round(rows * 0.60)
    lines = _lines(train[:cut])
    lines.insert(len(lines) // 2, BROKEN_LINE)
    return [
        _write(folder / "train/reviews-1.jsonl.gz", _gzip("\n".join(lines) + "\n")),
        _write(folder / "train/reviews-2.csv", _csv(train[cut:]).encode()),
        _write(folder / "inference/new-reviews.jsonl", ("\n".join(_lines(new)) + "\n").encode()),
    ]


def write_more(folder: Path, rows: int, seed: int) -> Path:
    """Write one further file of reviews to predict for under `folder`; its path. Another seed gives other reviews."""
    new = reviews(Random(f"more {seed}"), rows, rated=False)
    return _write(folder / f"inference/new-reviews-{seed}.jsonl", ("\n".join(_lines(new)) + "\n").encode())


def reviews(rng: Random, count: int, *, rated: bool = True) -> list[Row]:
    """`count` rows in no order, doubled and re-posted ones among them; without the key `rating` where not rated."""
    catalogue = _catalogue()
    rows: list[Row] = []
    while len(rows) < count:
        product, stars = _drawn(rng, catalogue)
        day = _FIRST_DAY + timedelta(days=int(rng.random() * _DAYS))
        row = _review(rng, product, stars, day, rated=rated)
        rows.append(row)
        if happens(rng, "doubled"):
            rows.append(dict(row))
        if happens(rng, "reposted"):
            later = day + timedelta(days=1 + int(rng.random() * 90))
            rows.append({**_review(rng, product, stars, later, rated=rated), "review_id": row["review_id"]})
    del rows[count:]
    rng.shuffle(rows)
    return rows


def _review(rng: Random, product: Product, stars: int, day: date, *, rated: bool) -> Row:
    row: Row = {
        "review_id": f"R{rng.getrandbits(52):013X}",
        "product": f"{product.brand} {product.subject.thing}",
        "category": product.subject.category,
        "price": f"{product.price:.2f}",
        "rating": rating(rng, stars) if rated else None,
        "date": f"{_MONTHS[day.month - 1]} {day.day}, {day.year}",
        "title": title(rng, product.subject, stars),
        "body": body(rng, product.subject, stars),
    }
    if not rated:
        del row["rating"]
    return spoil(rng, row, product.subject, stars)


def _drawn(rng: Random, catalogue: list[Product]) -> tuple[Product, int]:
    """A product, and stars that lean towards its quality."""
    product = catalogue[int(rng.random() * len(catalogue))]
    weights = [share * math.exp(product.quality * (stars - 3)) for stars, share in _STARS.items()]
    return product, rng.choices(list(_STARS), weights)[0]


def _catalogue() -> list[Product]:
    """The same products for every seed: ten of each category, the cheapest of them the worst."""
    rng = Random("catalogue")
    products = []
    for place, (category, grammar) in enumerate(CATEGORIES.items()):
        liked = (place % 3 - 1) * 0.3
        for step, brand in enumerate(_BRANDS):
            price = math.floor(6 + 4 * 1.45**step * (1 + rng.random())) + 0.99
            quality = liked + (-0.8 if step < 3 else 0.4) + rng.uniform(-0.1, 0.1)
            products.append(Product(brand, Subject(category, pick(rng, grammar["thing"])), price, quality))
    return products


def _lines(rows: list[Row]) -> list[str]:
    return [json.dumps(row, ensure_ascii=False) for row in rows]


def _csv(rows: list[Row]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, EXTRA_COLUMN])
    cells = [[*(row[c] for c in COLUMNS), zlib.crc32((row["review_id"] or "").encode()) % 40] for row in rows]
    overfull = ["ROVERFULL", *cells[0][1:], "one", "field", "too", "many"]
    writer.writerows([*cells[: len(cells) // 2], overfull, *cells[len(cells) // 2 :]])
    return out.getvalue()


def _gzip(text: str) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=6, mtime=0) as packed:
        packed.write(text.encode())
    return out.getvalue()


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
