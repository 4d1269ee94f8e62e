"""The search of a training run: the parameters that a model is to be trained with, and what was tried for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import Registry
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.learning import Scalar, Search
from lakehouse_nlp.core.settings.searchchecks import PARAMETERS
from lakehouse_nlp.core.settings.section import Section
from lakehouse_nlp.model.callbacks import OnRound
from lakehouse_nlp.model.metrics import LOWER_IS_BETTER
from lakehouse_nlp.train.candidates import Candidates
from lakehouse_nlp.train.nested import runs
from lakehouse_nlp.train.study import Params, Study, Trial
from lakehouse_nlp.train.vectors import model_recipe

# The tag of a version with the parameters that were found.
FOUND = "found"


@dataclass(frozen=True)
class Found:
    """Parameters to train with, none where the settings are best as they stand; `figures` of the search, for people;
    the MLflow run that its trials are nested under.
    """

    params: Params
    figures: dict[str, Any] = field(default_factory=dict)
    run_id: str | None = None

    @property
    def tag(self) -> str:
        """The parameters as text."""
        return json.dumps(dict(self.params), sort_keys=True)


def applied(settings: Settings, params: Params) -> Settings:
    """The settings with the parameters in their places."""
    for name, value in params.items():
        settings = _put(settings, PARAMETERS[name], value)
    return settings


def found_before(ctx: Context) -> Found | None:
    """What was found for the newest version, where its recipe is that of the settings: nothing is sought twice."""
    newest = Registry(ctx).newest()
    if newest is None or FOUND not in newest.tags or newest.tags["recipe"] != model_recipe(ctx.settings, ctx.home):
        return None
    params: dict[str, Scalar] = json.loads(newest.tags[FOUND])
    figures = Registry(ctx).metrics(newest).get("search", {})
    return Found(params, {**figures, "of_version": figures.get("of_version", newest.number)})


def search(ctx: Context, asked: Search, candidates: Candidates, version: int | None) -> Found:
    """Tries candidates on the rows of a version of gold, to the end of the budget; takes up a search that was ended.

    Raises ValueError where candidates cannot be judged.
    """
    metric = candidates.metric
    own = {name: _get(ctx.settings, PARAMETERS[name]) for name in asked.space}
    file = ctx.folder / _place(ctx, version, metric)
    study = Study(asked, own, ctx.settings.train.seed, metric in LOWER_IS_BETTER, file)
    with runs(ctx, study, metric) as made:

        def on_trial(trial: Trial) -> None:
            made.log(trial)
            if study.found == trial:
                gain = f"{metric} {trial.value:.4f} ({study.before:.4f} as the settings stand)"
                ctx.say(f"trial {trial.number + 1} of {study.most}: {gain}, {_shown(trial.params)}")

        candidates.on_round = rounds(ctx, lambda: f"trial {len(study) + 1} of {study.most}, round")
        study.run(candidates.judge, on_trial)
    found = study.found
    return Found(found.params if found else {}, _figures(study, metric), made.run_id)


def rounds(ctx: Context, what: Callable[[], str]) -> OnRound | None:
    """What to tell of each round, where somebody listens."""
    if (tell := ctx.progress) is None:
        return None

    def on_round(done: int, of: int) -> None:
        tell(done, of, what())

    return on_round


def _place(ctx: Context, version: int | None, metric: str) -> str:
    """Where the study is kept: by all that its trials depend on, and not by how many they may be."""
    train = ctx.settings.train
    asked = train.search and train.search.model_copy(update={"trials": 1, "minutes": None})
    plain = ctx.settings.model_copy(update={"train": train.model_copy(update={"search": asked})})
    made = model_recipe(plain, ctx.home).replace("/", "-")
    return f"models/search/{made}-gold{version}-{metric}.db"


def _figures(study: Study, metric: str) -> dict[str, Any]:
    trials, found = study.trials, study.found
    return {
        "method": study.asked.method,
        "metric": metric,
        "trials": len(trials),
        "pruned": sum(trial.pruned for trial in trials),
        "seconds": sum(trial.seconds for trial in trials),
        "before": study.before,
        "best": found.value if found else study.before,
        "best_trial": found.number if found else None,
        "params": {name: [study.settings[name], value] for name, value in found.params.items()} if found else {},
    }


def _shown(params: Mapping[str, Scalar]) -> str:
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in params.items()
    )


def _get(section: Any, path: tuple[str, ...]) -> Any:
    return _get(getattr(section, path[0]), path[1:]) if path else section


def _put(section: Any, path: tuple[str, ...], value: Scalar) -> Any:
    head, *rest = path
    inside: Section | Scalar = _put(getattr(section, head), tuple(rest), value) if rest else value
    return section.model_copy(update={head: inside})
