"""Small words for messages: what was probably meant, and values as they read in YAML."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like this one, letter case aside; None if nothing is near."""
    by_fold = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), by_fold, n=1)
    return by_fold[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'seed'?`, or nothing."""
    found = nearest(word, known)
    return f"; did you mean {found!r}?" if found else ""


def listed(names: Iterable[str]) -> str:
    """Names for a message, in order: `'a', 'b'`, or `none`."""
    return ", ".join(map(repr, names)) or "none"


def shown(value: Any, width: int = 60) -> str:
    """A value for a message: text in quotes, the rest as JSON, cut at `width` characters."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= width else text[: width - 3] + "..."
