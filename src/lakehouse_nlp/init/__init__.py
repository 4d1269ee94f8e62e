"""A new project from a data file: what is in it (`profile.py`), what to make of it (`suggest.py`, `render.py`), and the
files of both put in place (`project.py`, `files.py`).
"""

from lakehouse_nlp.init.files import add_files
from lakehouse_nlp.init.profile import ColumnProfile, Profile, profile
from lakehouse_nlp.init.project import init_project
from lakehouse_nlp.init.render import render
from lakehouse_nlp.init.suggest import ProjectDraft, suggest

__all__ = ["ColumnProfile", "Profile", "ProjectDraft", "add_files", "init_project", "profile", "render", "suggest"]
