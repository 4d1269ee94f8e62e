from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import Registry, Version
from lakehouse_nlp.register.export import export, named

pytestmark = pytest.mark.unit


def _version(number: int, recipe: str) -> Version:
    return Version("tiny", number, "run", {"recipe": recipe})


VERSIONS = [_version(1, "a"), _version(2, "a"), _version(4, "b"), _version(5, "a"), _version(6, "b")]


def test_versions_are_named_by_recipe_and_by_their_place_in_it() -> None:
    wanted = {1: "v1.0", 2: "v1.1", 4: "v2.0", 5: "v1.2", 6: "v2.1"}
    assert named(VERSIONS[::-1]) == wanted
    assert named([]) == {}


@pytest.fixture
def ctx(home: Path, make_context: Callable[..., Context], monkeypatch: pytest.MonkeyPatch) -> Context:
    """A context whose registry holds the versions above, each one file."""

    def download(_: Registry, version: Version, folder: Path) -> None:
        (folder / "model").write_text(f"version {version.number}", encoding="utf-8")
        if version.number == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(Registry, "versions", lambda _: VERSIONS)
    monkeypatch.setattr(Registry, "download", download)
    return make_context(home)


def test_current_leads_to_the_last_export(ctx: Context) -> None:
    folder = ctx.folder / "models"
    assert export(ctx, VERSIONS[0]) == folder / "v1.0"
    export(ctx, VERSIONS[2])
    assert (folder / "current" / "model").read_text(encoding="utf-8") == "version 4"
    export(ctx, VERSIONS[0])  # a rollback
    assert (folder / "current" / "model").read_text(encoding="utf-8") == "version 1"
    assert sorted(path.name for path in folder.iterdir()) == ["current", "v1.0", "v2.0"]


def test_a_lake_that_was_copied_without_its_links_is_mended(ctx: Context) -> None:
    export(ctx, VERSIONS[0])
    link = ctx.folder / "models" / "current"
    link.unlink()
    shutil.copytree(ctx.folder / "models" / "v1.0", link)
    export(ctx, VERSIONS[2])
    assert link.is_symlink()
    assert (link / "model").read_text(encoding="utf-8") == "version 4"


def test_a_copy_that_is_cut_short_counts_for_nothing(ctx: Context) -> None:
    export(ctx, VERSIONS[0])
    with pytest.raises(KeyboardInterrupt):
        export(ctx, VERSIONS[4])
    folder = ctx.folder / "models"
    assert not (folder / "v2.1").exists()
    assert (folder / "current").resolve().name == "v1.0"
