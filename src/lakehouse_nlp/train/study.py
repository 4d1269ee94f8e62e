"""Trials of parameters by Optuna, each kept in a file once it is done, so that a study goes on where it was ended.

Optuna's study lives in memory and holds what is done, in its order; each further trial is drawn by a sampler that is
seeded by the study's seed and the trial's number. So a study that was killed ends as one that was not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from lakehouse_nlp.core.settings.learning import Domain, Range, Scalar, Search
from lakehouse_nlp.core.settings.searchchecks import is_whole

if TYPE_CHECKING:
    import optuna

Params = Mapping[str, Scalar]
Report = Callable[[int, float], None]
# Parameters, and whom to tell the figure after so many rounds (which may end the trial by raising), to the figure.
Judge = Callable[[Params, Report], float]

# Trials before the estimator draws and the pruner judges, and rounds before it judges a trial: slow learners begin low.
STARTUP, WARM_UP = 5, 50
BEFORE = "before"


@dataclass(frozen=True)
class Trial:
    """One that is done: `value` is its figure, of a pruned one the last before it was ended; times in seconds."""

    number: int
    params: Params
    value: float
    pruned: bool
    begun: float
    seconds: float


class Study:
    """The trials of one search. `settings`: the parameters as the settings have them, which a candidate has to beat;
    `seed` draws the trials; `lower`: whether less is better; `file`: SQLite, made if needed.
    """

    def __init__(self, asked: Search, settings: Params, seed: int, lower: bool, file: Path) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        file.parent.mkdir(parents=True, exist_ok=True)
        direction: Literal["minimize", "maximize"] = "minimize" if lower else "maximize"
        pruner = optuna.pruners.MedianPruner(STARTUP, WARM_UP) if asked.pruning else optuna.pruners.NopPruner()
        self.asked, self.settings, self.seed, self.lower = asked, settings, seed, lower
        self._kept = optuna.create_study(
            storage=f"sqlite:///{file}", study_name=file.stem, direction=direction, load_if_exists=True
        )
        self._study = optuna.create_study(direction=direction, pruner=pruner)
        self._study.add_trials([trial for trial in self._kept.trials if trial.state.is_finished()])

    @property
    def trials(self) -> list[Trial]:
        """Those that are done, in their order."""
        return [_plain(trial) for trial in self._study.get_trials(deepcopy=False) if trial.state.is_finished()]

    def __len__(self) -> int:
        """How many are done."""
        return len(self.trials)

    @property
    def best(self) -> Trial | None:
        """The best that was not pruned, of equal ones the first."""
        done = [trial for trial in self.trials if not trial.pruned]
        return min(done, key=lambda trial: trial.value if self.lower else -trial.value, default=None)

    @property
    def notes(self) -> dict[str, Any]:
        """What was noted beside the trials."""
        return dict(self._kept.user_attrs)

    def note(self, name: str, value: Any) -> None:
        """Keeps a value in the file."""
        self._kept.set_user_attr(name, value)

    @property
    def before(self) -> float:
        """The figure of the settings as they stand, once `run` has judged them."""
        return self.trials[0].value if self._opens else float(self.notes[BEFORE])

    @property
    def found(self) -> Trial | None:
        """The best trial, if it is better than the settings as they stand."""
        best = self.best
        better = best is not None and (best.value < self.before if self.lower else best.value > self.before)
        return best if better else None

    @property
    def most(self) -> int:
        """Trials at most: of a grid no more than it has cells."""
        cells = math.prod(len(domain) for domain in self.asked.space.values() if isinstance(domain, tuple))
        return min(self.asked.trials, cells) if self.asked.method == "grid" else self.asked.trials

    def run(self, judge: Judge, on_trial: Callable[[Trial], None] = lambda _: None) -> None:
        """Judges the settings as they stand, and trials to the end of the budget; calls `on_trial` after each trial."""
        if self._opens and not len(self):
            self._study.enqueue_trial(dict(self.settings))
        elif not self._opens and BEFORE not in self.notes:
            self.note(BEFORE, judge(self.settings, lambda *_: None))
        while len(self) < self.most and not self._late():
            self._study.sampler = self._sampler(len(self))
            self._study.optimize(partial(self._tried, judge), n_trials=1)
            self._kept.add_trial(self._study.get_trials(deepcopy=False)[-1])
            on_trial(self.trials[-1])

    @property
    def _opens(self) -> bool:
        """Whether the settings are the first trial: an estimator is to know them, where they are in the space."""
        space = self.asked.space.items()
        return self.asked.method == "tpe" and all(_holds(domain, self.settings[name]) for name, domain in space)

    def _late(self) -> bool:
        spent, most = sum(trial.seconds for trial in self.trials), self.asked.minutes
        return most is not None and spent >= 60 * most

    def _tried(self, judge: Judge, trial: optuna.Trial) -> float:
        import optuna

        params = {name: self._drawn(trial, name) for name in self.asked.space}

        def report(step: int, value: float) -> None:
            trial.report(value, step)
            if trial.should_prune():
                raise optuna.TrialPruned

        for other in self._study.get_trials(deepcopy=False)[:-1]:  # a list is soon drawn twice
            if other.params == params:
                for step, value in other.intermediate_values.items():
                    trial.report(value, step)
                if other.state == optuna.trial.TrialState.PRUNED:
                    raise optuna.TrialPruned
                return float(other.values[0])
        return judge(params, report)

    def _drawn(self, trial: optuna.Trial, name: str) -> Scalar:
        domain = self.asked.space[name]
        if not isinstance(domain, Range):
            return cast(Scalar, trial.suggest_categorical(name, domain))
        if is_whole(name):
            return trial.suggest_int(name, int(domain.low), int(domain.high), log=domain.log)
        return trial.suggest_float(name, domain.low, domain.high, log=domain.log)

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        """The sampler of one trial: what it draws depends on the trials before and on nothing else."""
        from optuna import samplers

        if self.asked.method == "grid":  # its cells are shuffled by the seed, and taken by the trial's number
            cells = {name: list(domain) for name, domain in self.asked.space.items() if isinstance(domain, tuple)}
            return samplers.GridSampler(cells, seed=self.seed)
        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        if self.asked.method == "random":
            return samplers.RandomSampler(seed)
        return samplers.TPESampler(n_startup_trials=STARTUP, seed=seed, multivariate=True, constant_liar=False)


def _holds(domain: Domain, value: Any) -> bool:
    return domain.low <= value <= domain.high if isinstance(domain, Range) else value in domain


def _plain(trial: optuna.trial.FrozenTrial) -> Trial:
    value = trial.value if trial.value is not None else trial.intermediate_values[trial.last_step or 0]
    begun, seconds = trial.datetime_start, trial.duration
    return Trial(
        number=trial.number,
        params=trial.params,
        value=value,
        pruned=trial.state.name == "PRUNED",
        begun=begun.timestamp() if begun else 0.0,
        seconds=seconds.total_seconds() if seconds else 0.0,
    )
