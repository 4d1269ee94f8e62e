"""In which language a text is, as Column expressions: by the share of stop words, or by the script of its letters."""

from __future__ import annotations

from functools import lru_cache, reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse_nlp.core.settings.checks import Language
from lakehouse_nlp.core.settings.languages import SCRIPTS

WORD = r"[\p{L}\p{M}'’]+"


def spoken(text: Column, check: Language) -> Column:
    """Whether the text is in one of the check's languages, or too short to tell; null for null."""
    told = [
        _script(text, SCRIPTS[name]) if name in SCRIPTS else _stop_words(text, name, check.min_share)
        for name in check.languages
    ]
    return reduce(or_, told, _letters(text, r"\p{L}") < check.min_letters)


def _stop_words(text: Column, language: str, share: float) -> Column:
    words = F.regexp_extract_all(F.lower(text), F.lit(WORD), F.lit(0))
    stops = F.filter(words, lambda word: word.isin(*_list(language)))
    return F.size(stops) >= share * F.size(words)


def _script(text: Column, scripts: tuple[str, ...]) -> Column:
    own = "".join(rf"\p{{Is{script}}}" for script in scripts)
    return _letters(text, own) * 2 >= _letters(text, r"\p{L}")


def _letters(text: Column, kinds: str) -> Column:
    return F.length(F.regexp_replace(text, f"[^{kinds}]+", ""))


@lru_cache
def _list(language: str) -> tuple[str, ...]:
    from pyspark.ml.feature import StopWordsRemover

    return tuple(StopWordsRemover.loadDefaultStopWords(language))
