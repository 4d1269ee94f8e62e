"""Changes of columns, written down in `ops.schema_changes`: once a change, however many files and runs meet it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lakehouse_nlp.core.tables.tables import Tables

Kind = Literal["added", "rescued", "dropped", "missing", "refused", "type_changed"]
TABLE = "ops.schema_changes"
LAST = f"""
SELECT table_name, column_name, change, type, found FROM {TABLE} WHERE project = ?
QUALIFY row_number() OVER (PARTITION BY table_name, column_name ORDER BY recorded_at DESC) = 1
"""


@dataclass(frozen=True)
class Change:
    """A change of one column of a table, by its short name.

    `file`: the first file that brought it, null where the settings did; `found`: what was found, in a few words.
    """

    table: str
    column: str
    type: str
    change: Kind
    file: str | None = None
    found: str | None = None

    @property
    def last_word(self) -> tuple[str, ...]:
        """What makes it the same change as another."""
        return self.table, self.column, self.change, self.type, self.found or ""


def note(tables: Tables, changes: Sequence[Change]) -> None:
    """Writes down the changes that are news: each is left out where it is the last word on its column already."""
    from lakehouse_nlp.core import duck

    if not changes:
        return
    tables.ensure(TABLE)
    known = {
        (row["table_name"], row["column_name"], row["change"], row["type"], row["found"] or "")
        for row in duck.rows(tables.root, LAST, [tables.project], only=[TABLE])
    }
    news = {change.last_word: change for change in reversed(changes) if change.last_word not in known}
    told = [(c.table, c.column, c.type, c.change, c.file, c.found) for c in reversed(news.values())]
    if told:
        tables.record(TABLE, [(tables.project, tables.run_id, *change) for change in told])
