"""What personal data looks like in text: for each kind the candidates, as a Java pattern, and which of them count.

The patterns would rather miss a bare run of digits than mask order numbers, dates, ISBNs, prices and times; a word such
as `call` or `tel.` before the digits settles it. `docs/quarantine.md` says what is found, and what is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

_SEP = r"[\h.\p{Pd}]"  # blank, point, or any dash
# Each pattern first looks at the character itself, because looking behind every one costs most.
# A text begins, or no letter or digit stands before; in JSON, the letter of an escaped line break is none.
_EDGE = r"(?:(?<![\p{L}\p{N}_\\])|(?<=\\[nrtbf]))"
_END = r"(?![\p{L}\p{N}_])(?![.,:/\p{Pd}]\p{N})"

EMAIL = (
    r"(?:(?<![\p{L}\p{N}._%+\\-])|(?<=\\[nrtbf]))"
    r"[\p{L}\p{N}_][\p{L}\p{N}._%+'-]*+@(?:[\p{L}\p{N}][\p{L}\p{N}-]*+\.)+(?:\p{L}{2,}|xn--\w+)"
)

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_V4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_HEX = "[0-9A-Fa-f]{1,4}"
_VERSION = r"(?<!(?i:\b(?:version|ver\.?|v\.|firmware|release|build|rev\.?|section|chapter|update) {1,2}))"
_V6 = rf"(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}(?:{_V4}|[0-9A-Fa-f]{{0,4}})"
IP = rf"(?=[0-9A-Fa-f]{{0,4}}[:.]){_EDGE}(?<![:.]){_VERSION}(?:{_V6}|{_V4})(?![\p{{L}}\p{{N}}_:]|[.\p{{Pd}}]\p{{N}})"
# Four octets; eight groups; fewer about one `::`, with a digit among them. Times and MAC addresses are none of these.
_HEAD, _TAIL = rf"(?:{_HEX}(?::{_HEX}){{0,6}})?", rf"(?:(?:{_HEX}:){{0,6}}(?:{_HEX}|{_V4}))?"
IS_IP = rf"^(?:{_V4}|(?:{_HEX}:){{7}}{_HEX}|(?=.*\d){_HEAD}::{_TAIL})$"

# 16 to 19 digits of the big issuers, 15 of American Express, 14 of Diners Club (ISO/IEC 7812).
CARD = (
    rf"(?=\d)(?<!\p{{N}})(?<!\p{{N}}[.,\p{{Pd}}])(?:(?:4\d|5[0-8]|6\d|35|2[2-7])\d{{2}}(?:{_SEP}?\d{{4}}){{3}}(?:{_SEP}?\d{{1,3}})?"
    rf"|3[47]\d{{2}}{_SEP}?\d{{6}}{_SEP}?\d{{5}}|3(?:0[0-5]|[689]\d)\d{_SEP}?\d{{6}}{_SEP}?\d{{4}})"
    r"(?![\p{L}\p{N}_]|[.\p{Pd}]\p{N})"
)

_FILLER = r"(?: (?:me|us|number|no|at|is|on|nr))?"  # twice by name, for Java takes no repeated group before a match
_SAYS = (
    r"(?i:\b(?:tel|telephone|phone|mobile|cell|call|fax|whatsapp|telefon|handy|tél|telefono|teléfono|móvil)"
    rf"{_FILLER}{_FILLER}[.:#]{{0,2}} {{0,2}})"
)
_ANY = r"[\h./()\p{Pd}]"
_PHONES = (
    rf"(?<={_SAYS})\(?\d(?:{_ANY}{{0,2}}\d){{6,14}}",  # whatever stands behind `tel.`
    rf"\+[1-9](?:{_ANY}{{0,3}}\d){{6,14}}",  # +49 (0)30 123456
    rf"00[1-9]\d{{0,2}}[\h./\p{{Pd}}](?:{_ANY}{{0,2}}\d){{6,12}}",  # 0049 30 123456
    rf"(?:1{_SEP}?)?(?:\([2-9]\d{{2}}\)\h?|[2-9]\d{{2}}{_SEP})[2-9]\d{{2}}{_SEP}\d{{4}}",  # 1-555-234-5678
    r"(?:[178]\h?)?\(\d{2,5}\)\h?\d{2,5}(?:[\h\p{Pd}]?\d{2,5}){1,3}",  # (11) 91234-5678, 8 (495) 123-45-67
    r"0[1-9]\d{0,4}\h?/\h?\d{2,8}(?:[\h\p{Pd}]\d{2,4}){0,3}",  # 030/123456
    rf"0[1-9]\d{{0,4}}({_SEP})\d{{2,8}}(?:\1\d{{2,4}}){{0,3}}",  # 020 7946 0958, 01.23.45.67.89
    r"1[3-9]\d[\h\p{Pd}]\d{4}[\h\p{Pd}]\d{4}",  # 138 0013 8000
)
PHONE = rf"(?=[+(\d]){_EDGE}(?<!\p{{N}}[.,:/\p{{Pd}}])(?:{'|'.join(_PHONES)}){_END}"
_DATE = rf"^(?:\d{{4}}({_SEP}|/)\d{{1,2}}\1\d{{1,2}}|\d{{1,2}}({_SEP}|/)\d{{1,2}}\2\d{{4}})(?!\d)"


@dataclass(frozen=True)
class Kind:
    """A kind of personal data: `hint`, what is cheap to ask and true of every text that holds it.

    `pattern`: the candidates; `accept`: candidate -> whether it counts.
    """

    name: str
    hint: Callable[[Column], Column]
    pattern: str
    accept: Callable[[Column], Column]


def luhn(digits: Column) -> Column:
    """Whether a run of digits ends in the check digit of ISO/IEC 7812 (Luhn)."""
    places = F.split(F.reverse(digits), "")

    def weighed(digit: Column, place: Column) -> Column:
        value = digit.cast("int") * (F.lit(1) + place % 2)
        return F.when(value > 9, value - 9).otherwise(value)

    return F.aggregate(F.transform(places, weighed), F.lit(0), lambda total, value: total + value) % 10 == 0


def _digits(text: Column) -> Column:
    return F.regexp_replace(text, r"\D", "")


def _is_phone(text: Column) -> Column:
    """At most 15 digits (ITU-T E.164), and no date; national notations have 9 of them, others 7."""
    enough = F.when(text.rlike(r"^[0(]"), 9).otherwise(7)
    return F.length(_digits(text)).between(enough, 15) & ~text.rlike(_DATE)


# In this order: an address may hold digits, and a card's digits may look like a telephone number's.
KINDS = (
    Kind("email", lambda text: text.contains("@"), EMAIL, lambda _: F.lit(True)),
    Kind("ip", lambda text: text.rlike(r"\d\.\d{1,3}\.\d|:[0-9A-Fa-f]{0,4}:"), IP, lambda text: text.rlike(IS_IP)),
    Kind("card", lambda text: text.rlike(rf"\d(?:{_SEP}?\d){{13}}"), CARD, lambda text: luhn(_digits(text))),
    Kind("phone", lambda text: text.rlike(r"\d(?:\D{0,3}\d){6}"), PHONE, _is_phone),
)
