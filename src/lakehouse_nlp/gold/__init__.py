"""New rows of silver become model inputs: tokens by one Spark NLP pipeline, a split, and the feature columns."""

from lakehouse_nlp.gold.stage import due, run, size

__all__ = ["due", "run", "size"]
