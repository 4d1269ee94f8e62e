"""What `current_predictions` shows, changed only to predictions that are whole and pass the checks (blue/green).

The switch is one row of `ops.model_events`, which the view reads: nothing is copied, and one commit switches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.events import CURRENT, SHOWN, Shown, record, refused_challenger, shown
from lakehouse_nlp.core.registry import CHALLENGER, Version
from lakehouse_nlp.model.profile import psi
from lakehouse_nlp.score.named import Named

# Whether the version `new`, made by `run`, has the rows of gold and no others, by their number and the sum of their
# hashes: a join would hold every key in memory.
SAME = """
WITH said AS (
  SELECT count(*) AS rows, bit_xor(hash(key, row_hash)) AS sum,
         count(*) FILTER (WHERE coalesce(probability, value) IS NULL) AS empty
  FROM {project}.predictions WHERE version = $new AND model_run_id = $run
), wanted AS (SELECT count(*) AS rows, bit_xor(hash(key, row_hash)) AS sum FROM {project}.gold)
SELECT rows, rows AS scored, empty FROM said JOIN wanted USING (rows, sum)
"""
# Rows of gold by class, now and before, of the version `new`, made by `run`, beside `old`; a regression has no classes.
COUNTS = """
WITH said AS (
  SELECT key, row_hash, version, model_run_id, CASE WHEN value IS NULL THEN prediction END AS class,
         coalesce(probability, value) IS NULL AS empty
  FROM {project}.predictions WHERE version IN ($new, $old)
)
SELECT n.class AS now, o.class AS before, count(*) AS rows, count(n.key) AS scored,
       count(*) FILTER (WHERE n.empty) AS empty
FROM {project}.gold AS g
LEFT JOIN said AS n ON n.key = g.key AND n.row_hash = g.row_hash AND n.version = $new AND n.model_run_id = $run
LEFT JOIN said AS o ON o.key = g.key AND o.row_hash = g.row_hash AND o.version = $old
GROUP BY ALL
"""

Check = tuple[bool, str]  # whether it passed, and what was found


def waits(ctx: Context, versions: Named) -> bool:
    """Whether something else is to be shown than is, and would pass the checks."""
    past, then = shown(ctx), _wanted(ctx, versions)
    return past[:1] != [then] and all(passed for passed, _ in _checks(ctx, versions, then, past))


def switched(ctx: Context, versions: Named) -> tuple[str, bool]:
    """Shows what is to be shown, if it passes the checks; a few words about it, and whether it was held back.

    A version that is held back leaves the view as it is, and is judged again by the next run.
    """
    past, then = shown(ctx), _wanted(ctx, versions)
    if past[:1] == [then]:
        return "", False
    checks = _checks(ctx, versions, then, past)
    failed = [says for passed, says in checks if not passed]
    says = [("passed: " if passed else "failed: ") + says for passed, says in checks]
    before = past[0].version if past else None
    first = versions[ctx.settings.score.models[0]]
    record(ctx, first, "held back" if failed else SHOWN, CURRENT, before, says, to=then)
    if failed:
        return f"current_predictions shows version {before or 'none'} still: {'; '.join(failed)}", True
    share = f", version {then.canary} for {then.share:.4g} of the keys" if then.canary else ""
    return f"current_predictions shows version {then.version}{share}", False


def whole(ctx: Context, version: Version) -> Check:
    """Whether this version has scored every row of gold, with the content that it has now."""
    return _judged(ctx, version, None)[0]


def withheld(ctx: Context, versions: Named) -> str:
    """That the second of the models is no canary because the gate refused it, and what makes it one; else empty."""
    canary = _second(ctx, versions)
    if not (canary and _refused(ctx, canary)):
        return ""
    first = ctx.settings.score.models[0]
    return f"{canary} was refused by the gate and is no canary, unless score.models is [{first}, {canary.number}]"


def _wanted(ctx: Context, versions: Named) -> Shown:
    """The first of the models, and the second, where it is there and not refused, for the share that is a canary's."""
    shown, canary = versions[ctx.settings.score.models[0]].number, _second(ctx, versions)
    if canary is None or _refused(ctx, canary):
        return Shown(shown)
    return Shown(shown, canary.number, ctx.settings.score.canary)


def _second(ctx: Context, versions: Named) -> Version | None:
    """The second of the models, where the settings give it a share of the keys."""
    others = ctx.settings.score.models[1:]
    return versions.get(others[0]) if others and ctx.settings.score.canary else None


def _refused(ctx: Context, canary: Version) -> bool:
    """Whether nobody but the gate, by refusing it, named this version."""
    return ctx.settings.score.models[1] == CHALLENGER and refused_challenger(ctx, canary.number)


def _checks(ctx: Context, versions: Named, then: Shown, past: Sequence[Shown]) -> list[Check]:
    """What speaks for and against the versions that are not shown yet."""
    now = past[0] if past else None
    known = {now.version, now.canary} if now else set()
    wanted = {then.version, then.canary} - known
    new = [version for version in versions.values() if version.number in wanted]
    return [check for version in new for check in _judged(ctx, version, now.version if now else None)]


def _judged(ctx: Context, version: Version, old: int | None) -> list[Check]:
    bounds, new, drifts = ctx.settings.score, version.number, ctx.settings.score.max_drift
    asked = {"new": new, "run": version.run_id}
    found = [] if drifts else _asked(ctx, SAME, asked)
    found = found or _asked(ctx, COUNTS, {**asked, "old": old})
    rows, scored, empty = (sum(row[name] for row in found) for name in ("rows", "scored", "empty"))
    checks = [
        (scored == rows, f"version {new} scored {scored:,} of {rows:,} rows of gold"),
        (empty <= bounds.max_nulls * scored, f"{empty:,} of these without probability or number, of version {new}"),
    ]
    if drifts and (moved := _drift(found)) is not None:
        says = f"classes of version {new} moved by {moved:.4f} from version {old}, at most {drifts:g} wanted"
        checks.append((moved <= drifts, says))
    return checks


def _asked(ctx: Context, query: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    project = ctx.settings.project
    tables = [f"{project}.gold", f"{project}.predictions"]
    return duck.rows(ctx.root, query.replace("{project}", project), parameters, only=tables)


def _drift(found: Sequence[dict[str, Any]]) -> float | None:
    """How far the shares of the classes moved on rows that both versions have scored; None where none are."""
    now: Counter[str] = Counter()
    before: Counter[str] = Counter()
    for row in found:
        if row["now"] is not None and row["before"] is not None:
            now[row["now"]] += row["rows"]
            before[row["before"]] += row["rows"]
    names, rows = sorted(now | before), now.total()
    return psi([before[name] / rows for name in names], [now[name] / rows for name in names]) if rows else None
