"""New rows of bronze become silver: typed, text normalised, checked, one row a key; the rest goes to quarantine."""

from lakehouse_nlp.silver.stage import due, run, size

__all__ = ["due", "run", "size"]
