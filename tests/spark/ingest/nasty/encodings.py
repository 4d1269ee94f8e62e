"""Text in every encoding that is met: marked, unmarked, of one byte, set, and broken in the middle."""

from __future__ import annotations

import codecs
import gzip

from nasty.case import Case

WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
MARKS = {
    "utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE, "utf-32-be": codecs.BOM_UTF32_BE,
}  # fmt: skip
TEXT = 'Größe 5 µm, "naïve" 😀\nжизнь 日本'

# Ordinary sentences, enough of them for a code page to be told by its letters.
GERMAN = (
    "Die Größe der Tür war für das Gebäude völlig ungenügend.", "Schöne Grüße aus München und Köln, bis übermorgen!",
    "Äpfel, Öl und Übermut: so früh müssen wir täglich aufstehen.", "Das Mädchen lächelte höflich über die Straße.",
    "Natürlich können wir später zurückkehren und die Schlüssel abgeben.",
)  # fmt: skip
FRENCH = (
    "L’été dernier, le château était fermé à cause des élèves.", "Ça coûte 5 € — très cher pour un café crème…",
    "Où êtes-vous allés après la fête ? À l’hôtel, bien sûr.", "Le garçon a mangé des œufs « à la coque » près du lac.",
)  # fmt: skip
POLISH = (
    "Zażółć gęślą jaźń, powiedział święty mąż w łódce.", "Książka leży na półce, a źródło jest w ogródku.",
    "Proszę przynieść mi więcej świeżej żywności na środę.", "Wczoraj wieczorem spotkaliśmy się z dziećmi u cioci.",
)  # fmt: skip
RUSSIAN = (
    "Съешь же ещё этих мягких французских булок, да выпей чаю.", "Вчера вечером мы долго гуляли по набережной реки.",
    "Книга лежит на столе, а ручка упала под кресло.", "Хороший товар, быстрая доставка, всем советую эту покупку.",
)  # fmt: skip


def _rows(texts: tuple[str, ...]) -> tuple[tuple[int, str, str], ...]:
    return tuple((n + 2, str(n), text) for n, text in enumerate(texts))


def _csv(texts: tuple[str, ...], encoding: str) -> bytes:
    lines = ['{},"{}"\n'.format(n, text.replace('"', '""')) for n, text in enumerate(texts)]
    return ("id,title\n" + "".join(lines)).encode(encoding)


def _wide(encoding: str, marked: bool) -> tuple[Case, ...]:
    name = f"{encoding}{'_marked' if marked else ''}".replace("-", "_")
    mark = MARKS[encoding] if marked else b""
    return (
        Case(f"{name}_csv", f"{name}.csv", mark + _csv((TEXT, name), encoding),
             rows=((2, "0", TEXT), (4, "1", name)), told={"encoding": encoding}),
        Case(f"{name}_jsonl", f"{name}.jsonl",
             mark + f'{{"id": "1", "title": "zäh 😀"}}\n{{"id": "2", "title": "{name}"}}\n'.encode(encoding),
             rows=((1, "1", "zäh 😀"), (2, "2", name)), told={"encoding": encoding}),
    )  # fmt: skip


UNICODE = tuple(case for name in MARKS for case in _wide(name, True)) + tuple(
    case for name in ("utf-8", *WIDE) for case in _wide(name, False)
)

PAGES = tuple(
    Case(f"page_{name}", f"{name}.csv", _csv(texts, page), rows=_rows(texts), told={"encoding": likely})
    for name, texts, page, likely in (
        ("latin_1", GERMAN, "latin-1", ("iso8859-1", "cp1252", "cp1250")),
        ("windows_1252", FRENCH, "cp1252", ("cp1252",)),
        ("windows_1250", POLISH, "cp1250", ("cp1250",)),
        ("windows_1251", RUSSIAN, "cp1251", ("cp1251",)),
    )
)

