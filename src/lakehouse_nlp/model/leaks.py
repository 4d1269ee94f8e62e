"""Signs that a model knows what it cannot know: features that give the label away, rows that are on both sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lakehouse_nlp.model.features import Features
from lakehouse_nlp.model.metrics import rank_auc
from lakehouse_nlp.model.rows import Floats, Rows

# From here on one column alone tells the classes apart as no honest column does.
TELLS_ALL = 0.995
# Rows that training has too, from this share on, make the test split say too much.
COPIES = 0.05
MANY = 20


@dataclass(frozen=True)
class Leak:
    """One sign. `grave`: the figures are not to be believed; else they are to be looked at."""

    grave: bool
    says: str


def leaks(
    features: Features, train: tuple[Rows, NDArray[Any]], test: Rows, keys: tuple[Sequence[str], Sequence[str]]
) -> list[Leak]:
    """The signs in rows and labels; `keys`: of the training rows and of the test rows."""
    return [*_shared(*keys), *_copies(features, train[0], test), *_telling(features, *train)]


def _shared(train: Sequence[str], test: Sequence[str]) -> list[Leak]:
    both = sorted(set(train) & set(test))
    return [Leak(True, f"{len(both):,} keys are in training and test rows, such as {both[0]!r}")] if both else []


def _copies(features: Features, train: Rows, test: Rows) -> list[Leak]:
    """Test rows whose every feature a training row has too. Rows without terms and columns have nothing to share."""
    seen = set(_prints(features, train))
    share = float(np.mean([row in seen for row in _prints(features, test)])) if len(test) else 0.0
    return (
        [Leak(False, f"{share:.1%} of the test rows equal a training row in every feature")] if share > COPIES else []
    )


def _prints(features: Features, rows: Rows) -> list[bytes]:
    seen = features.of(rows)
    return [seen.data[a:b].tobytes() + seen.indices[a:b].tobytes() for a, b in pairwise(seen.indptr)]


def _telling(features: Features, rows: Rows, labels: NDArray[Any]) -> list[Leak]:
    """Columns that alone outrank a class: numbers by their order, categories by the share of it among their values."""
    task = features.task
    found: dict[str, float] = {}
    for member in task.columns(task.values(labels)).T if task.classes else []:
        for name, column in _alone(features, rows, member):
            auc = rank_auc(member > 0, column)
            found[name] = max(found.get(name, 0.0), auc, 1.0 - auc)
    says = "alone tells the label (AUC {:.4f}): is it known when a row is to be scored?"
    return [Leak(True, f"{name} {says.format(auc)}") for name, auc in found.items() if auc > TELLS_ALL]


def _alone(features: Features, rows: Rows, member: Floats) -> Iterator[tuple[str, Floats]]:
    """Each column as one number a row; a missing number is below all."""
    yield from zip(features.spec.numeric, np.where(np.isnan(rows.numeric), -np.inf, rows.numeric).T, strict=True)
    columns = zip(features.spec.categorical, features.columns.places(rows), features.columns.levels, strict=True)
    for name, codes, known in columns:
        if len(known) < len(rows) / MANY:  # of more values, each row's label is a good part of its own mean
            often = np.maximum(np.bincount(codes + 2, minlength=len(known) + 2), 1)
            yield name, (np.bincount(codes + 2, member, minlength=len(known) + 2) / often)[codes + 2]
