"""Studies: budgets, seeds, pruning, and those that were killed."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from trying import LISTS, WITHIN, WITHOUT, asked, counted, judge

from lakehouse_nlp.core.settings.learning import Search
from lakehouse_nlp.train.study import Params, Report, Study, Trial

pytestmark = pytest.mark.unit
METHODS = ("grid", "random", "tpe")


def _run(file: Path, search: Search, seed: int = 7, lower: bool = False) -> Study:
    study = Study(search, WITHIN, seed, lower, file)
    study.run(judge)
    return study


def _timeless(study: Study) -> list[Trial]:
    return [replace(trial, begun=0.0, seconds=0.0) for trial in study.trials]


def _killed(file: Path, method: str, trial: int) -> None:
    """Runs a study that dies in the middle of a trial."""

    def dies(times: int) -> None:
        if times == trial:
            os.kill(os.getpid(), signal.SIGKILL)

    Study(asked(method), WITHIN, 7, False, file).run(counted([], dies))


@pytest.mark.parametrize("method", METHODS)
def test_a_study_that_was_killed_ends_as_one_that_was_not(tmp_path: Path, method: str) -> None:
    file = tmp_path / "killed.db"
    process = get_context("fork").Process(target=_killed, args=(file, method, 9))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL

    judged: list[Params] = []
    again = Study(asked(method), WITHIN, 7, False, file)
    kept = len(again)
    assert kept >= 7, "the settings as they stand, and every trial but the one that was on"
    again.run(counted(judged))
    assert len(judged) == 14 - kept, "what was judged is not judged again"

    whole = _run(tmp_path / "whole.db", asked(method))
    assert _timeless(again) == _timeless(whole)
    assert len(whole.trials) == 14
    assert (again.before, again.best and again.best.params) == (whole.before, whole.best and whole.best.params)


@pytest.mark.parametrize("method", METHODS)
def test_trials_follow_from_the_seed(tmp_path: Path, method: str) -> None:
    first, same, other = (_run(tmp_path / f"{k}.db", asked(method, 7), seed) for k, seed in enumerate((1, 1, 2)))
    assert _timeless(first) == _timeless(same)
    assert [trial.params for trial in first.trials] != [trial.params for trial in other.trials]


@pytest.mark.parametrize("method", METHODS)
def test_a_larger_budget_goes_on_where_the_smaller_ended(tmp_path: Path, method: str) -> None:
    few = _run(tmp_path / "a.db", asked(method, 6))
    assert len(few) == 6
    judged: list[Params] = []
    more = Study(asked(method, 10), WITHIN, 7, False, tmp_path / "a.db")
    more.run(counted(judged))
    assert len(judged) <= 4
    assert _timeless(more) == _timeless(_run(tmp_path / "b.db", asked(method, 10)))
    assert _timeless(more)[:6] == _timeless(few)


def test_a_grid_is_every_combination_once_and_no_more(tmp_path: Path) -> None:
    study = _run(tmp_path / "grid.db", asked("grid", 100, pruning=False))
    cells = {tuple(sorted(trial.params.items())) for trial in study.trials}
    assert len(cells) == len(study) == study.most == 30
    assert study.best is not None
    assert dict(study.best.params) in (
        {"booster.max_depth": depth, "booster.learning_rate": 0.1, "linear_c": 1.0} for depth in (4, 6)
    )
    assert study.found == study.best
    assert study.best.value > study.before == judge(WITHIN, lambda *_: None)


def test_the_estimator_draws_better_than_chance(tmp_path: Path) -> None:
    late = {
        method: [trial.value for trial in _run(tmp_path / f"{method}.db", asked(method, 40, pruning=False)).trials[10:]]
        for method in ("random", "tpe")
    }
    assert sum(late["tpe"]) / 30 > sum(late["random"]) / 30 + 0.05


def test_what_falls_behind_is_pruned_and_never_the_best(tmp_path: Path) -> None:
    rounds: list[int] = []

    def listening(params: Params, report: Report) -> float:
        def noted(done: int, value: float) -> None:
            rounds.append(done)
            report(done, value)

        return judge(params, noted)

    study = Study(asked("random", 30), WITHIN, 3, False, tmp_path / "a.db")
    study.run(listening)
    pruned = [trial for trial in study.trials if trial.pruned]
    assert 5 <= len(pruned) < 25
    assert all(trial.number >= 5 for trial in pruned), "the first are what others are held to"
    assert min(rounds.count(done) for done in (10, 50)) == 31
    assert rounds.count(60) == 31 - len(pruned)
    every = _run(tmp_path / "b.db", asked("random", 30, pruning=False), 3)
    assert not any(trial.pruned for trial in every.trials)
    assert (study.best and study.best.params) == (every.best and every.best.params)


def test_less_is_better_of_an_error(tmp_path: Path) -> None:
    study = Study(asked("random", 10), WITHIN, 7, True, tmp_path / "a.db")
    study.run(lambda params, report: 1.0 - judge(params, lambda *_: None))
    done = [trial for trial in study.trials if not trial.pruned]
    assert study.best is not None
    assert study.best.value == min(trial.value for trial in done)


def test_the_settings_stay_where_nothing_is_better(tmp_path: Path) -> None:
    study = Study(asked("random", 5), WITHIN, 7, False, tmp_path / "a.db")
    study.run(lambda params, report: 0.5)
    assert (study.found, study.best and study.best.number) == (None, 0)


def test_an_estimator_begins_with_the_settings_where_they_are_in_the_space(tmp_path: Path) -> None:
    judged: list[Params] = []
    within = Study(asked("tpe", 4), WITHIN, 7, False, tmp_path / "a.db")
    within.run(counted(judged))
    assert judged[0] == within.trials[0].params == WITHIN
    assert len(judged) == len(within) == 4
    assert within.before == judge(WITHIN, lambda *_: None)
    without = Study(asked("tpe", 4), WITHOUT, 7, False, tmp_path / "b.db")
    without.run(counted(judged))
    assert judged[4] == WITHOUT
    assert len(judged) == 4 + 1 + 4
    assert without.before == judge(WITHOUT, lambda *_: None)


def test_no_trial_begins_after_the_minutes_and_a_run_goes_on_with_what_is_left(tmp_path: Path) -> None:
    def slow(params: Params, report: Report) -> float:
        time.sleep(0.2)
        return judge(params, report)

    search = asked("random", 20, minutes=0.5 / 60, pruning=False)
    study = Study(search, WITHIN, 7, False, tmp_path / "a.db")
    study.run(slow)
    assert len(study) == 3
    again = Study(search, WITHIN, 7, False, tmp_path / "a.db")
    again.run(slow)
    assert len(again) == 3


def test_a_draw_that_was_judged_is_not_judged_again(tmp_path: Path) -> None:
    search = Search.model_validate({"method": "random", "trials": 12, "space": {"linear_c": LISTS["linear_c"]}})
    judged: list[Params] = []
    study = Study(search, WITHIN, 7, False, tmp_path / "a.db")
    study.run(counted(judged))
    assert len(study) == 12
    assert [params["linear_c"] for params in judged[1:]] in ([1.0, 8.0], [8.0, 1.0])


def test_an_interrupt_leaves_what_is_done(tmp_path: Path) -> None:
    def interrupted(times: int) -> None:
        if times == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Study(asked("tpe"), WITHIN, 7, False, tmp_path / "a.db").run(counted([], interrupted))
    study = Study(asked("tpe"), WITHIN, 7, False, tmp_path / "a.db")
    assert [trial.number for trial in study.trials] == [0, 1, 2]