SET = (
    Case("set_windows_1252", "a.csv", b"id,title\n1,\x80 5 \x96 caf\xe9\n", rows=((2, "1", "€ 5 – café"),),
         settings={"encoding": "windows-1252"}, told={"encoding": "cp1252"}),
    Case("set_windows_1252_jsonl", "a.jsonl", b'{"id": "2", "title": "\x80 caf\xe9"}\n', rows=((1, "2", "€ café"),),
         settings={"encoding": "windows-1252"}, told={"encoding": "cp1252"}),
    Case("set_utf_8_and_is", "a.csv", "id,title\n1,café\n".encode(), rows=((2, "1", "café"),),
         settings={"encoding": "UTF-8"}, told={"encoding": "utf-8"}),
    Case("set_utf_8_and_marked", "a.csv", "\ufeffid,title\n1,naïve\n".encode(), rows=((2, "1", "naïve"),),
         settings={"encoding": "UTF-8"}),
    Case("set_utf_8_and_is_not", "a.csv", b"id,title\n1,a\n2,caf\xe9\n", refused=("readable", "", 3),
         settings={"encoding": "UTF-8"}),
    Case("set_utf_8_and_is_not_jsonl", "a.jsonl", b'{"id": "1", "title": "caf\xe9"}\n', refused=("readable", "", 1),
         settings={"encoding": "UTF-8"}),
    Case("set_utf_8_and_packed_is_not", "a.csv.gz", gzip.compress(b"id,title\n1,\xff\n"), refused=("readable", "", 2),
         settings={"encoding": "UTF-8"}),
    Case("set_utf_16", "a.csv", "id,title\n1,wide\n".encode("utf-16"), rows=((2, "1", "wide"),),
         settings={"encoding": "UTF-16"}),
)  # fmt: skip

PACKED = (
    Case("utf_16_in_gzip", "a.csv.gz", gzip.compress("id\ttitle\r\n1,5\tzwölf\r\n".encode("utf-16")),
         rows=((2, "1,5", "zwölf"),), told={"encoding": ("utf-16-le", "utf-16")}),
    Case("utf_8_marked_and_quoted", "a.csv", b'\xef\xbb\xbf"id","title"\r\n"1","marked"\r\n',
         rows=((2, "1", "marked"),), told={"encoding": "utf-8"}),
    Case("mark_in_the_middle", "a.csv", "id,title\n1,\ufeffa\n\ufeff2,b\n".encode(),
         rows=((2, "1", "\ufeffa"), (3, "\ufeff2", "b"))),
)  # fmt: skip


def _broken(name: str, cell: bytes, escaped: str) -> Case:
    """Forty rows of good UTF-8, and in the middle one with bytes that are none."""
    good = [f"{n},Größe {n} – žluť 日本 {name}" for n in range(40)]
    lines = [line.encode() for line in good]
    lines[20] = b"20," + cell
    rows = tuple((n + 2, str(n), line.partition(",")[2]) for n, line in enumerate(good) if n != 20)
    return Case(f"broken_{name}", f"{name}.csv", b"id,title\n" + b"\n".join(lines) + b"\n", rows=rows,
                aside=((22, f"20,{escaped}", r"\S"),), told={"encoding": "utf-8"})  # fmt: skip


BROKEN = (
    _broken("latin_1_byte", b"caf\xe9 au lait", "caf\\xe9 au lait"),
    _broken("cut_sequence", b"ab\xe6\x97", "ab\\xe6\\x97"),
    _broken("lone_continuation", b"a\x80b", "a\\x80b"),
    _broken("overlong_slash", b"a\xc0\xafb", "a\\xc0\\xafb"),
    _broken("surrogate", b"a\xed\xa0\x80b", "a\\xed\\xa0\\x80b"),
    _broken("beyond_unicode", b"a\xf5\x80\x80\x80b", "a\\xf5\\x80\\x80\\x80b"),
    _broken("never_a_byte", b"\xfe\xff", "\\xfe\\xff"),
)

CASES = (*UNICODE, *PAGES, *SET, *PACKED, *BROKEN)
