"""The only place that writes Delta tables, and that knows where they are and what they are called."""

from lakehouse_nlp.core.tables.changes import Change, note
from lakehouse_nlp.core.tables.log import Log, Stamp, brought, moved
from lakehouse_nlp.core.tables.tables import Tables

__all__ = ["Change", "Log", "Stamp", "Tables", "brought", "moved", "note"]
