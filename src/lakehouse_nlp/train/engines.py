"""Where the training rows are held and the booster is made: in memory, in batches on disk, or on a cluster.

All three make the same features of the same rows in the same order, and differ in the last bits of sums.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lakehouse_nlp.core.settings.learning import Train
from lakehouse_nlp.model.blocks import Spool
from lakehouse_nlp.model.booster import Boosting, Learner
from lakehouse_nlp.model.rows import Rows, Spec
from lakehouse_nlp.train import blocks
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.source import Source

if TYPE_CHECKING:
    from lakehouse_nlp.core.settings import Settings

# Bytes that fitting in memory takes for each n-gram of a text (counts, weights, and copies by fold) and for each value
# of a column, as `benchmarks/train.py` shows them.
CELL, VALUE, MB = 64, 40, 2**20
# Rows that are vectorised at a time: the n-grams of each are many numbers for a moment.
READ = 4_000
# A cluster's steps cost seconds each: it is worth them for so many times the rows that memory holds.
CLUSTER = 10


def cores() -> int:
    """The cores that this process may use: fewer than the machine has, where it is bound to some."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Engine(Protocol):
    """One of the three."""

    def part(self, split: str) -> Labelled:
        """The rows of a split."""

    def learner(self, boosting: Boosting) -> Learner:
        """What makes the boosters."""


@dataclass(frozen=True)
class Choice:
    """An engine's name, and why it was taken."""

    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name} ({self.why})"


def choose(settings: Settings, source: Source) -> Choice:
    """The engine that the settings name; for `auto` the one that the rows ask for: the same rows, the same engine.

    What is to go on from a champion is not sent to a cluster: see `Distributed.fit`.
    """
    train = settings.train
    if train.engine != "auto":
        return Choice(train.engine, "by train.engine")
    rows, tokens = source.size()
    expected = expected_mb(rows, tokens, source.spec)
    why = f"{rows:,} rows, about {expected:,} MB; train.memory_mb is {train.memory_mb:,}"
    if expected <= train.memory_mb:
        return Choice("memory", why)
    there = not (settings.spark.master or "").startswith("local") and not train.warm_start
    return Choice("cluster" if there and expected > CLUSTER * train.memory_mb else "batches", why)


def expected_mb(rows: int, tokens: int, spec: Spec) -> int:
    """Megabytes that fitting so many rows in memory would take at most."""
    cells = tokens * spec.ngrams if spec.buckets else 0
    values = 1 + len(spec.numeric) + len(spec.categorical) + (spec.vectors.size if spec.vectors else 0)
    return -(-(CELL * cells + VALUE * rows * values) // MB)


def opened(choice: Choice, source: Source, train: Train) -> AbstractContextManager[Engine]:
    """The engine, which holds its rows until it is left."""
    if choice.name == "memory":
        return nullcontext(Memory(source))
    if choice.name == "batches":
        return nullcontext(Batches(source, train.batch_rows))
    from lakehouse_nlp.train.cluster import cluster

    return cluster(source, train)


@dataclass(frozen=True)
class Memory:
    """All rows in this process."""

    source: Source

    def part(self, split: str) -> Labelled:
        """The rows of a split."""
        source = self.source
        return blocks.joined(list(source.chunks(split, READ)), source.spec, source.about)

    def learner(self, boosting: Boosting) -> Learner:
        """XGBoost in this process."""
        return boosting


@dataclass(frozen=True)
class Batches:
    """One process, too, and of the rows one batch at a time: the rest is on disk. Keys and labels are in memory."""

    source: Source
    batch_rows: int

    def part(self, split: str) -> Labelled:
        """The rows of a split, in a spool."""
        source, beside = self.source, list[Labelled]()
        none = blocks.joined([], source.spec, source.about)

        def rows() -> Iterator[Rows]:
            chunks = source.chunks(split, READ)
            for part in blocks.rechunked(chunks, source.spec, source.about, self.batch_rows):
                beside.append(replace(part, rows=none.rows))
                yield blocks.held(part)

        spool = Spool(rows())
        about = blocks.joined(beside, source.spec, source.about)
        return replace(about, rows=spool, labels=shared(about.labels))

    def learner(self, boosting: Boosting) -> Learner:
        """XGBoost in this process, over pages on disk."""
        return boosting


def shared(labels: np.ndarray) -> np.ndarray:
    """The labels, with equal ones as one object."""
    known: dict[str, str] = {}
    return np.array([known.setdefault(label, label) for label in labels], dtype=object)
