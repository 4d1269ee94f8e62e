"""What becomes of columns that a file has and the settings have not, or the other way round: a decision a file.

Pure: it knows names alone. Whoever reads the file acts on the decision, and notes its changes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.crosschecks import is_table_name
from lakehouse_nlp.core.settings.models import Policy
from lakehouse_nlp.core.tables.changes import Change, Kind


@dataclass(frozen=True)
class Decision:
    """Columns of one file, by the names they have there, and what is to be done with them.

    `evolve`: to columns of their own; `rescue`: to `_rescued`; `drop`: nowhere; `refuse`: the file goes to `errors/`.
    `missing`: declared columns, by their declared names, that the file lacks.
    """

    evolve: tuple[str, ...] = ()
    rescue: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    refuse: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def decide(settings: Settings, found: Sequence[str], known: Collection[str] = ()) -> Decision:
    """The decision on a file with the columns `found`; `known`: columns that bronze took up from earlier files.

    A column that is to evolve and cannot be a table's (its name, or one that differs in letter case) is rescued.
    """
    sources = {column.source or name: name for name, column in settings.columns.items()}
    sorted_: dict[Policy, list[str]] = {"evolve": [], "rescue": [], "drop": [], "freeze": []}
    taken = {name.casefold(): name for name in (*known, *settings.columns)}
    for name in dict.fromkeys(found):
        if name in sources:
            continue
        policy = settings.ingest.drift.policy(name)
        if policy == "evolve":
            fits = is_table_name(name) and taken.setdefault(name.casefold(), name) == name
            policy = "evolve" if fits and name not in settings.columns else "rescue"
        sorted_[policy].append(name)
    missing = tuple(name for source, name in sources.items() if source not in found)
    evolve, rescue, drop, refuse = (tuple(sorted_[policy]) for policy in ("evolve", "rescue", "drop", "freeze"))
    return Decision(evolve, rescue, drop, refuse, missing)


def changes(decision: Decision, settings: Settings, file: str) -> list[Change]:
    """The decision as changes of bronze to note; those that evolve are noted when the table gets them."""
    said: dict[Kind, tuple[str, ...]]
    said = {"rescued": decision.rescue, "dropped": decision.drop, "refused": decision.refuse}
    told = [
        Change("bronze", name, "STRING", change, file, f"declared by nobody; {settings.ingest.drift.policy(name)}")
        for change, names in said.items()
        for name in names
    ]
    types = {name: settings.columns[name].type for name in decision.missing}
    lacking = "declared, and not in the file"
    return told + [Change("bronze", name, kind, "missing", file, lacking) for name, kind in types.items()]
