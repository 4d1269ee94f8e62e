"""Files in `raw/` become rows of bronze, every row once; every file ends in `processed/` or in `errors/`."""

from lakehouse_nlp.ingest.stage import due, run, size

__all__ = ["due", "run", "size"]
