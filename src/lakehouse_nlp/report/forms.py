"""Numbers, times and texts as people read them; Jinja's filters of the same names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

NOTHING = "–"
SIZES = ("B", "kB", "MB", "GB", "TB")
# Control characters, and those that turn the direction of what follows: shown, so that no text can hide in another.
_FIGURE = re.compile(r"-|-?[\d.,]+( ?%)?|-?[\d.,]+ to -?[\d.,]+")
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def number(value: float | None, digits: int = 4) -> str:
    """`1,234`, `0.9431`, or a dash for None."""
    if value is None:
        return NOTHING
    return f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"


def compact(value: float) -> str:
    """A number in few letters, for axes and narrow places: `950`, `24.0k`, `1.2M`, `0.043`, `2e-05`."""
    size = abs(value)
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= unit:
            return f"{value / (1e3 if name == 'k' else unit):.3g}{name}"
    if size and size < 1e-3:
        return f"{value:.1g}"
    return f"{value:.3g}" if size < 1000 else f"{value:,.0f}"


def share(value: float | None) -> str:
    """`0.6 %`; what is not nothing is never shown as 0."""
    if value is None:
        return NOTHING
    percent = 100 * value
    if not percent:
        return "0 %"
    if 0 < percent < 0.01:
        return "< 0.01 %"
    return f"{percent:.2f} %" if 0 < percent < 1 else f"{percent:.1f} %"


def span(seconds: float | None) -> str:
    """`0.4 s`, `26.8 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds is None:
        return NOTHING
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60:02} min"


def size(value: float | None) -> str:
    """`1.2 GB`, of 10^9 bytes."""
    if value is None:
        return NOTHING
    for name in SIZES:
        if value < 1000 or name == SIZES[-1]:
            break
        value /= 1000
    return f"{value:.0f} {name}" if name == "B" or value >= 100 else f"{value:.1f} {name}"


def money(value: float | None, currency: str) -> str:
    """`EUR 0.14`; of less than a cent two digits that count."""
    if value is None:
        return NOTHING
    return f"{currency} {value:,.2f}" if value >= 0.01 or not value else f"{currency} {value:.2g}"


def moment(at: datetime | None) -> str:
    """`21 Nov 2026, 19:45:04`."""
    return f"{at.day} {at:%b %Y, %H:%M:%S}" if at else NOTHING


def figures(rows: Sequence[Sequence[str]]) -> list[bool]:
    """Whether each column of a table, whose first line is its header, has nothing but figures under it."""
    return [all(map(_FIGURE.fullmatch, column[1:])) for column in zip(*rows, strict=True)]


def plain(text: str | None) -> str:
    """The text with what it hides made visible, as `⟨U+202E⟩`."""
    return _HIDDEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text or "")
