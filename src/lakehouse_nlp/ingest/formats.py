"""What a file is, told by its content: columnar formats by their magic bytes, text by the look of its bytes."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from lakehouse_nlp.ingest.faults import Fault

COLUMNAR = {b"PAR1": "parquet", b"ORC": "orc", b"Obj\x01": "avro"}
WANTED = "CSV, TSV, JSON, JSON lines, Parquet, ORC or Avro, plain or as .gz, .bz2, .zst or .zip"
OTHER = {
    b"PARE": "a Parquet file with an encrypted footer",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"\xd0\xcf\x11\xe0": "an old office document",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"SQLite format 3": "an SQLite database",
    b"\x7fELF": "a program",
    b"Salted__": "an encrypted file (OpenSSL)",
    b"-----BEGIN PGP": "an encrypted file (PGP)",
    b"age-encryption.org": "an encrypted file (age)",
}
CONTROLS = re.compile(rb"[\x01-\x08\x0e-\x1f\x7f]")
UNLIKELY = 0.3  # of UTF-8
BINARY = 0.05  # of the bytes: text has hardly any control characters, a tenth of random bytes are some


def told(head: bytes) -> str:
    """parquet, orc, avro or text, by the first bytes of the unpacked file. Raises Fault for what no reader is for."""
    for magic, kind in COLUMNAR.items():
        if head.startswith(magic) and (CONTROLS.search(head) or head == magic):  # text may begin so too: ORCID,title
            return kind
    for magic, what in OTHER.items():
        if head.startswith(magic):
            raise Fault("readable" if "encrypted" in what else "format", what, WANTED)
    if head[257:262] == b"ustar":
        raise Fault("format", "a tar archive", "its files, one by one")
    return "text"


def refuse_binary(text: bytes) -> None:
    """Raises Fault if the bytes, of a code page or UTF-8, are those of no text."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(text)  # chance does not make UTF-8
        controls, most = len(CONTROLS.findall(text)) + text.count(0), UNLIKELY * len(text)
    except UnicodeDecodeError:
        controls, most = len(CONTROLS.findall(text)), BINARY * len(text)
    if controls > most and controls > 2:
        raise Fault("format", f"{controls / len(text):.0%} control characters: no text", WANTED)


def delimiter_of(path: Path) -> str | None:
    """The delimiter that a name promises: a tab for .tsv and .tab."""
    endings = {suffix.lower() for suffix in path.suffixes[-2:]}
    return "\t" if endings & {".tsv", ".tab"} else None
