"""What a stage has not read yet of its source, by the versions and stamps in Delta's logs alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.tables import Stamp, brought
from lakehouse_nlp.core.tables.log import UPKEEP
from lakehouse_nlp.core.verdicts import again


@dataclass(frozen=True)
class Pending:
    """Versions of `source` after `since` up to `upto` that wait to be read; since None: all of it."""

    source: str
    since: int | None
    upto: int
    why: str

    def __str__(self) -> str:
        return self.why


def pending(ctx: Context, stage: str, source: str, target: str, recipe: str) -> Pending | None:
    """What `stage` has yet to bring from `source` to `target`, by the stamp of its last commit there; None: nothing.

    `target` holds rows of one recipe: where the last commit was made by another, everything waits. So it does where
    monitoring asks for a re-run.
    """
    last = ctx.tables.log(target).last(stage)
    if last and last.recipe != recipe:
        return _since(ctx, source, None, f"settings changed: {target} is made anew")
    if last and last.upto.get(source) is not None and (why := again(ctx, last.run_id)):
        return _since(ctx, source, None, why)
    return _since(ctx, source, last, f"{source} is new")


def pending_beside(
    ctx: Context, stage: str, source: str, target: str, recipe: str, identity: str = ""
) -> Pending | None:
    """The same where rows of several recipes stand side by side in `target`: each has a position of its own.

    `identity`: what tells the recipe from an earlier one of its name; the position counts only if its stamp has it.
    """
    return _since(ctx, source, last_beside(ctx, stage, target, recipe, identity), f"{source} is new to {recipe}")


def last_beside(ctx: Context, stage: str, target: str, recipe: str, identity: str = "") -> Stamp | None:
    """The stamp of a recipe's last commit to a table, where it was not an earlier recipe of its name."""
    last = ctx.tables.log(target).last(stage, recipe)
    return last if last and identity in ("", *last.recipe.split()) else None


def _since(ctx: Context, source: str, last: Stamp | None, otherwise: str) -> Pending | None:
    changed = ctx.tables.log(source).changed()
    if changed is None:
        return None
    if last is None:
        return Pending(source, None, changed, otherwise)
    since = last.upto.get(source)
    if since is None:  # a source that came after the target
        return Pending(source, None, changed, f"{source} is new")
    return (
        Pending(source, since, changed, f"{source} went from version {since} to {changed}") if since < changed else None
    )


def size(ctx: Context, *found: Pending | None) -> int:
    """About how many rows wait: those that the commits brought; one that changed twice counts twice."""
    return sum(_rows(ctx, each) for each in found if each)


def _rows(ctx: Context, found: Pending) -> int:
    log, since = ctx.tables.log(found.source), found.since
    if since is None:
        return log.rows()
    later = takewhile(lambda commit: commit[0] > since, log.commits())
    return sum(brought(info.get("operationMetrics", {})) or 0 for _, info in later if info["operation"] not in UPKEEP)
