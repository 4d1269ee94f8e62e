"""The mess of real review files, and how much of it: what each stage of the demo has to cope with."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from random import Random

from lakehouse_nlp.demo.phrases import Subject, body, foreign, pick

Row = dict[str, str | None]

# Share of all rows that carry each kind. What has to do with ratings is found in training files only.
RATES = {
    "html": 0.08,  # <br />, <b>..</b>, <p>..</p>
    "entities": 0.06,  # &amp; &quot; &#39; &eacute;
    "emoji": 0.05,
    "combining": 0.02,  # letters followed by combining marks (NFD)
    "control": 0.01,
    "whitespace": 0.05,  # runs of blanks, tabs and newlines
    "quotes": 0.05,  # doubled in CSV
    "paragraphs": 0.08,  # newlines, inside quotes in CSV
    "foreign": 0.01,  # Spanish, French, German
    "long": 0.002,  # over 1,000 words
    "empty_body": 0.008,  # "" or null
    "empty_title": 0.01,
    "empty_price": 0.05,
    "doubled": 0.010,  # the same row again
    "reposted": 0.010,  # the same id with a later date and another text
    "missing_rating": 0.005,
    "rating_out_of_range": 0.002,  # "11"
    "rating_no_number": 0.002,  # "five"
    "wrong_rating": 0.015,  # 1 for 5 and so on: noise that no model can learn
}
BROKEN_LINE = '{"review_id": "RBROKEN", "product": "Alder kettle", "category": "kitchen", "price": "24.9'

_ACCENTED = ("A cliché, but true.", "My fiancée agrees.", "Bought it next to the café.", "It fits our décor.")
_WORDS = ("zero", "one", "two", "three", "four", "five")


def happens(rng: Random, kind: str) -> bool:
    """Whether a row carries this kind of mess."""
    return rng.random() < RATES[kind]


def spoil(rng: Random, row: Row, subject: Subject, stars: int) -> Row:
    """The row with the mess that falls on it; its text was written about `subject`, for that many stars."""
    text = row["body"] or ""
    if happens(rng, "foreign"):
        text = foreign(rng, stars)
    if happens(rng, "long"):
        text = body(rng, subject, stars, sentences=180)
    for kind, change in _TEXT.items():
        if happens(rng, kind):
            text = change(rng, text)
    row["body"] = text
    if happens(rng, "empty_body"):
        row["body"] = "" if rng.random() < 0.5 else None
    for column in ("title", "price"):
        if happens(rng, f"empty_{column}"):
            row[column] = ""
    return row


def rating(rng: Random, stars: int) -> str | None:
    """The stars as the files have them."""
    if happens(rng, "missing_rating"):
        return None
    if happens(rng, "rating_out_of_range"):
        return "11"
    if happens(rng, "rating_no_number"):
        return _WORDS[stars]
    return str(6 - stars if happens(rng, "wrong_rating") else stars)


def _tags(rng: Random, text: str) -> str:
    word = re.escape(max(text.split(), key=len))
    return pick(
        rng,
        (
            re.sub(r"([.!?]) ", r"\1<br /><br />", text, count=3) + "<br />",
            re.sub(word, lambda found: f"<b>{found[0]}</b>", text, count=1),
            f"<p>{text}</p>",
        ),
    )


def _entities(rng: Random, text: str) -> str:
    text = f"{text} It&#39;s &quot;as described&quot; &amp; on time."
    return text.replace("é", "&eacute;").replace(" and ", " &amp; ")


def _combining(rng: Random, text: str) -> str:
    return unicodedata.normalize("NFD", f"{text} {pick(rng, _ACCENTED)}")


def _emoji(rng: Random, text: str) -> str:
    return f"{text} {pick(rng, ('👍', '😀', '❤️', '🎉', '😡', '👎', '😞', '🤷🏽', '👨‍👩‍👧'))}"


def _insert(rng: Random, text: str, inserted: str) -> str:
    at = int(rng.random() * (len(text) + 1))
    return text[:at] + inserted + text[at:]


def _control(rng: Random, text: str) -> str:
    return _insert(rng, text, pick(rng, ("\x07", "\x08", "\x1b", "\x7f")))


def _whitespace(rng: Random, text: str) -> str:
    blanks = pick(rng, ("  ", "   ", " \t"))
    return "  " + text.replace(" ", blanks, 3) + " \t"


def _quotes(rng: Random, text: str) -> str:
    return f'The page says "{pick(rng, ("best in class", "as good as new", "made to last"))}". {text}'


def _paragraphs(rng: Random, text: str) -> str:
    return text.replace(". ", ".\n\n") + "\n"


_TEXT: dict[str, Callable[[Random, str], str]] = {
    "quotes": _quotes,
    "entities": _entities,
    "combining": _combining,
    "emoji": _emoji,
    "paragraphs": _paragraphs,
    "html": _tags,
    "control": _control,
    "whitespace": _whitespace,
}
