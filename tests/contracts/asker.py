"""`python asker.py HOME`: every view and question of `sql/` in Spark, by name, as JSON."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.views import filled, questions, views
from lakehouse_nlp.query import answer


def queries(project: str, engine: Any) -> dict[str, str]:
    """Name -> query of every question, and of every view."""
    every = {f"{project}.{table}" for table in ("quarantine", "predictions", "gold", "silver", "bronze")}
    every.add("ops.model_events")
    seen = {name: f"SELECT * FROM {name}" for name, _ in views(project, every, engine)}
    return {**seen, **{name: filled(text, project, engine) for name, text in questions().items()}}


if __name__ == "__main__":
    with closing(Context.open(Path(sys.argv[1]), "demo")) as ctx:
        found = {name: answer(ctx, query, "spark") for name, query in queries("demo", "spark").items()}
    sys.stdout.write(json.dumps(found, default=str))
