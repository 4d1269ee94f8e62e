"""From findings to verdicts: how often of late a thing was beyond its bound, and what is asked for then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from lakehouse_nlp.core.settings.monitoring import Monitor
from lakehouse_nlp.monitor.judge import Finding

State = Literal["not judged", "stable", "moved", "drifted"]
Severity = Literal["info", "warning", "critical"]
# So many times its bound makes what has drifted critical; what the model says and gets right is so at once.
GRAVE = 2.0
AT_ONCE = ("data", "runs")


@dataclass(frozen=True)
class Verdict:
    """What is said of a subject in a window: `times` it was beyond its bound in the last windows, this one included."""

    finding: Finding
    times: int
    state: State
    severity: Severity
    action: str


def verdicts(windows: Sequence[Iterable[Finding]], settings: Monitor) -> list[Verdict]:
    """The verdicts on the last of these windows, given the findings of each, oldest first."""
    last = [list(findings) for findings in windows[-settings.of :]]
    beyond = [{_what(finding) for finding in findings if finding.beyond} for findings in last]
    return (
        [_verdict(each, sum(_what(each) in found for found in beyond), settings) for each in last[-1]] if last else []
    )


def _what(finding: Finding) -> tuple[str, ...]:
    return finding.kind, finding.subject, finding.method, finding.against


def _verdict(finding: Finding, times: int, settings: Monitor) -> Verdict:
    enough = 1 if finding.kind in AT_ONCE else settings.times
    if finding.comparison is None:
        return Verdict(finding, times, "not judged", "info", "none")
    if not finding.beyond:
        return Verdict(finding, times, "stable", "info", "none")
    if times < enough:
        return Verdict(finding, times, "moved", "info", "none")
    grave = finding.kind == "performance" or finding.comparison.value > GRAVE * finding.comparison.bound
    severity: Severity = "critical" if grave and finding.kind not in AT_ONCE else "warning"
    return Verdict(finding, times, "drifted", severity, str(getattr(settings.actions, finding.kind)))
