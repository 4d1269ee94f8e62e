"""A project's rows of the tables of `ops`, which are every project's: taken out, and put back beside the others'.

What keeps a commit to once, and how far a stage has come, is in commits and not in rows: those of the project go along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lakehouse_nlp.backup.manifest import Ledger
from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.tables import Log, Stamp, direct

OPS = "ops."


def tables(root: Path) -> list[str]:
    """The tables of `ops` that say of each row whose it is."""
    found = duck.tables(root).items()
    return [name for name, path in found if name.startswith(OPS) and "project" in _columns(path)]


def _columns(path: Path) -> set[str]:
    return {field.name for field in Log(path).table.schema().fields}


def export(ctx: Context, versions: Mapping[str, int], room: Path) -> Iterator[Path]:
    """Writes the project's rows as of the versions (table -> version) into Parquet files of the tables' names."""
    with duck.of_project(ctx.root, ctx.settings.project, versions) as connection:
        for table in versions:
            file = room / f"{table}.parquet"
            connection.execute(f"COPY (SELECT * FROM {table}) TO '{file}' (FORMAT parquet)")
            yield file


def described(ctx: Context, table: str) -> Ledger:
    """How the table is made, and what the project's commits say beside its rows."""
    log, project = ctx.tables.log(table), ctx.settings.project
    about = log.table.metadata()
    positions: dict[str, str] = {}
    for _, info in log.commits():
        stamp = Stamp.from_json(info.get("userMetadata"))
        if stamp and stamp.upto and stamp.recipe == project:
            positions.setdefault(stamp.stage, stamp.to_json())
    mine = {app: at for app, at in log.transactions().items() if app.startswith(f"{project}.")}
    made = log.table.schema().to_json()
    return Ledger(made, dict(about.configuration), about.description or "", tuple(positions.values()), mine)


def bring(ctx: Context, table: str, ledger: Ledger, file: Path) -> None:
    """Puts the rows of a Parquet file in the place of the project's; the table is made if it is not there."""
    import pyarrow.parquet as pq

    log = ctx.tables.log(table)
    if not log.exists:
        direct.create(log, ledger.schema, ledger.configuration, ledger.description)
    stamps = [stamp for text in ledger.stamps if (stamp := Stamp.from_json(text))]
    direct.bring(ctx.tables.log(table), pq.read_table(file), ctx.settings.project, stamps, ledger.transactions)


def forget(ctx: Context, names: Iterable[str]) -> None:
    """Takes the project's rows out of these tables."""
    for table in names:
        direct.remove(ctx.tables.log(table), ctx.settings.project)


def counted(ctx: Context) -> dict[str, int]:
    """Table -> rows of the project, where there are any."""
    versions = {name: version for name in tables(ctx.root) if (version := ctx.tables.log(name).version()) is not None}
    with duck.of_project(ctx.root, ctx.settings.project, versions) as connection:
        found = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone() for name in versions}
    return {name: row[0] for name, row in found.items() if row and row[0]}
