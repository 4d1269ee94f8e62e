"""Where the package and the files that travel with it are, installed, in a checkout, or shipped as a wheel."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Literal


def packaged(name: Literal["conf", "sql"]) -> Path:
    """The folder of settings' defaults, or of DDL and views: inside an installed package, at the top of a checkout."""
    package = package_folder()
    return package / name if (package / name).is_dir() else package.parents[1] / name


def package_folder() -> Path:
    """The package's own folder; of a wheel that is imported as it is, a copy that goes with this process."""
    wheel = archive()
    return _unpacked(wheel) if wheel else _here()


def archive() -> Path | None:
    """The wheel or zip file that the package is imported from, as with `spark-submit --py-files`; None for a folder."""
    file = _here().parent
    return file if file.is_file() else None


def _here() -> Path:
    return Path(__file__).resolve().parents[1]


@functools.cache
def _unpacked(wheel: Path) -> Path:
    place = Path(tempfile.mkdtemp(prefix="lakehouse-nlp-wheel-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(place)
    return place / _here().name
