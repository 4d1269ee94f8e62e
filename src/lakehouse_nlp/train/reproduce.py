"""A registered model made once more: the settings of its run, gold at the version that it read, the same seed."""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError, UsageError
from lakehouse_nlp.core.registry import Registry, Version
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.model.stored import booster_hash
from lakehouse_nlp.train import warm
from lakehouse_nlp.train.fitting import modelled
from lakehouse_nlp.train.material import gathered

# What a model depends on beside gold; where things live is this machine's to say.
OF_THE_RUN = ("columns", "key", "text", "label", "features", "gold", "train")


@dataclass(frozen=True)
class Reproduction:
    """What the run learnt and what was learnt now, as hashes of the boosters' bytes."""

    version: Version
    then: str
    now: str

    @property
    def same(self) -> bool:
        """Whether the boosters are equal, byte for byte."""
        return self.then == self.now


def reproduce(ctx: Context, run_id: str) -> Reproduction:
    """Trains the model of an MLflow run again; registers nothing.

    Raises UsageError where no version is of this run, or the one that it goes on from is no more, DataError where its
    version of gold is gone.
    """
    registry = Registry(ctx)
    version = next((version for version in registry.versions() if version.run_id == run_id), None)
    if version is None:
        raise UsageError(f"no version of model {registry.name} is of run {run_id!r}", hint="lakehouse-nlp models N")
    if "booster_hash" not in version.tags:
        raise DataError(f"{version} was made before boosters were hashed", hint="lakehouse-nlp run train --force")
    given = Settings.model_validate_json(registry.text(version, "settings.json"))
    settings = ctx.settings.model_copy(update={name: getattr(given, name) for name in OF_THE_RUN})
    onto = warm.load(ctx, registry.get(int(version.tags[warm.TAG]))) if warm.TAG in version.tags else None
    engine = version.tags.get("engine", settings.train.engine)
    settings = settings.model_copy(update={"train": settings.train.model_copy(update={"engine": engine})})
    with gathered(ctx, settings, int(version.tags["gold_version"]), onto) as material:
        model = modelled(ctx, settings, material, onto)
    return Reproduction(version, version.tags["booster_hash"], booster_hash(model))
