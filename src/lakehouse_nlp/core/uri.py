"""Paths as Spark and Hadoop take them."""

from pathlib import Path


def file_uri(path: Path) -> str:
    """A path of this file system, whichever is Spark's default; not percent-encoded: Hadoop takes %20 for letters."""
    return f"file:{path.resolve()}"
