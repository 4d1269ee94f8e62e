"""What waits to be scored, by which versions together: those that have the same left to do share one read of gold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pyspark.sql import DataFrame

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.pending import Pending, pending_beside
from lakehouse_nlp.core.registry import Version
from lakehouse_nlp.score.named import SOURCE, TARGET
from lakehouse_nlp.score.window import in_window, judged

Pass = tuple[Pending, list[Version]]
Done = tuple[int, int]
# Versions that have scored the same rows have the same number and sum of them.
DONE = """SELECT version, count(*) AS rows, bit_xor(hash(key, row_hash)) AS sum FROM {project}.predictions
          WHERE {theirs} GROUP BY version"""


def passes(ctx: Context, versions: Sequence[Version]) -> Iterator[Pass]:
    """What waits, with the versions that it waits for. Raises UsageError for a window that no row can be in."""
    waiting = list(_waiting(ctx, versions))
    done = _done(ctx, [version for found, version in waiting if found.since is None])
    together: dict[tuple[int | None, int, Done | None], Pass] = {}
    for found, version in waiting:
        like = (found.since, found.upto, done.get(version.number))
        together.setdefault(like, (found, []))[1].append(version)
    yield from together.values()


def unscored(ctx: Context, found: Pending, versions: Sequence[Version]) -> DataFrame:
    """The rows of gold that wait; of a pass over all, or a window, without those that the versions have scored."""
    gold = in_window(ctx, ctx.tables.changes(SOURCE, found.since, found.upto, key=["key"]))
    if found.since is not None or not ctx.tables.log(TARGET).rows():
        return gold
    mine = ctx.tables.read(TARGET).where(_theirs(versions))
    done = mine.groupBy("key", "row_hash").count().where(f"count = {len(versions)}")
    return gold.join(done, ["key", "row_hash"], "left_anti")


def _waiting(ctx: Context, versions: Sequence[Version]) -> Iterator[tuple[Pending, Version]]:
    """What waits for each version: of a window all of it, and all of gold where `maintain` deleted the changes since.

    A version that is champion again may have so old a position.
    """
    log = ctx.tables.log(SOURCE)
    now = log.changed()
    if ctx.settings.score.window and now is not None:
        judged(ctx)
        yield from ((Pending(SOURCE, None, now, "a window of gold is asked for"), version) for version in versions)
        return
    for version in versions:
        if found := pending_beside(ctx, "score", SOURCE, TARGET, str(version), version.run_id):
            gone = found.since is not None and log.vacuumed(found.since)
            yield replace(found, since=None) if gone else found, version


def _done(ctx: Context, versions: Sequence[Version]) -> dict[int, Done]:
    """Which rows each version has scored, as far as it takes to tell whether others have scored the same."""
    if len(versions) < 2 or not ctx.tables.log(TARGET).rows():
        return {}
    project = ctx.settings.project
    query = DONE.format(project=project, theirs=_theirs(versions))
    rows = duck.rows(ctx.root, query, only=[f"{project}.predictions"])
    return {row["version"]: (row["rows"], row["sum"]) for row in rows}


def _theirs(versions: Sequence[Version]) -> str:
    """Whether a row of predictions is of one of the versions, in SQL; not of their number in an earlier registry."""
    numbers = ", ".join(str(version.number) for version in versions)
    return f"version IN ({numbers}) AND model_run_id IN ({', '.join(repr(version.run_id) for version in versions)})"
