"""A project's settings: what they are (`models.py`), and how they are found, merged, checked and reported."""

from lakehouse_nlp.core.settings.home import Home
from lakehouse_nlp.core.settings.layers import NOT_SETTINGS
from lakehouse_nlp.core.settings.load import load, settings_hash
from lakehouse_nlp.core.settings.models import Settings

__all__ = ["NOT_SETTINGS", "Home", "Settings", "load", "settings_hash"]
