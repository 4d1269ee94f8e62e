"""What SQL answers over a project: rows and a sum over all cells of each table and view, and the analysts' questions.

Asked of the versions that a backup holds, and again of what was restored: where the two differ, the restored lake is
not the one that was backed up.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.views import filled, questions

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Over the rows as text, in whatever order they lie. DuckDB's own hash may be another in its next release.
CELLS = "SELECT count(*), coalesce(sum(md5_number_lower(CAST(rows_ AS VARCHAR))), 0)::VARCHAR FROM {} AS rows_"
NAMES = "SELECT table_schema || '.' || table_name FROM information_schema.tables ORDER BY 1"
# Sums of floats end in other digits where rows lie in another order.
CLOSE = 1e-9
Answers = dict[str, Any]


def asked(root: Path, project: str, versions: Mapping[str, int]) -> Answers:
    """Table or view -> its rows and their sum; question -> the rows of its answer. `versions`: SQL name -> version."""
    with duck.of_project(root, project, versions) as connection:
        names = [name for (name,) in connection.execute(NAMES).fetchall()]
        found: Answers = {name: list(connection.execute(CELLS.format(name)).fetchone() or ()) for name in names}
        return found | dict(_questions(connection, project))


def _questions(connection: DuckDBPyConnection, project: str) -> Iterator[tuple[str, Any]]:
    """Those whose tables and columns are there."""
    import duckdb

    connection.execute("SET threads = 1")
    for name, text in questions().items():
        try:
            rows = connection.execute(filled(text, project)).fetchall()
        except (duckdb.CatalogException, duckdb.BinderException):
            continue
        plain = json.loads(json.dumps(rows, default=str))
        yield f"question {name}", sorted(plain, key=json.dumps)


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """A sentence for each answer that is not what it was; none where all are the same."""
    return [
        f"{name}: {_shown(name, wanted.get(name))}, and now {_shown(name, found.get(name))}"
        for name in sorted({*wanted, *found})
        if not _same(wanted.get(name), found.get(name))
    ]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


def _shown(name: str, answer: Any) -> str:
    if answer is None:
        return "no answer"
    if name.startswith("question "):
        return json.dumps(answer)[:200]
    rows, cells = answer
    return f"{rows:,} rows whose cells sum up to {cells}"
