"""Figures of what a run did to data and predictions, into `ops.metrics`."""

from lakehouse_nlp.monitor.stage import due, run, size

__all__ = ["due", "run", "size"]
