"""The columns that files bring: those that bronze has or takes up, those that stay in `_rescued`, and what is noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.drift import Decision, changes, decide
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.models import Drift
from lakehouse_nlp.core.tables import Change, note
from lakehouse_nlp.ingest.faults import Fault
from lakehouse_nlp.ingest.files import RawFile
from lakehouse_nlp.ingest.staged import Staged

BRONZE = "bronze"


@dataclass(frozen=True)
class Fields:
    """`sources`: column of bronze -> the name that it has in files; `drift`: what becomes of fields of other names."""

    sources: Mapping[str, str]
    drift: Drift

    @classmethod
    def of(cls, settings: Settings, evolved: Sequence[str] = ()) -> Fields:
        """Those of a project. `evolved`: columns that bronze took up, and that are still to be filled."""
        declared = {name: column.source or name for name, column in settings.columns.items()}
        return cls({**declared, **{name: name for name in evolved}}, settings.ingest.drift)

    def rescues(self, name: str) -> bool:
        """Whether a field of this name is kept in `_rescued`: it has no column, and is not dropped."""
        return name not in self.sources.values() and self.drift.policy(name) != "drop"


def refuse(settings: Settings, staged: Staged) -> None:
    """Raises Fault for a file with columns that nobody declared, where the policy is freeze."""
    if refused := decide(settings, staged.columns).refuse:
        found = f"{', '.join(refused)}, declared by nobody"
        line = 1 if staged.dialect and staged.dialect.header else None
        raise Fault("columns", found, "declared columns alone, by ingest.drift: freeze", line, refused)


def take_up(ctx: Context, batch: Sequence[Staged]) -> list[str]:
    """Gives bronze the columns that files of the batch bring and that evolve, and notes what becomes of the others.

    Returns all undeclared columns of bronze that are to be filled: fields of these names have a column now, in whatever
    file and row they come.
    """
    told: list[Change] = []
    known = ctx.tables.found(BRONZE)
    for staged in batch:
        decision, file = decide(ctx.settings, staged.columns, known), staged.file.path.name
        if new := [name for name in decision.evolve if name not in known]:
            ctx.tables.widen(BRONZE, dict.fromkeys(new, "STRING"), file)
            known = (*known, *new)
        told += changes(decision, ctx.settings, file)
    note(ctx.tables, told)
    return list(decide(ctx.settings, known, known).evolve)


def note_refused(ctx: Context, bad: Sequence[tuple[RawFile, Fault]]) -> None:
    """Notes the columns for which files are turned away."""
    told = (changes(Decision(refuse=fault.refused), ctx.settings, file.path.name) for file, fault in bad)
    note(ctx.tables, [change for one in told for change in one])
