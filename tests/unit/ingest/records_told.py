"""Records whose fields are split, as the tests compare them."""

from __future__ import annotations

from lakehouse_nlp.ingest.records import Records

Row = tuple[int, list[str] | str, str | None]


def told(block: Records) -> list[Row]:
    """(line, fields or text, fault) of every record."""
    assert block.cells is not None
    fields = zip(*(column.to_pylist() for column in block.cells.columns), strict=True)
    return [
        (int(line), text if place in block.faults else list(cells), block.faults.get(place))
        for place, (line, text, cells) in enumerate(zip(block.lines, block.text.to_pylist(), fields, strict=True))
    ]
