"""Windows counted, kept and judged: predictions by model version, and files, checks and steps by their history.

Windows are written first, verdicts next and the figures, which carry the stage's position, last: a run that was killed
between them writes the same rows in the place of the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.pending import Pending
from lakehouse_nlp.core.registry import REFERENCE, Registry, Version, classes_of
from lakehouse_nlp.model.reference import Reference
from lakehouse_nlp.monitor import history, kept, machine
from lakehouse_nlp.monitor.centroids import vector_sums, vectors_of
from lakehouse_nlp.monitor.judge import Finding, Window, findings
from lakehouse_nlp.monitor.performance import performance
from lakehouse_nlp.monitor.verdicts import Verdict, verdicts
from lakehouse_nlp.monitor.windows import SOURCE, labels, outcomes, scored, texts, windows

BEGINNING = -1
LATE = {"label", "outcomes"}  # what comes to a window with its labels

Said = tuple[str | None, str, Verdict]  # model, window, verdict


def judge(ctx: Context, found: Pending | None) -> list[Said]:
    """Judges files, checks, steps and machine by their history, and what was scored since; each verdict with its model
    and window.
    """
    machine.record(ctx)
    said: list[Said] = [
        (None, ctx.run_id, verdict) for verdict in verdicts([history.findings(ctx)], ctx.settings.monitor)
    ]
    since = None
    if found:
        since = BEGINNING if found.since is None else found.since
        said += _scored(ctx, found, since)
    kept.judged(ctx, said, since)
    return said


def _scored(ctx: Context, found: Pending, since: int) -> Iterator[Said]:
    """The verdicts on the windows of predictions, model by model."""
    registry = Registry(ctx)
    models = {number: registry.get(number) for number in _versions(ctx, found)}
    references = {number: reference for number, of in models.items() if (reference := _reference(registry, of))}
    counted = {number: _counted(ctx, found, models[number], each, since) for number, each in references.items()}
    kept.keep(ctx, {str(models[number]): each for number, each in counted.items()}, since)
    for number, reference in sorted(references.items()):
        figures = registry.metrics(models[number])
        yield from _of_model(ctx, str(models[number]), counted[number], reference, figures)


def _versions(ctx: Context, found: Pending) -> list[int]:
    rows = ctx.tables.changes(SOURCE, found.since, found.upto, ("key", "model", "version"))
    return sorted(row["version"] for row in rows.select("version").distinct().collect())


def _reference(registry: Registry, version: Version) -> Reference | None:
    """What is kept with the model; None for models of earlier releases, whose predictions are not judged."""
    client = registry.client
    if REFERENCE not in {item.path for item in client.list_artifacts(version.run_id)}:
        registry.ctx.say(f"monitor: {version} has no reference; the next that is trained has, and will be judged")
        return None
    return Reference.from_json(registry.text(version, REFERENCE))


def _counted(ctx: Context, found: Pending, version: Version, reference: Reference, since: int) -> list[Window]:
    """The histograms of a version's new rows, and the outcomes of those whose labels are known, window by window."""
    classes = classes_of(Registry(ctx).metrics(version))
    rows = scored(ctx, found, version.number).persist()
    try:
        made = {window.name: window for window in windows(ctx, rows, reference, classes, since)}
        for (name, at), sums in outcomes(ctx, rows, numbers=not classes).items():
            window = made.get(name, Window(name, at, since, {}))
            of = {**window.of, "label": labels(reference["label"], sums["confusion"])} if classes else window.of
            made[name] = replace(window, of=of, more={**window.more, "outcomes": sums})
        if reference.centroid and (vectors := vectors_of(ctx, version)):
            for (name, _), sums in vector_sums(texts(ctx, rows), vectors).items():
                made[name] = replace(made[name], more={**made[name].more, "vectors": sums})
    finally:
        rows.unpersist()
    return [made[name] for name in sorted(made)]


def _of_model(
    ctx: Context, model: str, counted: Sequence[Window], reference: Reference, figures: Mapping[str, Any]
) -> Iterator[Said]:
    """The verdicts on what came to windows: inputs and outputs, and how good the model is. Where only labels came to a
    window, its inputs were judged before.
    """
    settings, known = ctx.settings.monitor, kept.windows(ctx, model)
    by_day = settings.window == "day"
    came: dict[str, set[str]] = {}  # window -> what something came to
    for window in counted:
        came.setdefault(f"{window.at:%Y-%m-%d}" if by_day else window.name, set()).update([*window.of, *window.more])
    classes = classes_of(dict(figures))

    def good(place: int) -> Iterable[Finding]:
        sums = known[place].more.get("outcomes")
        return performance(figures["test"], classes, sums, settings) if sums else ()

    for place, window in enumerate(known):
        if window.name not in came:
            continue
        last = range(max(0, place - settings.of + 1), place + 1)
        spread = [findings(reference, known[k], known[:k], settings) for k in last]
        for each in (*verdicts(spread, settings), *verdicts([good(k) for k in last], settings)):
            if came[window.name] - LATE or each.finding.kind in ("labels", "performance"):
                yield model, window.name, each
