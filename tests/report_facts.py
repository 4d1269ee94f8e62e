"""Facts of a run that never was, for the tests of its page: every section has something, and attacks in its texts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from lakehouse_nlp.core.card import Section
from lakehouse_nlp.report.facts import (
    Alert,
    Broken,
    Check,
    ColumnChange,
    Drift,
    Example,
    Facts,
    File,
    Judged,
    Model,
    ModelEvent,
    Past,
    Run,
    Step,
)

NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
RUN = "20240501T120000-aaaaaa"
# Each would set the page's title if it were run.
SCRIPT = "<script>document.title='owned'</script>"
IMAGE = '"><img src=x onerror="document.title=\'owned\'">'
CLOSING = "</style></svg></title></pre><svg onload=\"document.title='owned'\">"
ATTACKS = (SCRIPT, IMAGE, CLOSING)
LONG = "a" * 300


def step(stage: str, state: str = "done", **changes: Any) -> Step:
    """A step of two seconds that read 1,000 rows and wrote 990."""
    usual = {
        "tries": 1, "seconds": 2.0, "read": 1000, "written": 990, "rejected": 0, "note": "990 rows", "error": None,
        "rows_per_second": 500, "cpu_seconds": 1.5, "peak_bytes": 10**9, "bytes_read": 10**6, "bytes_written": 10**6,
        "price": 0.25, "price_per_million": 250.0,
    }  # fmt: skip
    return Step(stage=stage, state=state, **{**usual, **changes})


def past(number: int, **changes: Any) -> Past:
    """The run of a day in April; with 30 the run itself."""
    at = NOON - timedelta(days=30 - number)
    usual = {
        "id": RUN if number == 30 else f"{at:%Y%m%dT%H%M%S}-{number:06x}", "state": "done", "started_at": at,
        "seconds": 60.0 + number, "taken": 1000 + number, "judged": 1000 + number, "aside": number % 7,
        "scored": 990 + number, "price": 0.5, "cpu_seconds": 30.0, "figure": 0.94,
    }  # fmt: skip
    return Past(**{**usual, **changes})


def drift(subject: str, *values: float | None, bound: float = 0.1, **changes: Any) -> Drift:
    """Something that is watched, a value a day up to noon; the last is beyond its bound where it is so."""
    windows = [
        Judged(
            f"{NOON - timedelta(days=len(values) - 1 - k):%Y-%m-%d}",
            value,
            None if value is None else bound,
            "not judged" if value is None else "drifted" if value > bound else "stable",
            f"{subject}: psi {value} from training",
            None if value is None else 500,
        )
        for k, value in enumerate(values)
    ]
    usual = {"kind": "inputs", "subject": subject, "method": "psi", "against": "training", "windows": windows}
    return Drift(**{**usual, **changes})


MODEL = Model(
    "tiny",
    3,
    {
        "rows": 500, "accuracy": 0.9123, "roc_auc": 0.9517, "log_loss": 0.21,
        "confusion": {"bad": {"bad": 80, SCRIPT: 20}, SCRIPT: {"bad": 24, SCRIPT: 376}},
    },
    {"roc_auc": [0.94, 0.96]},
    {SCRIPT: [[0.1, 0.05, 50], [0.5, 0.55, 50], [0.9, 0.93, 50]]},
    [
        Section("What it is", [f"Learnt from {IMAGE}"], [["about", "is"], ["label", CLOSING]]),
        Section("What it looks at", [], [["feature", "moves by"], [LONG, "0.1"]]),
    ],
)  # fmt: skip


def facts(**changes: Any) -> Facts:
    """A run that set rows aside, refused a file and a model, drifted, and whose texts attack whoever shows them."""
    error = f"{SCRIPT}.csv went to errors/: empty; tiny/4 was refused: {IMAGE}"
    stages = "ingest silver gold train register score monitor"
    run = Run(RUN, "rejected", "local", stages, "0.1.0", NOON, NOON + timedelta(seconds=95.5), 95.5, error)
    usual = Facts(
        project="tiny",
        description=f"Orders {CLOSING}",
        made_at=NOON + timedelta(hours=1),
        code="0.1.0",
        currency="EUR",
        metric="roc_auc",
        run=run,
        steps=[
            step("ingest", rejected=1, written=1000),
            step("silver", rejected=7, note=f"note {SCRIPT}"),
            step("gold", "failed", tries=1, error=f"[Errno 5] {IMAGE}"),
            step("gold", tries=2),
            step("train", read=12_345),
            step("register", "idle", read=0, written=0),
            step("score"),
            step("monitor", written=21),
        ],
        rows={"bronze": 25_000, "silver": 24_321, "quarantine": 321, "gold": 24_321, "predictions": 24_321},
        files=[
            File(f"{SCRIPT}.csv", "train", "rejected", 0, None, None, None, None, "size", f"0 bytes {IMAGE}", "1"),
            File(f"{LONG}.jsonl", "inference", "loaded", 41_700, 1000, 2, True, "jsonl: from_json", None, None, None),
        ],
        came={"rejected": 1, "loaded": 1},
        checks=[
            Check(f"in_set({IMAGE})", "fail", 1000, 3, 0.003, 0.01, "tolerated", f"share {SCRIPT}"),
            Check("type(rating)", "quarantine", 1000, 7, 0.007, 0.0, "failed", "share of rows is 0.007"),
            Check("row_count", "warn", 1000, 0, None, 0.0, "passed", "1,000 rows"),
        ],
        broken=[Broken("type(rating)", 7, 300), Broken(LONG, 0, 21)],
        examples=[
            Example("type(rating)", f"rating is no int: {attack!r}", f"{IMAGE}.csv", k, f"{k}: {attack}", 900 + k, 2)
            for k, attack in enumerate(ATTACKS)
        ] + [Example(LONG, "turns \u202e and hides \x00", "x.csv", None, "\x1b[31m" + LONG, 400, 1)],
        changes=[ColumnChange("silver", IMAGE, "string", "added", f"{SCRIPT}.csv", CLOSING)],
        events=[ModelEvent(4, "refused", [f"passed: {SCRIPT}", "roc_auc 0.90, the champion has 0.95"], IMAGE)],
        model=MODEL,
        drift=[
            drift("price", 0.02, None, 0.05, 0.42),
            drift(SCRIPT, 0.01, 0.02, 0.03, 0.04),
            drift("confidence", None, None, None, None, kind="outputs"),
        ],
        history=[drift("files: rows", 5.0, kind="data", method="history", against="last runs")],
        past=[past(k, state="failed" if k == 24 else "done") for k in range(11, 31)],
        alerts=[Alert("error", f"tiny failed: {SCRIPT}", "lakehouse-nlp runs", "failed")],
    )  # fmt: skip
    return replace(usual, **changes)


def bare() -> Facts:
    """The first run of a project, of which nothing is known but that it failed."""
    error = f"no such file: {LONG}\n  next: lakehouse-nlp add FILE"
    run = Run(RUN, "failed", "local", "ingest silver", "0.1.0", NOON, NOON, 0.4, error)
    return Facts("tiny", "", NOON, "0.1.0", "EUR", "roc_auc", run,
                 past=[past(30, state="failed", seconds=0.4, taken=None, judged=None, aside=None, scored=None,
                            price=None, cpu_seconds=None, figure=None)])  # fmt: skip
