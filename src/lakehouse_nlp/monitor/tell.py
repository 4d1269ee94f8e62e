"""Who is told of verdicts: the operators, of those whose action is `alert`, in one message a model and kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lakehouse_nlp.core.alerts import alert
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.settings.alerts import Severity
from lakehouse_nlp.monitor.drift import Said
from lakehouse_nlp.monitor.verdicts import Verdict

SHOWN = 5  # sentences of one message; the rest is in ops.drift


def drifted(ctx: Context, said: Iterable[Said]) -> None:
    """Alerts those whom the settings name. The same things that drift again within `alerts.repeat` are told once."""
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for model, _, verdict in said:
        if verdict.state == "drifted" and verdict.action == "alert":
            groups.setdefault((model or ctx.settings.project, verdict.finding.kind), []).append(verdict)
    for (of, kind), verdicts in sorted(groups.items()):
        severity: Severity = "critical" if any(v.severity == "critical" for v in verdicts) else "warning"
        names = sorted({v.finding.subject for v in verdicts})
        alert(ctx, severity, _message(of, kind, verdicts), _next(ctx, kind), key=f"{of} {kind}: {', '.join(names)}")


def subjects(said: Iterable[Said]) -> list[str]:
    """What has drifted, sorted."""
    return sorted({verdict.finding.subject for _, _, verdict in said if verdict.state == "drifted"})


def _message(of: str, kind: str, verdicts: Sequence[Verdict]) -> str:
    sentences = list(dict.fromkeys(verdict.finding.says for verdict in verdicts))
    more = [f"and {len(sentences) - SHOWN} more"] if len(sentences) > SHOWN else []
    return f"{of}: {kind} drifted" + "".join(f"\n  {says}" for says in [*sentences[:SHOWN], *more])


def _next(ctx: Context, kind: str) -> str:
    where = f"run_id = '{ctx.run_id}' and kind = '{kind}' and state = 'drifted'"
    return f'lakehouse-nlp sql "select subject, value, bound, found from ops.drift where {where}"'
