"""What a version of a table or model came from, and what came from it: trees over `ops.lineage`. Starts no Spark.

A version of a table holds what its own commit brought and, unless that wrote all rows anew, what the versions before it
did. So it came from the newest version read of each table, and from every model and batch of files among them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.lineage import MODEL, RAW, SHARED, TABLE, TABLES, Edge, Kind, fresh, identity_of, sql_name
from lakehouse_nlp.core.settings.words import did_you_mean, listed

# Without parameters, for which DuckDB would import pandas; a project's name needs no quoting.
EDGES = "SELECT * EXCLUDE (project, recorded_at) FROM ops.lineage WHERE project = '{project}'"
FILES = """
SELECT DISTINCT batch, name FROM ops.files WHERE project = '{project}' AND state = 'loaded' ORDER BY batch, name
"""
NAMES = (*TABLES, *SHARED, MODEL, RAW)


@dataclass(frozen=True)
class Node:
    """A version in a tree, with what wrote it, and what it came from or what came from it.

    `upto`: of what depends on something, the newest version that still does; `files`: names, of a batch; `again`: it
    stands in the tree before, with all that is below it.
    """

    kind: Kind
    name: str
    version: int | None
    run_id: str | None = None
    stage: str | None = None
    rows: int | None = None
    committed_at: str | None = None
    upto: int | None = None
    files: tuple[str, ...] = ()
    again: bool = False
    below: tuple[Node, ...] = ()


@dataclass
class Lineage:
    """All edges of a project, those among them that no run has written down yet, and the files of each batch."""

    edges: list[Edge]
    files: dict[int, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, ctx: Context) -> Lineage:
        """The lineage as it is now."""
        edges = [edge for _, new in fresh(ctx) for edge in new]
        edges += [Edge(**row) for row in _asked(ctx, EDGES, TABLE)]
        files: dict[int, tuple[str, ...]] = {}
        for row in _asked(ctx, FILES, "ops.files"):
            files[row["batch"]] = (*files.get(row["batch"], ()), row["name"])
        once = dict.fromkeys(edges)  # a run that is on may have written down meanwhile what was fresh
        return cls(sorted(_standing(ctx, list(once)), key=lambda edge: edge.output_version), files)

    def versions(self, name: str) -> list[int]:
        """The versions of a table that were written, of a model or of files that were made or read, oldest first."""
        read = {e.input_version for e in self.edges if e.input == name and e.input_kind != "table"}
        made = {e.output_version for e in self.edges if e.output == name}
        return sorted(made | {version for version in read if version is not None})

    def up(self, kind: Kind, name: str, version: int | None, seen: set[Any] | None = None) -> Node:
        """What a version came from, back to files and models."""
        seen = set() if seen is None else seen
        if kind == "files":
            return Node(kind, name, version, files=self.files.get(version or 0, ()))
        commits = self._held(kind, name, version)
        made = _made(kind, name, commits[-1]) if commits else Node(kind, name, version)
        if (name, made.version) in seen:
            return replace(made, again=True)
        seen.add((name, made.version))
        return replace(made, below=tuple(self.up(*source, seen) for source in _newest(commits)))

    def down(self, kind: Kind, name: str, version: int, seen: set[Any] | None = None) -> tuple[Node, ...]:
        """What came from a version, or from later ones that still hold its rows, each from its first version on."""
        seen = set() if seen is None else seen
        until = self._anew_after(name, version) if kind == "table" else version + 1
        readers: dict[tuple[Kind, str], list[Edge]] = {}
        for edge in self.edges:
            same = (edge.input_kind, edge.input) == (kind, name)
            if same and edge.input_version is not None and version <= edge.input_version < until:
                readers.setdefault((edge.output_kind, edge.output), []).append(edge)
        return tuple(node for found in readers.values() for node in self._readers(found, seen))

    def _readers(self, found: list[Edge], seen: set[Any]) -> Iterator[Node]:
        """Each version of a model; of a table the first, and up to which it holds the rows."""
        for edge in found if found[0].output_kind == "model" else found[:1]:
            made = _made(edge.output_kind, edge.output, edge)
            if made.kind == "table":
                until = self._anew_after(edge.output, found[-1].output_version)
                made = replace(made, upto=max(v for v in self.versions(edge.output) if v < until))
            again = (made.name, made.version) in seen
            seen.add((made.name, made.version))
            below = () if again else self.down(made.kind, made.name, edge.output_version, seen)
            yield replace(made, again=again, below=below)

    def _held(self, kind: Kind, name: str, version: int | None) -> list[Edge]:
        """The edges of the commits whose rows a version holds, oldest first."""
        mine = [e for e in self.edges if (e.output_kind, e.output) == (kind, name)]
        if version is None or kind == "model":
            return [e for e in mine if e.output_version == version]
        before = [e for e in mine if e.output_version <= version]
        begun = max((e.output_version for e in before if e.anew), default=0)
        return [e for e in before if e.output_version >= begun]

    def _anew_after(self, name: str, version: int) -> float:
        """The first version after this one that holds none of its rows any more."""
        later = (e.output_version for e in self.edges if e.output == name and e.output_version > version and e.anew)
        return min(later, default=math.inf)


def trace(ctx: Context, table: str, version: int | None = None) -> tuple[Node, tuple[Node, ...]]:
    """What a version came from (the newest if none is given), and what depends on it.

    `table`: a table's name with or without the project's, `model`, or `raw`, whose versions are batches of files. A
    version that only tidied up stands for the one before. Raises UsageError where there is no such table or version.
    """
    short = table.removeprefix(f"{ctx.settings.project}.")
    if short not in NAMES:
        raise UsageError(f"no lineage of {table!r}{did_you_mean(short, NAMES) or f'; there are {listed(NAMES)}'}")
    found = Lineage.of(ctx)
    kind: Kind = "model" if short == MODEL else "files" if short == RAW else "table"
    name = ctx.settings.model_name if kind == "model" else sql_name(ctx, short)
    known = found.versions(name)
    newest = max(ctx.tables.log(short).version() or 0, *known) if kind == "table" and known else max(known, default=0)
    chosen = [each for each in known if version is None or (each <= version if kind == "table" else each == version)]
    if not chosen or (version is not None and version > newest):
        there = f"its versions go from {known[0]} to {newest}" if known else "nothing has written it yet"
        asked = name if version is None else f"version {version} of {name}"
        raise UsageError(f"no lineage of {asked}: {there}", hint="lakehouse-nlp status")
    return found.up(kind, name, chosen[-1]), found.down(kind, name, chosen[-1])


def _asked(ctx: Context, query: str, table: str) -> list[dict[str, Any]]:
    if not ctx.tables.log(table).exists:
        return []
    return duck.rows(ctx.root, query.format(project=ctx.settings.project), only=[table])


def _standing(ctx: Context, edges: Sequence[Edge]) -> Iterator[Edge]:
    """Without those of tables that were dropped, and of models whose registry was: their versions began anew."""
    tables = {sql_name(ctx, table): identity_of(ctx, table) for table in (*TABLES, *SHARED)}
    models = {(e.output, e.output_version): e.output_id for e in sorted(edges, key=lambda e: e.committed_at)}
    for edge in edges:
        if edge.output_id == (tables.get(edge.output) or models[edge.output, edge.output_version]):
            yield edge


def _newest(commits: Iterable[Edge]) -> list[tuple[Kind, str, int | None]]:
    """Each table once, at the newest version that was read; every model and batch."""
    newest: dict[tuple[Kind, str, int | None], int | None] = {}
    for edge in sorted(commits, key=lambda edge: -1 if edge.input_version is None else edge.input_version):
        if edge.input_kind and edge.input:
            one = None if edge.input_kind == "table" else edge.input_version
            newest[edge.input_kind, edge.input, one] = edge.input_version
    found = [(kind, name, version) for (kind, name, _), version in newest.items()]
    return sorted(found, key=lambda source: (source[0] == "files", source[1], source[2] or 0))


def _made(kind: Kind, name: str, edge: Edge) -> Node:
    at = edge.committed_at.isoformat(timespec="seconds")
    return Node(kind, name, edge.output_version, edge.run_id, edge.stage, edge.rows, at)
