"""A project's tables, models and settings, kept elsewhere and brought back: `backup` and `restore`."""

from lakehouse_nlp.backup.restore import Restored, restore
from lakehouse_nlp.backup.take import Taken, backup

__all__ = ["Restored", "Taken", "backup", "restore"]
