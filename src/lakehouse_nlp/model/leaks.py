"""Signs that a model knows what it cannot know: features that give the label away, rows that are on both sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lakehouse_nlp.model.blocks import Blocks, sample
from lakehouse_nlp.model.features import Features
from lakehouse_nlp.model.metrics import rank_auc
from lakehouse_nlp.model.rows import Floats, Rows

# From here on one column alone tells the classes apart as no honest column does.
TELLS_ALL = 0.995
# Rows that training has too, from this share on, make the test split say too much.
COPIES = 0.05
MANY = 20
LOOKED_AT = 100_000


@dataclass(frozen=True)
class Leak:
    """One sign. `grave`: the figures are not to be believed; else they are to be looked at."""

    grave: bool
    says: str


def leaks(
    features: Features,
    train: tuple[Rows | Blocks[Rows], NDArray[Any]],
    test: Rows | Blocks[Rows],
    keys: tuple[Sequence[str], Sequence[str]],
) -> list[Leak]:
    """The signs in rows and labels; `keys`: of the training rows and of the test rows."""
    return [*_shared(*keys), *_copies(train[0], test), *_telling(features, *train)]


def _shared(train: Sequence[str], test: Sequence[str]) -> list[Leak]:
    both = sorted(set(train) & set(test))
    return [Leak(True, f"{len(both):,} keys are in training and test rows, such as {both[0]!r}")] if both else []


def _copies(train: Rows | Blocks[Rows], test: Rows | Blocks[Rows]) -> list[Leak]:
    """Test rows that a training row equals in text, numbers and categories."""
    asked = prints(test)
    found = np.zeros(len(asked), dtype=bool)
    for some in train.each(lambda _, rows: prints_of(rows)):
        found |= np.isin(asked, some)
    share = float(found.mean()) if len(found) else 0.0
    return (
        [Leak(False, f"{share:.1%} of the test rows equal a training row in every feature")] if share > COPIES else []
    )


def prints(rows: Rows | Blocks[Rows]) -> NDArray[np.uint64]:
    """A fingerprint of each row, n: equal rows have equal ones, and others as good as never."""
    return np.concatenate(list(rows.each(lambda _, block: prints_of(block))))


def prints_of(rows: Rows) -> NDArray[np.uint64]:
    """The sum of the hashes of what a row has: terms with their counts, and columns and vectors with their values."""
    from pandas.util import hash_array

    counts = rows.counts
    cells = hash_array(counts.indices.astype(np.uint64)) * (2 * counts.data.astype(np.uint64) + 1)
    ends = np.append(np.uint64(0), np.cumsum(cells, dtype=np.uint64))
    found = ends[counts.indptr[1:]] - ends[counts.indptr[:-1]]
    for place, column in enumerate([*_numbers(rows), *rows.categorical.T]):
        values = column if column.dtype != object else np.where(column == np.array(None), "\0", column)
        found += hash_array(np.ascontiguousarray(values)) * np.uint64(2 * place + 3)
    return np.asarray(found, dtype=np.uint64)


def _numbers(rows: Rows) -> Iterator[NDArray[Any]]:
    """The columns of numbers and of the text's vector, without the sign of a zero."""
    yield from rows.numeric.T + 0.0
    yield from rows.vectors.T + 0.0


def _telling(features: Features, rows: Rows | Blocks[Rows], labels: NDArray[Any]) -> list[Leak]:
    """Columns that alone outrank a class: numbers by their order, categories by the share of it among their values.

    Of many rows, `LOOKED_AT` are looked at.
    """
    task = features.task
    if not task.classes or not (features.spec.numeric or features.spec.categorical):
        return []
    some, positions = sample(rows, LOOKED_AT)
    found: dict[str, float] = {}
    for member in task.columns(task.values(labels[positions])).T:
        for name, column in _alone(features, some, member):
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
