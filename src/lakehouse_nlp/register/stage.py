"""The register stage: judge the newest version, move the aliases, write down why."""

from __future__ import annotations

from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.events import REFUSED, last_champion, record
from lakehouse_nlp.core.registry import CHALLENGER, CHAMPION, PREVIOUS, Registry, Version
from lakehouse_nlp.register.aliases import move
from lakehouse_nlp.register.export import export
from lakehouse_nlp.register.gate import Reason, judge
from lakehouse_nlp.register.rival import rival


def due(ctx: Context) -> str | None:
    """A version that the gate has not judged."""
    newest = Registry(ctx).newest()
    return f"version {newest.number} waits for the gate" if newest and "gate" not in newest.tags else None


def size(ctx: Context) -> int:
    """One version, whatever it holds."""
    return 1


def run(ctx: Context) -> StepResult:
    """Makes the newest version champion if it passes every test; else it is challenger, and the run is `rejected`."""
    registry = Registry(ctx)
    candidate = registry.newest()
    if candidate and "gate" in candidate.tags:
        return StepResult(note=f"{candidate} was judged before: {candidate.tags['gate']}")
    if candidate is None:
        raise DataError(f"register: no version of model {registry.name}", hint="lakehouse-nlp run train")
    mode, champion = ctx.settings.register.mode, registry.alias(CHAMPION)
    gone = None if champion else last_champion(ctx)
    if champion and champion.number == candidate.number:  # an earlier run was killed after it moved the alias
        champion = registry.alias(PREVIOUS)
    reasons = [] if mode == "off" else _reasons(ctx, registry, candidate, champion, gone)
    passed = all(reason.passed for reason in reasons)
    crowned = passed and mode != "dry_run"
    if crowned:
        move(registry, candidate, champion)
        export(ctx, candidate)
    event, alias = ("promoted", CHAMPION) if crowned else ("passed" if passed else REFUSED, CHALLENGER)
    says = [("passed: " if reason.passed else "failed: ") + reason.says for reason in reasons]
    previous = champion.number if champion else None
    app = f"{ctx.settings.project}.register.{candidate.run_id}"  # a registry that was made anew counts from 1 again
    record(ctx, candidate, event, alias, previous, says, once=(app, candidate.number))
    if not crowned:  # after the ledger has why: a canary that was refused is known by it
        registry.client.set_registered_model_alias(registry.name, CHALLENGER, str(candidate.number))
    registry.client.set_model_version_tag(
        registry.name, str(candidate.number), "gate", "passed" if passed else "refused"
    )
    if passed:
        note = f"{candidate} is {alias}" + (" (dry run: it passed the gate)" if mode == "dry_run" else "")
        return StepResult(read=1, written=int(alias == CHAMPION), note=note)
    note = f"{candidate} was refused: {'; '.join(reason.says for reason in reasons if not reason.passed)}"
    return StepResult(read=1, rejected=1, note=note, refused=(note,))


def _reasons(
    ctx: Context, registry: Registry, candidate: Version, champion: Version | None, gone: int | None
) -> list[Reason]:
    """What the gate finds; `gone`: the version that the ledger has as champion, where the registry has none."""
    found = rival(ctx, registry, candidate, champion)
    reasons = judge(
        ctx.settings.register, registry.metrics(candidate), found.figures, found.basis, found.slices, found.ahead
    )
    if gone is not None:
        reasons.append(Reason(False, f"version {gone} was champion and is no more: lakehouse-nlp promote says who is"))
    return reasons
