"""Tables as the DDL in `sql/<stage>/tables/` declares them: created, constrained, and widened when settings grow."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.packaged import packaged

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_CONSTRAINT = re.compile(r"ADD CONSTRAINT (\w+)", re.IGNORECASE)


def statements(table: str, name: str, location: str, columns: Mapping[str, str]) -> list[str]:
    """The DDL of `sql/*/tables/<table>.sql`, filled in: CREATE TABLE first, then one ADD CONSTRAINT each.

    `name`: what the table is called in SQL; `location`: `LOCATION '…'`, or nothing under a catalog; `columns`: the
    project's own columns and their types, which stand where the file says `{columns}`.
    """
    file = next(packaged("sql").glob(f"*/tables/{table}.sql"))
    own = "".join(f"  `{column}` {kind} COMMENT 'declared by the project',\n" for column, kind in columns.items())
    text = re.sub(r"^\s*--.*\n", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = text.replace("  {columns}\n", own).replace("{table}", name).replace("{location}", location)
    return [statement.strip() for statement in text.split(";\n") if statement.strip()]


def create(spark: SparkSession, ddl: list[str], constraints: Collection[str]) -> None:
    """Runs those statements whose work is not done yet: being killed between two of them is mended by the next call.

    `constraints`: names of the CHECK constraints that the table has, in lower case; CREATE TABLE is IF NOT EXISTS.
    """
    for statement in ddl:
        constraint = _CONSTRAINT.search(statement)
        if not constraint or constraint.group(1).lower() not in constraints:
            spark.sql(statement)


def missing(spark: SparkSession, name: str, columns: Mapping[str, str]) -> dict[str, str]:
    """The declared columns that the table lacks. Raises DataError where a declared type differs from the table's."""
    there = {field.name.lower(): field.dataType.simpleString() for field in spark.table(name).schema.fields}
    for column, kind in columns.items():
        found = there.get(column.lower())
        if found and found != kind.lower().replace(" ", ""):
            raise DataError(
                f"{name}.{column} is {found}, and the settings now say {kind}",
                hint=f"declare it under a new name, or drop {name} and run again to rebuild it",
            )
    return {column: kind for column, kind in columns.items() if column.lower() not in there}
