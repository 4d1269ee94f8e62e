"""Tables as the DDL in `sql/<stage>/tables/` declares them: created, constrained, and widened when settings grow."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.packaged import packaged

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DECLARED, FOUND = "declared by the project", "found in a file, and declared by nobody"
RETENTION = "delta.logRetentionDuration"
_CONSTRAINT = re.compile(r"ADD CONSTRAINT (\w+) CHECK \((.*)\)$", re.IGNORECASE | re.DOTALL)


class TypeChangedError(DataError):
    """The settings give a column another type than the table has."""

    def __init__(self, table: str, column: str, was: str, now: str) -> None:
        """`table`: its name in SQL; `was` and `now`: types."""
        self.column, self.was, self.now = column, was, now
        super().__init__(
            f"{table}.{column} is {was}, and the settings now say {now}",
            hint=f"declare it under a new name, or drop {table} and run again to rebuild it",
        )


def statements(table: str, name: str, location: str, columns: Mapping[str, str]) -> list[str]:
    """The DDL of `sql/*/tables/<table>.sql`, filled in: CREATE TABLE first, then one ADD CONSTRAINT each.

    `name`: what the table is called in SQL; `location`: `LOCATION '…'`, or nothing under a catalog; `columns`: the
    project's own columns and their types, which stand where the file says `{columns}`.
    """
    file = next(packaged("sql").glob(f"*/tables/{table}.sql"))
    own = "".join(f"  `{column}` {kind} COMMENT '{DECLARED}',\n" for column, kind in columns.items())
    text = re.sub(r"^\s*--.*\n", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = text.replace("  {columns}\n", own).replace("{table}", name).replace("{location}", location)
    return [statement.strip() for statement in text.split(";\n") if statement.strip()]


def in_one_commit(ddl: list[str]) -> list[str]:
    """The same table by CREATE TABLE alone, its constraints given as the properties that Delta keeps them as.

    ADD CONSTRAINT costs a commit and a Spark job each, even on a table without rows; catalogs that take constraints
    by ADD CONSTRAINT only are left to it.
    """
    create, *constraints = ddl
    checks = [match.groups() for match in map(_CONSTRAINT.search, constraints) if match]
    if not checks:
        return ddl
    given = ",\n  ".join(f'delta.constraints.{name} = "{rule}"' for name, rule in checks)
    others = "TBLPROPERTIES (" in create
    return [f"{create[:-1]},\n  {given})" if others else f"{create}\nTBLPROPERTIES ({given})"]


def retention(create: str) -> str | None:
    """How long CREATE TABLE says that commits are kept; None where that is left to Delta."""
    found = re.search(rf"{re.escape(RETENTION)} = '([^']+)'", create)
    return found and found[1]


def clear(folder: Path) -> None:
    """Removes what a CREATE TABLE that was killed left: a log without a version, over which Delta makes no table."""
    if folder.is_dir() and {place.name for place in folder.iterdir()} <= {"_delta_log"}:
        shutil.rmtree(folder)


def create(spark: SparkSession, ddl: list[str], constraints: Mapping[str, str]) -> None:
    """Runs those statements whose work is not done yet: being killed between two of them is mended by the next call.

    `constraints`: CHECK constraints that the table has, name in lower case -> rule; one whose rule is another in this
    release gives way to it.
    """
    for statement in ddl:
        constraint = _CONSTRAINT.search(statement)
        name, rule = constraint.groups() if constraint else ("", "")
        has = constraints.get(name.lower())
        if has is not None and _plain(has) != _plain(rule):
            spark.sql(statement[: statement.index(" ADD CONSTRAINT ")] + f" DROP CONSTRAINT {name}")
        if has is None or _plain(has) != _plain(rule):
            spark.sql(statement)


def _plain(rule: str) -> str:
    """A rule without what engines write in one way or another."""
    return re.sub(r"[\s`()]", "", rule).casefold()


def missing(spark: SparkSession, name: str, columns: Mapping[str, str]) -> dict[str, str]:
    """The declared columns that the table lacks. Raises TypeChangedError where one has another type there."""
    there = {field.name.lower(): field.dataType.simpleString() for field in spark.table(name).schema.fields}
    for column, kind in columns.items():
        found = there.get(column.lower())
        if found and found != kind.lower().replace(" ", ""):
            raise TypeChangedError(name, column, found, kind)
    return {column: kind for column, kind in columns.items() if column.lower() not in there}


def found(spark: SparkSession, name: str) -> tuple[str, ...]:
    """The columns that files brought, by the comment they were added with."""
    return tuple(field.name for field in spark.table(name).schema.fields if field.metadata.get("comment") == FOUND)
