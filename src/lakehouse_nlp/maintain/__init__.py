"""Upkeep of a project: its tables, and what runs leave beside them."""

from lakehouse_nlp.maintain.leftovers import Leftover
from lakehouse_nlp.maintain.maintain import Maintained, maintain
from lakehouse_nlp.maintain.tables import Upkeep

__all__ = ["Leftover", "Maintained", "Upkeep", "maintain"]
