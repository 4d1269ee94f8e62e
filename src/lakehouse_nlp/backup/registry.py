"""A project's rows of an MLflow store that is a database: experiment, runs, logged models, versions, aliases.

MLflow's API gives new ids to whatever is made by it, and predictions and people know runs by theirs. So rows are copied
as they are, between stores whose tables MLflow made; the copy in a backup is an MLflow store of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import Registry, quiet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine, MetaData, Select, Table

# Tables by the column that says whose a row is.
OF_EXPERIMENT = (
    *("experiments", "experiment_tags", "datasets", "runs"),
    *("logged_models", "logged_model_metrics", "logged_model_params", "logged_model_tags"),
)
OF_RUN = ("metrics", "latest_metrics", "params", "tags")
FED = ("input_tags", "inputs")
OF_NAME = (
    *("registered_models", "registered_model_tags", "registered_model_aliases"),
    *("model_versions", "model_version_tags"),
)
TABLES = frozenset((*OF_EXPERIMENT, *OF_RUN, *FED, *OF_NAME))
# Columns that say where files are.
PLACES = ("artifact_location", "artifact_uri", "source", "storage_location")
ROWS = 10_000
Rows = dict[str, list[dict[str, Any]]]


def is_database(ctx: Context) -> bool:
    """Whether MLflow's store is a database, or one can be made; what a server keeps is the server's to back up."""
    return urlparse(Registry(ctx).uri()).scheme.partition("+")[0] in ("sqlite", "postgresql", "mysql", "mssql")


def location(ctx: Context) -> str | None:
    """The URI under which the project's artifacts lie; None where there is no experiment."""
    if not Registry(ctx).exists:
        return None
    with _engine(Registry(ctx).uri()) as engine:
        found = _rows(engine, Registry(ctx).name, ("experiments",))["experiments"]
    return str(found[0]["artifact_location"]) if found else None


def local(uri: str) -> Path | None:
    """The folder of a URI; None where it is no local one."""
    parsed = urlparse(uri)
    return Path(unquote(parsed.path)) if parsed.scheme in ("", "file") else None


def export(ctx: Context, file: Path) -> None:
    """Writes the project's rows into a store of their own, in a SQLite file."""
    with _engine(Registry(ctx).uri()) as source, _engine(f"sqlite:///{file}") as target:
        _like(source, target)
        rows = _rows(source, Registry(ctx).name)
        with target.begin() as connection:
            _insert(connection, rows)


def counted(ctx: Context) -> dict[str, int]:
    """How many versions and runs the project has; empty where there is no store."""
    if not (is_database(ctx) and Registry(ctx).exists):
        return {}
    with _engine(Registry(ctx).uri()) as engine:
        rows = _rows(engine, Registry(ctx).name, ("experiments", "runs", "registered_models", "model_versions"))
    return {name: len(found) for name, found in rows.items() if found}


def bring(ctx: Context, file: Path, was: str, now: str) -> None:
    """Puts the rows of an exported store in the place of the project's, in one transaction.

    What lay under the URI `was` lies under `now`.
    """
    from mlflow.store.db.utils import _upgrade_db, _verify_schema

    registry, uri = Registry(ctx), Registry(ctx).uri()
    with _engine(f"sqlite:///{file}") as source:
        try:
            _verify_schema(source)  # type: ignore[no-untyped-call]
        except Exception:  # of an older MLflow: by its own migrations
            _upgrade_db(source)  # type: ignore[no-untyped-call]
        rows = _moved(_rows(source, registry.name), was, now)
        if not registry.exists:
            _begin(source, Path(uri.removeprefix("sqlite:///")))
    made(uri)
    with _engine(uri) as target, target.begin() as connection:
        _delete(connection, registry.name)
        _insert(connection, _numbered(connection, rows))


