"""The command that says what a version came from, and what came from it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse_nlp.cli import render
from lakehouse_nlp.cli.app import app
from lakehouse_nlp.cli.options import Env, Home, Json, Project, open_context
from lakehouse_nlp.core.errors import UsageError

if TYPE_CHECKING:
    from rich.tree import Tree

    from lakehouse_nlp.lineage import Node

NAMED = 3  # files of a batch that are named


@app.command()
def lineage(
    table: Annotated[str, typer.Argument(help="A table, such as gold; model, or raw, whose versions are batches.")],
    version: Annotated[int | None, typer.Option("--version", help="Of the table or model. [default: newest]")] = None,
    up: Annotated[bool, typer.Option("--up", help="Only what it came from.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Only what came from it.")] = False,
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    json: Json = False,
) -> None:
    """Show what a version came from, back to raw files and models, and what depends on it.

    Examples: lakehouse-nlp lineage predictions; lakehouse-nlp lineage model --version 2 --up;
    lakehouse-nlp lineage raw --version 3 --down
    """
    from lakehouse_nlp.lineage import trace

    if up and down:
        raise UsageError("--up and --down", hint="choose one; both are shown where neither is given")
    came, goes = trace(open_context(home, project, env, None), table, version)
    if json:
        render.data(({} if down else {"from": asdict(came)}) | ({} if up else {"to": [asdict(each) for each in goes]}))
        return
    if not down:
        _print(_tree(came, "comes from" if came.below else ""))
    if not up:
        _print(_tree(came, "is in", goes) if goes else f"{_said(came)}: nothing depends on it yet")


def _tree(node: Node, says: str, below: tuple[Node, ...] | None = None) -> Tree:
    from rich.tree import Tree

    made = Tree(f"{_said(node)} {says}".rstrip())
    for each in node.below if below is None else below:
        made.add(_tree(each, ""))
    return made


def _said(node: Node) -> str:
    """One line: what it is, who made it, when, how many rows."""
    if node.kind == "files":
        rest = len(node.files) - NAMED
        names = ", ".join(node.files[:NAMED]) + (f" and {rest:,} more" if rest > 0 else "")
        return f"{node.name}{'' if node.version is None else f' batch {node.version}'}: {names}".removesuffix(": ")
    upto = f" to {node.upto}" if node.upto not in (None, node.version) else ""
    about = [f"{node.rows:,} rows"] if node.rows is not None else []
    about += [f"{node.stage} of run {node.run_id}"] if node.run_id else []
    about += [f"{node.committed_at:.16}".replace("T", " ")] if node.committed_at else []
    kind = "model " if node.kind == "model" else ""
    told = f" ({', '.join(about)})" if about and not node.again else ""
    return f"{kind}{node.name} version {node.version}{upto}{told}{', as above' if node.again else ''}"


def _print(tree: Tree | str) -> None:
    import sys

    from rich.console import Console

    Console(file=sys.stdout, highlight=False, markup=False, width=None if sys.stdout.isatty() else 200).print(tree)
