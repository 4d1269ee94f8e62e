"""How good a model is, for people and for the gate: figures by split, class and slice, how sure they are, and leaks."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.models import mentions
from lakehouse_nlp.model.blocks import sample
from lakehouse_nlp.model.bootstrap import draws, intervals, resampled
from lakehouse_nlp.model.leaks import Leak, leaks
from lakehouse_nlp.model.metrics import calibrations, evaluate, majority
from lakehouse_nlp.model.profile import profile
from lakehouse_nlp.model.rows import Floats
from lakehouse_nlp.model.stacked import StackedModel
from lakehouse_nlp.model.stored import size_mb
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.engines import cores

# A slice of fewer test rows says nothing; of more values than this only the commonest are told.
FEWEST, MOST = 30, 20
# Intervals are drawn from this many rows at most: of more, they would be narrower still.
DRAWN = 50_000
# Rows in the table of errors.
WORST = 200
TIMED = 1000


def figures(model: StackedModel, train: Labelled, validation: Labelled, test: Labelled) -> dict[str, Any]:
    """`test` and `validation` as `evaluate` gives them; `baselines`: the linear one and the guess without features, on
    the test rows; `intervals` of 95 % for the figures of the test rows, `slices` of these by column and value; `leaks`;
    `profile`: how the predictions of the test rows are spread; `calibration` of these by class.

    `classes` and `objective` say how to read them; `rounds` is how many the booster has, and `cut` its threshold.
    """
    classes = model.classes
    model.threads = cores()
    said = model.outputs(test.rows)
    linear = evaluate(test.labels, model.linear_outputs(test.rows), classes)
    guess = evaluate(test.labels, majority(train.labels, len(test), classes), classes)
    signs = leaks(model.features, (train.rows, train.labels), test.rows, (train.keys.tolist(), test.keys.tolist()))
    return {
        "test": _judged(model, test.labels, said),
        "validation": _judged(model, validation.labels, model.outputs(validation.rows)),
        "baselines": {"linear": linear, "majority": guess},
        "intervals": _intervals(model, test.labels, said, test.groups),
        "slices": {name: dict(_slices(model, test, said, name)) for name in test.about},
        "profile": profile(said, model.predictions(said), classes),
        "calibration": calibrations(test.labels, said, classes),
        "leaks": [asdict(sign) for sign in signs],
        "cost": {"row_ms": _row_ms(model, test), "size_mb": size_mb(model)},
        "train_rows": len(train),
        "objective": model.features.task.objective,
        "classes": classes,
        "rounds": model.booster.num_boosted_rounds(),
        "cut": model.cut,
    }


def errors(model: StackedModel, test: Labelled, said: Floats) -> str:
    """The test rows that the model was most wrong about, as CSV, worst first: key, label, prediction, and how wrong.

    That is the probability it left to the label's class, or the number said less the label.
    """
    predictions = model.predictions(said)
    if model.classes:
        own = said[np.arange(len(test)), model.features.task.values(test.labels).astype(np.int64)]
        wrong = np.flatnonzero(predictions != test.labels)
        worst = wrong[np.argsort(own[wrong], kind="stable")]
    else:
        own = said[:, 0] - test.labels.astype(np.float64)
        worst = np.argsort(-np.abs(own), kind="stable")
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["key", "label", "prediction", "probability_of_label" if model.classes else "error"])
    lines.writerows([test.keys[k], test.labels[k], predictions[k], f"{own[k]:.6g}"] for k in worst[:WORST])
    return text.getvalue()


def named_leaks(settings: Settings) -> list[dict[str, Any]]:
    """Features that the label is made of: declared ones, and those that gold makes of the label's columns."""
    features = settings.features
    learnt = [name for name in settings.columns if mentions(settings.label, name)]
    texts = {**dict.fromkeys(settings.text, ""), **dict.fromkeys((*features.numeric, *features.categorical), "")}
    used = {**{name: name for name in texts}, **features.derived}
    used |= {name: lookup.by for name, lookup in features.lookups.items()}
    used |= {name: column for name, (column, _) in features.date_parts.items()}
    found = [(name, column) for name in used for column in learnt if name == column or _reads(used[name], column)]
    return [
        asdict(Leak(True, f"the label is made of {column}, and the feature {name} reads it")) for name, column in found
    ]


def _reads(expression: str, column: str) -> bool:
    try:
        return mentions(expression, column)
    except ValueError:  # a column's name that is no SQL as it stands
        return expression == column


def _row_ms(model: StackedModel, test: Labelled) -> float:
    """Milliseconds of one thread for a row: from text and columns to features, then to outputs in a batch of `TIMED`
    rows, the best of three.
    """
    (rows, _), timed = sample(test.rows, TIMED), replace(model, threads=1)
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        timed.outputs(rows)
        times.append(time.perf_counter() - begun)
    return test.read_ms + min(times) * 1000 / len(rows)


def _judged(model: StackedModel, labels: NDArray[Any], said: Floats) -> dict[str, Any]:
    return evaluate(labels, said, model.classes, model.predictions(said) if model.classes else None)


def _intervals(
    model: StackedModel, labels: NDArray[Any], said: Floats, groups: NDArray[Any] | None
) -> dict[str, list[float]]:
    """Of labels and outputs, and of what rows that belong together have in common, n each."""
    labels, outputs = labels[:DRAWN], said[:DRAWN]
    drawn = draws(len(labels), model.spec.seed, groups=None if groups is None else groups[:DRAWN])
    return intervals(resampled(labels, outputs, model.classes, model.predictions(outputs), drawn))


def _slices(model: StackedModel, test: Labelled, said: Floats, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The figures of the rows of each value, and how sure they are; those of too few rows are left out."""
    texts = np.array(["(missing)" if value is None else value for value in test.about[name]], dtype=object)
    values, rows = np.unique(texts.astype(str), return_counts=True)
    for place in np.argsort(-rows, kind="stable")[:MOST]:
        if rows[place] >= FEWEST:
            inside = texts == values[place]
            labels, outputs = test.labels[inside], said[inside]
            sure = _intervals(model, labels, outputs, None if test.groups is None else test.groups[inside])
            yield str(values[place]), {**_judged(model, labels, outputs), "intervals": sure}
