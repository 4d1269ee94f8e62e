"""The train stage: the stacked model on gold as of one version, its figures beside those of two baselines."""

from __future__ import annotations

from typing import Any

from lakehouse_nlp import __version__
from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context, StepResult
from lakehouse_nlp.core.registry import MADE_AT, Registry, Version
from lakehouse_nlp.model.stored import booster_hash
from lakehouse_nlp.train import warm
from lakehouse_nlp.train.engines import Choice
from lakehouse_nlp.train.evaluation import figures, named_leaks
from lakehouse_nlp.train.fitting import modelled, searched
from lakehouse_nlp.train.material import gathered
from lakehouse_nlp.train.reference import reference
from lakehouse_nlp.train.search import FOUND, applied
from lakehouse_nlp.train.source import GOLD
from lakehouse_nlp.train.triggers import fired
from lakehouse_nlp.train.vectors import model_recipe


def due(ctx: Context) -> str | None:
    """No model of this recipe yet, or a trigger of `train.retrain`."""
    if not ctx.tables.log(GOLD).rows():
        return None
    newest = Registry(ctx).newest()
    if newest is None:
        return "no model yet"
    if newest.tags["recipe"] != model_recipe(ctx.settings, ctx.home):
        return f"settings changed since version {newest.number}"
    if newest.tags["nlp_hash"] != _nlp_hash(ctx):
        return f"version {newest.number} was trained on tokens of another pipeline"
    return fired(ctx, newest)


def size(ctx: Context) -> int:
    """Rows that have a label."""
    if not ctx.tables.log(GOLD).rows():
        return 0
    gold = f"{ctx.settings.project}.gold"
    query = f"SELECT count(*) AS n FROM {gold} WHERE label IS NOT NULL"
    return int(duck.rows(ctx.root, query, only=[gold])[0]["n"])


def run(ctx: Context) -> StepResult:
    """Trains a candidate and registers it as a version. Raises DataError where there is too little to learn from."""
    version = ctx.tables.log(GOLD).changed()
    champion, why = warm.start(ctx, _nlp_hash(ctx)) if ctx.settings.train.warm_start else (None, "")
    onto = warm.load(ctx, champion) if champion else None
    with gathered(ctx, ctx.settings, version, onto) as material:
        found = searched(ctx, material, version)
        settings = applied(ctx.settings, found.params) if found else ctx.settings
        model = modelled(ctx, settings, material, onto)
        train, validation, test = material.train, material.validation, material.test
        metrics = figures(model, train, validation, test)
        metrics["leaks"] = [*named_leaks(settings), *metrics["leaks"]]
        if found:
            metrics["search"] = found.figures
        from lakehouse_nlp.train.log import log

        tags = {
            "recipe": model_recipe(ctx.settings, ctx.home),
            "code": __version__,
            MADE_AT: ctx.clock().isoformat(),
            "seed": str(settings.train.seed),
            **{f"{table}_version": str(at) for table, at in _versions(ctx, GOLD, version).items()},
            "train_rows": str(len(train)),
            "validation_rows": str(len(validation)),
            "test_rows": str(len(test)),
            "nlp_hash": _nlp_hash(ctx),
            "booster_hash": booster_hash(model),
            "engine": material.engine.name,
            "engine_why": material.engine.why,
            **({FOUND: found.tag} if found else {}),
            **({warm.TAG: str(champion.number)} if champion else {}),
        }
        run_id = found.run_id if found else None
        made = log(ctx, model, metrics, tags, test, settings, run_id, reference(model, material))
    note = _note(made, metrics, material.engine, champion, why)
    read = len(train) + len(validation) + len(test)
    return StepResult(read=read, written=1, versions={GOLD: version or 0}, note=note)


def _note(made: Version, metrics: dict[str, Any], engine: Choice, champion: Version | None, why: str) -> str:
    """One line: what the candidate and the linear baseline reach on the test rows, by which engine, and what it began
    from.
    """
    name = "accuracy" if metrics["classes"] else "rmse"
    test, linear = metrics["test"], metrics["baselines"]["linear"]
    says = f"candidate {made}: {name} {test[name]:.4f} on {test['rows']:,} test rows, linear {linear[name]:.4f}"
    if found := metrics.get("search"):
        gain = f"validation {found['metric']} {found['before']:.4f}, with what was found {found['best']:.4f}"
        says += f"; {found['trials']} trials: {gain}"
    began = f"; goes on from {champion}" if champion else f"; trained anew: {why}" if why else ""
    return f"{says}; {engine}{began}"


def _versions(ctx: Context, table: str, version: int | None) -> dict[str, int]:
    """The table at this version and all that it was made of: table -> version, by the stamps of the commits."""
    if version is None:
        return {}
    stamp, found = ctx.tables.log(table).stamped(version), {table: version}
    for source, at in (stamp.upto if stamp else {}).items():
        found |= _versions(ctx, source, at)
    return found


def _nlp_hash(ctx: Context) -> str:
    return str(min(ctx.tables.log(GOLD).values("nlp_hash")))
