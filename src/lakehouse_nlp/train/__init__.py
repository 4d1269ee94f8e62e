"""Gold at a pinned version becomes a candidate model version in MLflow."""

from lakehouse_nlp.train.stage import due, run, size

__all__ = ["due", "run", "size"]
