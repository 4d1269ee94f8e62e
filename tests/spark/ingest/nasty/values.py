"""Cell texts that other programs take for something else, or cannot bear: all of them come back as they are."""

from __future__ import annotations

import json

from nasty.case import Case

TEXTS: dict[str, tuple[str, ...]] = {
    "like_nulls": ("NULL", "null", "None", "nil", "NaN", "N/A", "\\N", "-", "undefined", "(empty)"),
    "like_numbers": ("007", "1e5", "1.10", "0x1F", "1_000", "1,5", "٣", "½", "Infinity", "-0", "+1", "١٢٣", "1e400"),
    "long_numbers": ("123456789012345678", "12345678901234567890", "0.1000000000000000055511151231257827", "9" * 400),
    "like_booleans_and_dates": ("true", "FALSE", "yes", "0", "2024-02-30", "1.2.2024", "00:00", "1900-01-00"),
    "like_formulas": ("=1+1", "+SUM(A1)", "-2+3", "@cell", "=HYPERLINK(\"x\")", "'5"),
    "like_code": ("'; DROP TABLE x; --", "<script>alert(1)</script>", "${jndi:x}", "{{7*7}}", "%s%d%n", "$(ls)",
                  "`id`", "../../etc", "&lt;b&gt;", "<!-- -->", "]]>", "\\u0041", "\\x00"),
    "scripts": ("Größe", "žluťoučký kůň", "Привет, мир", "Γειά σου", "שלום עולם", "مرحبا بالعالم", "नमस्ते",
                "日本語テキスト", "한국어", "ไทย", "Tiếng Việt"),
    "beyond_the_first_plane": ("😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "𠜎𠜱", "\U0010ffff"),
    "joined_and_split": ("e\u0301", "\u00e9", "Z̷̡a̴l̶g̸o̵", "ﬁ", "ﷺ", "ǅ", "ı İ ß ſ", "\u0301alone"),
    "unseen": ("a\u200bb", "a\u200db", "a\u00adb", "\u202eright to left", "\u2066x\u2069", "\ufeffmark", "a\u00a0b",
               "\u3000wide", "\u180e", "\u2060"),
    "no_characters": ("\ufffd", "\ufffe", "\uffff", "\ufdd0", "\U0001fffe", "\ue000", "\U000f0000"),
    "control": ("\x01", "a\x07b", "\x1b[31mred\x1b[0m", "\x7f", "\x08\x08", "\x1a", "\x80", "\x9f", "a\x1fb"),
    "long": ("x" * 40_000, "ä" * 40_000, "😀" * 20_000, " " * 10_000 + ".", "word " * 9_999 + "word"),
}  # fmt: skip


def _delimited(name: str, texts: tuple[str, ...]) -> Case:
    lines = "".join(f'{n},"{text}"\n' for n, text in enumerate((text.replace('"', '""') for text in texts), 1))
    rows = tuple((n + 1, str(n), text) for n, text in enumerate(texts, 1))
    return Case(f"text_{name}_csv", f"{name}.csv", b"id,title\n" + lines.encode(), rows=rows)


def _lines(name: str, texts: tuple[str, ...]) -> Case:
    """Half of the rows with every character as it is, half as escapes where there can be."""
    lines = [json.dumps({"id": str(n), "title": text}, ensure_ascii=n % 2 == 0) for n, text in enumerate(texts, 1)]
    rows = tuple((n, str(n), text) for n, text in enumerate(texts, 1))
    return Case(f"text_{name}_jsonl", f"{name}.jsonl", "".join(line + "\n" for line in lines).encode(), rows=rows)


CASES = tuple(case for name, texts in TEXTS.items() for case in (_delimited(name, texts), _lines(name, texts)))
