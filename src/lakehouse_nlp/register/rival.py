"""The champion on the candidate's own test rows: its figures, by slice too, and how surely it is beaten."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import Registry, Version, classes_of
from lakehouse_nlp.model.bootstrap import draws, resampled
from lakehouse_nlp.model.metrics import LOWER_IS_BETTER, evaluate
from lakehouse_nlp.score import lacking, predicted

if TYPE_CHECKING:
    import pandas as pd

# Draws are made of this many rows at most.
DRAWN = 50_000


@dataclass(frozen=True)
class Rival:
    """`figures` of the champion, None where it cannot be compared; `basis`: where they come from, for people; `slices`:
    column -> value -> figures; `ahead`: the share of paired bootstrap draws in which the candidate is ahead.
    """

    figures: dict[str, Any] | None = None
    basis: str = ""
    slices: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    ahead: float | None = None


def rival(ctx: Context, registry: Registry, candidate: Version, champion: Version | None) -> Rival:
    """The champion beside the candidate; its recorded figures where it reads another gold."""
    if champion is None:
        return Rival()
    recorded, mine = registry.metrics(champion), registry.metrics(candidate)
    if champion.tags.get("nlp_hash") != candidate.tags["nlp_hash"]:
        return Rival(recorded["test"], " (recorded: it reads tokens of another pipeline)")
    if gone := lacking(ctx, champion):
        return Rival(recorded["test"], f" (recorded: it reads {', '.join(gone)}, which gold no longer has)")
    classes = classes_of(recorded)
    if classes != classes_of(mine):
        return Rival(None, f" (knows {', '.join(classes) or 'numbers'})")
    theirs = _said(ctx, candidate, champion)
    slices = {
        column: {value: _judged(part, classes) for value in by if len(part := theirs[_is(theirs[column], value)])}
        for column, by in mine.get("slices", {}).items()
        if column in theirs
    }
    ahead = _ahead(ctx, theirs, _said(ctx, candidate, candidate), classes) if ctx.settings.register.confidence else None
    return Rival(_judged(theirs, classes), " on the same rows", slices, ahead)


def _said(ctx: Context, candidate: Version, version: Version) -> pd.DataFrame:
    """What a version says of the candidate's test rows, by key: labels, slices, and the answer's fields."""
    gold = ctx.tables.read("gold", int(candidate.tags["gold_version"])).where("split = 'test' AND label IS NOT NULL")
    together = (ctx.settings.gold.split.by,) if ctx.settings.gold.split.by else ()
    named = dict.fromkeys((*ctx.settings.train.slices, *together))
    about = [f"`{name}`" for name in named if name in gold.columns]
    rows = predicted(ctx, gold, version).select("key", "label", *about, "_p.*").toPandas()
    return rows.sort_values("key", ignore_index=True)


def _is(column: pd.Series[Any], value: str) -> pd.Series[bool]:
    return column.isna() if value == "(missing)" else column.astype(str) == value


def _judged(rows: pd.DataFrame, classes: list[str]) -> dict[str, Any]:
    labels, predictions = rows["label"].to_numpy(object), rows["prediction"].to_numpy(object)
    return evaluate(labels, _outputs(rows, classes), classes, predictions if classes else None)


def _outputs(rows: pd.DataFrame, classes: list[str]) -> Any:
    return np.stack(rows["probabilities"].to_list()) if classes else rows[["value"]].to_numpy()


def _ahead(ctx: Context, theirs: pd.DataFrame, mine: pd.DataFrame, classes: list[str]) -> float | None:
    """In which share of the draws the candidate is ahead by more than `min_gain`; None for figures without draws."""
    gate, by = ctx.settings.register, ctx.settings.gold.split.by
    groups = (
        mine[by].astype(str).where(mine[by].notna(), "#" + mine["key"]).to_numpy(object)[:DRAWN] if by in mine else None
    )
    drawn = draws(min(len(mine), DRAWN), ctx.settings.train.seed, groups=groups)
    found = []
    for rows in (mine[:DRAWN], theirs[:DRAWN]):
        labels, predictions = rows["label"].to_numpy(object), rows["prediction"].to_numpy(object)
        each = resampled(labels, _outputs(rows, classes), classes, predictions, drawn)
        found.append(each.get(gate.metric))
    if found[0] is None or found[1] is None:
        return None
    gain = found[1] - found[0] if gate.metric in LOWER_IS_BETTER else found[0] - found[1]
    return float((gain > gate.min_gain).mean())
