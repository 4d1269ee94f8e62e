"""What a report says, before it has a form: plain values, read from the tables by `reading.py`.

Times are UTC, shares 0 to 1, `seconds` seconds. Texts that came with the data (names of files, messages, raw rows) are
as they came: only the page escapes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lakehouse_nlp.core.card import Section


@dataclass(frozen=True)
class Run:
    """A run as `ops.runs` has it; `ended_at` and `seconds` are None while it runs, and of a lost one."""

    id: str
    state: str
    env: str
    stages: str
    code: str
    started_at: datetime
    ended_at: datetime | None
    seconds: float | None
    error: str | None


@dataclass(frozen=True)
class Step:
    """A try of a stage, with what it used; None where a release before did not count it."""

    stage: str
    state: str
    tries: int | None
    seconds: float
    read: int | None
    written: int | None
    rejected: int | None
    note: str | None
    error: str | None
    rows_per_second: float | None
    cpu_seconds: float | None
    peak_bytes: int | None
    bytes_read: int | None
    bytes_written: int | None
    price: float | None
    price_per_million: float | None


@dataclass(frozen=True)
class File:
    """What became of a file that the run saw; `why`: the check that it failed, what was found and what was wanted."""

    name: str
    purpose: str
    state: str
    bytes: int
    rows: int | None
    set_aside: int | None
    late: bool | None
    reader: str | None
    failed: str | None
    found: str | None
    wanted: str | None


@dataclass(frozen=True)
class Check:
    """What a check counted in the run's silver step."""

    rule: str
    action: str
    read: int
    broken: int
    share: float | None
    tolerance: float
    outcome: str
    found: str


@dataclass(frozen=True)
class Broken:
    """Rows set aside for a rule that are so still: by the run, and by all of them."""

    rule: str
    here: int
    open: int


@dataclass(frozen=True)
class Example:
    """A row that is set aside, with its first reason; `raw` is cut, `length` is what it was. `line` may be unknown."""

    rule: str
    message: str
    file: str
    line: int | None
    raw: str
    length: int
    reasons: int


@dataclass(frozen=True)
class ColumnChange:
    """A change of a table's columns that the run was the first to meet."""

    table: str
    column: str
    type: str
    change: str
    file: str | None
    found: str | None


@dataclass(frozen=True)
class ModelEvent:
    """What the run decided over a model version, with the gate's sentences."""

    version: int
    event: str
    reasons: Sequence[str]
    who: str | None


@dataclass(frozen=True)
class Model:
    """The champion as the run left it. `test`: its figures on the test rows.

    `calibration`: class -> points (mean probability, share of the class, rows); `intervals`: figure -> 95 % of draws;
    `card`: its sections. The three are empty where the lake has no copy of the model, or one of an earlier release.
    """

    name: str
    version: int
    test: Mapping[str, Any]
    intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    calibration: Mapping[str, Sequence[Sequence[float]]] = field(default_factory=dict)
    card: Sequence[Section] = ()


@dataclass(frozen=True)
class Judged:
    """A distance in one window, and what it may be; both None where there were too few rows."""

    window: str
    value: float | None
    bound: float | None
    state: str
    found: str
    rows: int | None


@dataclass(frozen=True)
class Drift:
    """One thing that monitoring watches, over the last windows, oldest first."""

    kind: str
    subject: str
    method: str
    against: str
    windows: Sequence[Judged]

    @property
    def last(self) -> Judged:
        """What was said of the newest window."""
        return self.windows[-1]

    @property
    def ratio(self) -> float:
        """How far the newest window that was judged is, by what it may be; 0 where none was."""
        judged = (w for w in reversed(self.windows) if w.value is not None and w.bound)
        return next(((w.value or 0.0) / (w.bound or 1.0) for w in judged), 0.0)


@dataclass(frozen=True)
class Past:
    """A run among the last ones, this one included. Rows are None where the stage did not run."""

    id: str
    state: str
    started_at: datetime
    seconds: float | None
    taken: int | None
    judged: int | None
    aside: int | None
    scored: int | None
    price: float | None
    cpu_seconds: float | None
    figure: float | None = None

    @property
    def share_aside(self) -> float | None:
        """The share of the rows that silver read which it set aside."""
        return self.aside / self.judged if self.judged and self.aside is not None else None


@dataclass(frozen=True)
class Alert:
    """What somebody was to be told in the run, and what became of telling it."""

    severity: str
    reason: str
    next: str
    outcome: str


@dataclass(frozen=True)
class Facts:
    """All that a report says of a run and its project. `rows`: table -> its rows as the run left it; `metric`: the
    figure that the gate judges by; `blocked`: why no run begins now; `came`: state -> files, of which `files` are the
    first;
    `history`: figures of files, checks and steps against those of the runs before.
    """

    project: str
    description: str
    made_at: datetime
    code: str
    currency: str
    metric: str
    run: Run
    blocked: str | None = None
    steps: Sequence[Step] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    files: Sequence[File] = ()
    came: Mapping[str, int] = field(default_factory=dict)
    checks: Sequence[Check] = ()
    broken: Sequence[Broken] = ()
    examples: Sequence[Example] = ()
    changes: Sequence[ColumnChange] = ()
    events: Sequence[ModelEvent] = ()
    model: Model | None = None
    drift: Sequence[Drift] = ()
    history: Sequence[Drift] = ()
    past: Sequence[Past] = ()
    alerts: Sequence[Alert] = ()

    @property
    def monitored(self) -> bool:
        """Whether the run itself judged what was scored."""
        monitor = self.step("monitor")
        return monitor is not None and monitor.state == "done"

    def step(self, stage: str) -> Step | None:
        """The last try of a stage in the run."""
        return next((step for step in reversed(self.steps) if step.stage == stage), None)
