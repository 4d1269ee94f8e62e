"""The register stage: judge the newest version, move the aliases, write down why."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.registry import CHALLENGER, CHAMPION, PREVIOUS, Registry, Version, classes_of
from lakehouse_nlp.model.metrics import evaluate
from lakehouse_nlp.register.gate import Reason, judge
from lakehouse_nlp.score import predicted

EVENTS = "ops.model_events"


def due(ctx: Context) -> str | None:
    """A version that the gate has not judged."""
    newest = Registry(ctx).newest()
    return f"version {newest.number} waits for the gate" if newest and "gate" not in newest.tags else None


def run(ctx: Context) -> StepResult:
    """Makes the newest version champion if it passes every test; else it is challenger, and the run is `rejected`."""
    registry = Registry(ctx)
    candidate = registry.newest()
    if candidate and "gate" in candidate.tags:
        return StepResult(note=f"{candidate} was judged before: {candidate.tags['gate']}")
    if candidate is None:
        raise DataError(f"register: no version of model {registry.name}", hint="lakehouse-nlp run train")
    champion = registry.alias(CHAMPION)
    if champion and champion.number == candidate.number:  # an earlier run was killed after it moved the alias
        champion = registry.alias(PREVIOUS)
    metrics = registry.metrics(candidate)
    reasons = judge(ctx.settings.register, metrics, *_of_champion(ctx, registry, candidate, champion))
    passed = all(reason.passed for reason in reasons)
    _move(registry, candidate, champion, passed)
    _record(ctx, candidate, champion, passed, reasons, metrics)
    registry.client.set_model_version_tag(
        registry.name, str(candidate.number), "gate", "passed" if passed else "refused"
    )
    against = [reason.says for reason in reasons if not reason.passed]
    note = f"{candidate} is {CHAMPION}" if passed else f"{candidate} was refused: {'; '.join(against)}"
    return StepResult(
        read=1, written=int(passed), rejected=int(not passed), note=note, refused=() if passed else (note,)
    )


def _of_champion(
    ctx: Context, registry: Registry, candidate: Version, champion: Version | None
) -> tuple[dict[str, Any] | None, str]:
    """The champion's figures on the candidate's own test rows; its recorded ones where it reads another gold."""
    if champion is None:
        return None, ""
    if champion.tags.get("nlp_hash") != candidate.tags["nlp_hash"]:
        return registry.metrics(champion)["test"], " (recorded: it reads tokens of another pipeline)"
    gold = ctx.tables.read("gold", int(candidate.tags["gold_version"])).where("split = 'test' AND label IS NOT NULL")
    classes = classes_of(registry.metrics(champion))
    if classes != classes_of(registry.metrics(candidate)):
        return None, f" (knows {', '.join(classes) or 'numbers'})"
    rows = predicted(ctx, gold, champion).select("label", "_p.*").toPandas()
    outputs = np.stack(rows["probabilities"].to_list()) if classes else rows[["value"]].to_numpy()
    return evaluate(
        rows["label"].to_numpy(object), outputs, classes, rows["prediction"].to_numpy(object)
    ), " on the same rows"


def _move(registry: Registry, candidate: Version, champion: Version | None, passed: bool) -> None:
    client = registry.client
    if not passed:
        client.set_registered_model_alias(registry.name, CHALLENGER, str(candidate.number))
        return
    if champion:
        client.set_registered_model_alias(registry.name, PREVIOUS, str(champion.number))
    client.set_registered_model_alias(registry.name, CHAMPION, str(candidate.number))


def _record(
    ctx: Context,
    candidate: Version,
    champion: Version | None,
    passed: bool,
    reasons: list[Reason],
    metrics: dict[str, Any],
) -> None:
    says = json.dumps([("passed: " if reason.passed else "failed: ") + reason.says for reason in reasons])
    row = (
        ctx.settings.project, ctx.run_id, candidate.name, candidate.number, "promoted" if passed else "refused",
        CHAMPION if passed else CHALLENGER, champion.number if champion else None, says, json.dumps(metrics["test"]),
    )  # fmt: skip
    ctx.tables.ensure(EVENTS)
    ctx.tables.record(EVENTS, [row], once=(f"{ctx.settings.project}.register", candidate.number))
