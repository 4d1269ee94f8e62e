"""What a stage has not read yet of its source, by the versions and stamps in Delta's logs alone."""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse_nlp.core.context import Context


@dataclass(frozen=True)
class Pending:
    """Versions of `source` after `since` up to `upto` that wait to be read; since None: all of it, by a new recipe."""

    source: str
    since: int | None
    upto: int
    why: str

    def __str__(self) -> str:
        return self.why


def pending(ctx: Context, stage: str, source: str, target: str, recipe: str) -> Pending | None:
    """What `stage` has yet to bring from `source` to `target`, by the stamp of its last commit there; None: nothing.

    Where that commit was made by another recipe, everything waits.
    """
    changed = ctx.tables.log(source).changed()
    if changed is None:
        return None
    last = ctx.tables.log(target).last(stage)
    if last is None:
        return Pending(source, None, changed, f"{source} is new")
    if last.recipe != recipe:
        return Pending(source, None, changed, f"settings changed: {target} is made anew")
    return after(source, last.upto[source], changed)


def after(source: str, since: int, changed: int) -> Pending | None:
    """What came to the source since a version."""
    return Pending(source, since, changed, f"{source} went from version {since} to {changed}") if since < changed else None
