"""Where the files that travel with the package are: `conf` and `sql`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def packaged(name: Literal["conf", "sql"]) -> Path:
    """The folder of settings' defaults, or of DDL and views: inside an installed package, at the top of a checkout."""
    package = Path(__file__).resolve().parents[1]
    return package / name if (package / name).is_dir() else package.parents[1] / name
