"""A model's card as data: what `train` files beside the model, and what a report shows without asking the registry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

# Its name in the folder `card` of the model's MLflow run, beside card.md and card.html.
CARD = "card.json"


@dataclass(frozen=True)
class Section:
    """A part of the card: sentences, a table (its first line the header), pictures by file name."""

    title: str
    says: Sequence[str] = ()
    table: Sequence[Sequence[str]] = ()
    pictures: Sequence[str] = ()


def as_json(parts: Sequence[Section]) -> str:
    """The card as JSON, for `from_json`."""
    return json.dumps([asdict(part) for part in parts], indent=2, ensure_ascii=False) + "\n"


def from_json(text: str) -> list[Section]:
    """The sections of a card that `as_json` wrote."""
    return [Section(**part) for part in json.loads(text)]
