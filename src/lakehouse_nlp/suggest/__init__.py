"""Checks that a table keeps today, proposed from one look at it."""

from lakehouse_nlp.suggest.checks import Suggestion, as_yaml, suggest

__all__ = ["Suggestion", "as_yaml", "suggest"]
