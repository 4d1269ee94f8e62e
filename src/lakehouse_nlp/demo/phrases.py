"""Titles and bodies of sample reviews, built from aspects and opinions in the mood of their rating.

The mood sets how likely an opinion is praise: never certain, so that no word alone tells the rating. Negation
("not good", "no problems") and contrast ("my old one was bad, but this one is good") put the same words on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import NamedTuple

from lakehouse_nlp.demo.words import CATEGORIES, FOREIGN, Grammar

# How likely an opinion in a review of this many stars is praise.
PRAISE = {1: 0.06, 2: 0.18, 3: 0.50, 4: 0.83, 5: 0.94}
FACTS, MIXED = 0.36, 0.12  # shares of sentences without an opinion, and with two
ENDINGS = 0.40  # share of reviews with a last word


class Subject(NamedTuple):
    """What a review is about: a category of `words.CATEGORIES`, and the thing's name in running text."""

    category: str
    thing: str


_AN = re.compile(r"\b([Aa]) (?=[aei]|o(?!n[ec])|u(?!s|ni))")


def body(rng: Random, subject: Subject, stars: int, sentences: int | None = None) -> str:
    """A review of `stars` (1-5) in as many sentences as asked for; by default 3-19, of about 9 words each."""
    grammar = _grammar(subject)
    count = sentences or 3 + min(16, int(rng.expovariate(0.2)))
    said = list(dict.fromkeys(_sentence(rng, grammar, stars) for _ in range(count)))
    if rng.random() < ENDINGS:
        said.append(_expand(rng, grammar, f"{_mood(rng, stars)}_end"))
    return _AN.sub(r"\1n ", " ".join(map(_capital, said)))


def title(rng: Random, subject: Subject, stars: int) -> str:
    """A title in the mood of the stars; one in three says nothing about it."""
    mood = "mixed" if stars == 3 or rng.random() < 0.35 else _mood(rng, stars)
    return _capital(_expand(rng, _grammar(subject), f"{mood}_title"))


def foreign(rng: Random, stars: int) -> str:
    """A short review in Spanish, French or German."""
    return " ".join(rng.sample(FOREIGN[_mood(rng, stars)], 2))


def pick(rng: Random, options: Sequence[str]) -> str:
    """One of the options; the same one for the same seed under every Python."""
    return options[int(rng.random() * len(options))]


def _grammar(subject: Subject) -> Grammar:
    return {**CATEGORIES[subject.category], "thing": (subject.thing,)}


def _mood(rng: Random, stars: int) -> str:
    return "praise" if rng.random() < PRAISE[stars] else "blame"


def _sentence(rng: Random, grammar: Grammar, stars: int) -> str:
    kind = rng.random()
    symbol = "fact" if kind < FACTS else "mixed" if kind < FACTS + MIXED else _mood(rng, stars)
    return _expand(rng, grammar, symbol)


def _expand(rng: Random, grammar: Grammar, symbol: str) -> str:
    parts = _parts(pick(rng, grammar[symbol]))
    return "".join(_expand(rng, grammar, part) if slot % 2 else part for slot, part in enumerate(parts))


@cache
def _parts(template: str) -> list[str]:
    """Text and symbols by turns, text first."""
    return re.split(r"\{(\w+)\}", template)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