def _begin(source: Engine, file: Path) -> None:
    """Makes a store without a project, like another one: seconds less than MLflow's migrations."""
    part = file.with_name(f".{file.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.unlink(missing_ok=True)
    with _engine(f"sqlite:///{part}") as target:
        _like(source, target)
    part.replace(file)


def made(uri: str) -> None:
    """Makes what a store lacks, by MLflow."""
    quiet()
    import mlflow

    mlflow.MlflowClient(uri, uri).search_experiments(max_results=1)


@contextmanager
def _engine(uri: str) -> Iterator[Engine]:
    from sqlalchemy import create_engine

    engine = create_engine(uri)
    try:
        yield engine
    finally:
        engine.dispose()


def _tables(bind: Engine | Connection) -> list[Table]:
    """The tables that hold a project's rows, those before that others refer to."""
    from sqlalchemy import MetaData

    found: MetaData = MetaData()
    found.reflect(bind, only=lambda name, _: name in TABLES)
    return [table for table in found.sorted_tables if table.name in TABLES]


def _mine(tables: list[Table], name: str) -> dict[str, Callable[[Table], Any]]:
    """Table -> the condition that a row is the project's."""
    from sqlalchemy import or_, select

    by = {table.name: table for table in tables}
    experiments: Select[Any] = select(by["experiments"].c.experiment_id).where(by["experiments"].c.name == name)
    runs = select(by["runs"].c.run_uuid).where(by["runs"].c.experiment_id.in_(experiments))
    models = select(by["logged_models"].c.model_id).where(by["logged_models"].c.experiment_id.in_(experiments))

    def fed(inputs: Table) -> Any:
        ends = (inputs.c.source_id, inputs.c.destination_id)
        return or_(*(end.in_(ids) for end in ends for ids in (runs, models)))

    inputs = select(by["inputs"].c.input_uuid).where(fed(by["inputs"]))
    return {
        **dict.fromkeys(OF_EXPERIMENT, lambda table: table.c.experiment_id.in_(experiments)),
        **dict.fromkeys(OF_RUN, lambda table: table.c.run_uuid.in_(runs)),
        **dict.fromkeys(OF_NAME, lambda table: table.c.name == name),
        "inputs": fed,
        "input_tags": lambda table: table.c.input_uuid.in_(inputs),
    }


def _rows(engine: Engine, name: str, only: tuple[str, ...] = ()) -> Rows:
    from sqlalchemy import select

    tables = _tables(engine)
    mine = _mine(tables, name)
    with engine.connect() as connection:
        return {
            table.name: [
                dict(row)
                for row in connection.execute(
                    select(table).where(mine[table.name](table)).order_by(*table.primary_key.columns)
                ).mappings()
            ]
            for table in tables
            if not only or table.name in only
        }


def _like(source: Engine, target: Engine) -> None:
    """Makes MLflow's tables in a SQLite file: as another one has them, or by MLflow's migrations, some seconds.

    In one order, so that the same rows make the same file, which is stored once.
    """
    from sqlalchemy import MetaData, select
    from sqlalchemy.schema import CreateIndex, CreateTable

    if source.dialect.name != "sqlite":
        made(str(target.url))
        return
    tables = MetaData()
    tables.reflect(source)
    by = {table.name: table for table in tables.sorted_tables}
    experiments, release = by["experiments"], by["alembic_version"]
    whole = {release: select(release), experiments: select(experiments).where(experiments.c.name == "Default")}
    with source.connect() as here, target.begin() as there:
        for table in tables.sorted_tables:
            there.execute(CreateTable(table))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                there.execute(CreateIndex(index))
        for table, query in whole.items():
            if found := [dict(row) for row in here.execute(query).mappings()]:
                there.execute(table.insert(), found)


def _delete(connection: Connection, name: str) -> None:
    tables = _tables(connection)
    mine = _mine(tables, name)
    last = [table for table in reversed(tables) if table.name not in FED]  # what conditions ask for
    for table in [*(table for name in FED for table in tables if table.name == name), *last]:
        connection.execute(table.delete().where(mine[table.name](table)))


def _insert(connection: Connection, rows: Rows) -> None:
    for table in _tables(connection):
        found = rows.get(table.name, [])
        for start in range(0, len(found), ROWS):
            connection.execute(table.insert(), found[start : start + ROWS])


def _numbered(connection: Connection, rows: Rows) -> Rows:
    """The rows with an id of the experiment that no other one has here."""
    from sqlalchemy import select

    (experiments,) = (table for table in _tables(connection) if table.name == "experiments")
    taken = set(connection.execute(select(experiments.c.experiment_id)).scalars())
    new: dict[Any, Any] = {}
    for row in rows["experiments"]:
        was = row["experiment_id"]
        new[was] = was if was not in taken else max(taken) + 1
        taken.add(new[was])
    return {
        table: [{**row, "experiment_id": new[row["experiment_id"]]} if "experiment_id" in row else row for row in found]
        for table, found in rows.items()
    }


def _moved(rows: Rows, was: str, now: str) -> Rows:
    def at(row: Mapping[str, Any]) -> dict[str, Any]:
        inside = {
            name: now + value[len(was) :]
            for name in PLACES
            if isinstance(value := row.get(name), str) and (value == was or value.startswith(f"{was}/"))
        }
        return {**row, **inside}

    return {table: [at(row) for row in found] for table, found in rows.items()}
