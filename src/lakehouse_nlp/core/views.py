"""The views and questions in `sql/`, by stage: the same text for Spark SQL and DuckDB."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from lakehouse_nlp.core.packaged import packaged

Engine = Literal["duckdb", "spark"]
# Arrays begin at 1 in DuckDB and at 0 in Spark SQL.
FIRST = {"duckdb": "1", "spark": "0"}


def views(project: str, tables: set[str], engine: Engine) -> Iterator[tuple[str, str]]:
    """SQL name and query of each view whose tables are there; `tables` are the names of those."""
    for file in sorted(packaged("sql").glob("*/views/*.sql")):
        query = filled(file.read_text(encoding="utf-8"), project, engine)
        if all(table in tables for table in re.findall(rf"\b(?:{project}|ops)\.\w+", query)):
            yield f"{project}.{file.stem}", query


def questions() -> dict[str, str]:
    """Name -> text of the questions that come with the package; `{project}` stands where the project's name goes."""
    return {file.stem: file.read_text(encoding="utf-8") for file in sorted(packaged("sql").glob("*/questions/*.sql"))}


def filled(query: str, project: str, engine: Engine = "duckdb") -> str:
    """The text for one project and engine."""
    return query.replace("{project}", project).replace("{first}", FIRST[engine])
