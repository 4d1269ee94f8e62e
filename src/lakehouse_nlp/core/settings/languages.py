"""The languages that can be told: by their stop words, or by a script that is theirs."""

from __future__ import annotations

# The lists that Spark NLP's StopWordsCleaner.loadDefaultStopWords finds in Spark ML's jar.
STOP_WORD_LANGUAGES = (
    *("danish", "dutch", "english", "finnish", "french", "german", "hungarian", "italian", "norwegian", "portuguese"),
    *("russian", "spanish", "swedish", "turkish"),
)

# Language -> Unicode scripts, as Java's regular expressions name them.
SCRIPTS = {
    "arabic": ("Arabic",),
    "chinese": ("Han",),
    "greek": ("Greek",),
    "hebrew": ("Hebrew",),
    "hindi": ("Devanagari",),
    "japanese": ("Hiragana", "Katakana", "Han"),
    "korean": ("Hangul",),
    "thai": ("Thai",),
}
LANGUAGES = (*STOP_WORD_LANGUAGES, *SCRIPTS)
