"""Regressions over rows in blocks: those of all rows and of each fold's others, fitted side by side.

They are the very regressions of `linear.regression`: L-BFGS on the same losses to the same tolerance. All that are
fitted together take one pass over the blocks a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import expit

from lakehouse_nlp.model.blocks import Blocks, Sums
from lakehouse_nlp.model.linear import MAX_ITERATIONS
from lakehouse_nlp.model.rows import Floats, Ints
from lakehouse_nlp.model.task import Task

# As scikit-learn's LogisticRegression stops; numbers are standardised, and held to as tight a bound as its ridge.
STOP = {"maxiter": MAX_ITERATIONS, "maxls": 50, "ftol": 64 * np.finfo(np.float64).eps}
CLOSE, CLOSER = 1e-4, 1e-6
Evaluate = Callable[[Ints, Floats], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Lesson:
    """A block to learn from: n x features, the columns that are regressed on, n x columns, and weights and folds, n."""

    features: csr_matrix
    columns: Floats
    weights: Floats
    fold: Ints

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and features."""
        return int(self.features.shape[0]), int(self.features.shape[1])

    def kept(self, held: Ints) -> Floats:
        """The weight of each row where each of these folds is held out, n x folds."""
        return np.asarray(self.weights[:, None] * (self.fold[:, None] != held))


def regressions(lessons: Blocks[Lesson], width: int, task: Task, c: float, held: Sequence[int]) -> Floats:
    """The weights and, last, the bias of each regression, held out folds x columns x (width + 1).

    `held`: the fold that is left out, -1 for none; `c`: inverse strength of the L2 penalty. NaN where the rows are all
    of a class, or none is.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    folds = np.asarray(held)

    def sums(_: int, lesson: Lesson) -> Sums:
        kept = lesson.kept(folds).T
        return kept.sum(axis=1), kept @ lesson.columns, kept @ lesson.columns**2

    rows, first, second = lessons.total(sums)
    mean = first / rows[:, None]
    scale = np.ones_like(mean) if task.classes else np.sqrt(np.maximum(second / rows[:, None] - mean**2, 0.0))
    shift = np.zeros_like(mean) if task.classes else mean
    learnable = (mean > 0) & (mean < 1) if task.classes else scale > 0
    found = np.full((*mean.shape, width + 1), np.nan if task.classes else 0.0)
    wanted = np.argwhere(learnable)
    for some in np.array_split(wanted, -(-len(wanted) // lessons.together) or 1):
        at, column = some.T
        penalty = 1.0 / (c * rows[at])
        problem = _Problem(lessons, folds[at], column, shift[at, column], scale[at, column], rows[at], penalty, task)
        with threadpool_limits(1, user_api="blas"):  # each one's steps would wait for threads of their own
            fits = minimised(np.zeros((len(some), width + 1)), problem.evaluate, CLOSE if task.classes else CLOSER)
        found[at, column] = fits * scale[at, column][:, None]
    found[..., -1] += shift
    return found


@dataclass(frozen=True)
class _Problem:
    """Regressions, each with the fold it leaves out, its column, how that is standardised, its rows and penalty."""

    lessons: Blocks[Lesson]
    held: Ints
    column: Ints
    shift: Floats
    scale: Floats
    rows: Floats
    penalty: Floats
    task: Task

    def evaluate(self, on: Ints, weights: Floats) -> tuple[Floats, Floats]:
        """Loss and gradient of those that are on, at their weights, on x (width + 1)."""
        held, column = self.held[on], self.column[on]
        shift, scale = self.shift[on], self.scale[on]
        plain, bias, logistic = weights[:, :-1], weights[:, -1], bool(self.task.classes)

        def sums(_: int, lesson: Lesson) -> Sums:
            kept, wanted = lesson.kept(held), (lesson.columns[:, column] - shift) / scale
            # One by one: a vector stays in the processor's cache, as several side by side do not (half the time).
            said = np.column_stack([lesson.features @ one for one in plain]) + bias
            if logistic:
                loss, slope = np.logaddexp(0.0, said) - wanted * said, expit(said) - wanted
            else:
                loss, slope = (said - wanted) ** 2 / 2, said - wanted
            slope *= kept
            back = np.stack([lesson.features.T @ one for one in np.ascontiguousarray(slope.T)])
            return (loss * kept).sum(axis=0), back, slope.sum(axis=0)

        loss, slopes, slope = self.lessons.total(sums)
        rows, penalty = self.rows[on], self.penalty[on]
        gradient = np.hstack([slopes / rows[:, None] + penalty[:, None] * weights[:, :-1], (slope / rows)[:, None]])
        return loss / rows + penalty * (weights[:, :-1] ** 2).sum(axis=1) / 2, gradient


def minimised(starts: Floats, evaluate: Evaluate, close: float) -> Floats:
    """The minimum from each start, problems x variables, by L-BFGS, whose steps wait for each other.

    `evaluate`: the positions of the problems that are on, and where each of them is, to losses and gradients.
    """
    from scipy.optimize import minimize

    asked: SimpleQueue[tuple[int, Floats | None]] = SimpleQueue()
    answers: list[SimpleQueue[tuple[float, Floats] | None]] = [SimpleQueue() for _ in starts]
    found, faults = starts.copy(), list[Exception]()

    def ask(k: int) -> Callable[[Floats], tuple[float, Floats]]:
        def answer(at: Floats) -> tuple[float, Floats]:
            asked.put((k, at.copy()))
            if (said := answers[k].get()) is None:
                raise StopIteration
            return said

        return answer

    def run(k: int) -> None:
        try:
            fit: Any = minimize(ask(k), starts[k], jac=True, method="L-BFGS-B", options={**STOP, "gtol": close})
            found[k] = fit.x
        except StopIteration:
            pass
        except Exception as error:  # raised below, where the caller is
            faults.append(error)
        finally:
            asked.put((k, None))

    for k in range(len(starts)):
        Thread(target=run, args=(k,), daemon=True).start()
    on = set(range(len(starts)))
    try:
        while on:
            steps = {k: at for k, at in (asked.get() for _ in sorted(on)) if at is not None}
            on = set(steps)
            if on:
                order = np.array(sorted(on))
                losses, gradients = evaluate(order, np.stack([steps[k] for k in order]))
                for k, loss, gradient in zip(order.tolist(), losses.tolist(), gradients, strict=True):
                    answers[k].put((loss, gradient))
    finally:
        for k in on:
            answers[k].put(None)
    if faults:
        raise faults[0]
    return found
