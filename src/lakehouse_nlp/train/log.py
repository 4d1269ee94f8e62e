"""A trained model into MLflow: parameters, figures, pictures, where the data came from, and the model itself."""

from __future__ import annotations

import json
import platform
import tempfile
import warnings
from importlib.metadata import distributions, version
from typing import Any

from lakehouse_nlp import __version__
from lakehouse_nlp.core.card import CARD as CARD_JSON
from lakehouse_nlp.core.card import as_json
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.packaged import package_folder
from lakehouse_nlp.core.registry import METRICS, REFERENCE, Registry, Version
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.model.blocks import sample
from lakehouse_nlp.model.encoder import LIBRARIES, Encoder
from lakehouse_nlp.model.explain import strongest
from lakehouse_nlp.model.pyfunc import example, signature
from lakehouse_nlp.model.reference import Reference
from lakehouse_nlp.model.stacked import StackedModel
from lakehouse_nlp.model.stored import save
from lakehouse_nlp.train import plots
from lakehouse_nlp.train.blocks import Labelled
from lakehouse_nlp.train.card import html, markdown, sections
from lakehouse_nlp.train.curves import curves
from lakehouse_nlp.train.evaluation import errors

# The folder of what people read, and of how many test rows the features' effects are the mean.
CARD, EXPLAINED = "card", 1000

# What the model needs where it is loaded; the package's own code travels with it.
REQUIREMENTS = ("mlflow", "numpy", "pandas", "pyarrow", "scipy", "xgboost-cpu", "mmh3")


def log(
    ctx: Context,
    model: StackedModel,
    metrics: dict[str, Any],
    tags: dict[str, str],
    test: Labelled | None = None,
    settings: Settings | None = None,
    run_id: str | None = None,
    reference: Reference | None = None,
) -> Version:
    """Logs a run with the model and registers it as a version that carries the tags; returns the version.

    `test`: rows to draw curves and explain the model by; without them there are neither curves nor a card. `settings`:
    what it was made by, where a search has found others than the project's; `run_id`: of the run that the search began.
    `reference`: what monitoring holds windows against.
    """
    settings = settings or ctx.settings
    registry = Registry(ctx)
    client = registry.client
    import mlflow

    with mlflow.start_run(run_id, registry.experiment(), ctx.run_id, log_system_metrics=False) as run:
        mlflow.set_tags({**tags, "lakehouse_nlp.run_id": ctx.run_id})
        mlflow.log_params(_flat(settings.model_dump(mode="json", include={"features", "gold", "train"})))
        mlflow.log_metrics(_figures(metrics))
        mlflow.log_text(json.dumps(metrics, indent=2) + "\n", METRICS)
        if reference:
            mlflow.log_text(reference.to_json(), REFERENCE)
        mlflow.log_text(settings.model_dump_json(indent=2) + "\n", "settings.json")
        mlflow.log_text(_environment(), "environment.txt")
        terms = "".join(f"{name}\t{gain:.6g}\n" for name, gain in model.importance())
        mlflow.log_text("feature\tgain\n" + terms, "importance.tsv")
        if model.classes:
            mlflow.log_figure(plots.confusion(metrics["test"]), f"{CARD}/confusion.png")
        mlflow.log_figure(plots.importance(model.importance()), f"{CARD}/importance.png")
        if test is not None:
            _card(settings, model, metrics, tags, test)
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*input example")  # the signature is declared, not guessed
            save(model, folder)
            logged = mlflow.pyfunc.log_model(
                name="model",
                loader_module="lakehouse_nlp.model.pyfunc",
                data_path=folder,
                code_paths=[str(package_folder())],
                signature=signature(model.spec),
                input_example=None if test is None else example(model, sample(test.rows, EXPLAINED)[0]),
                pip_requirements=[f"{name}=={version(name)}" for name in _requirements(model)],
                metadata=tags,
            )
    try:
        client.get_registered_model(registry.name)
    except mlflow.exceptions.MlflowException:
        client.create_registered_model(registry.name, description=ctx.settings.description)
    # With its tags in one call: a version without them was left by a run that was killed, and counts for nothing.
    made = client.create_model_version(
        registry.name, logged.model_uri, run.info.run_id, tags=tags, model_id=logged.model_id
    )
    return registry.get(int(made.version))


def _card(
    settings: Settings, model: StackedModel, metrics: dict[str, Any], tags: dict[str, str], test: Labelled
) -> None:
    """Files the card, the curves, and the test rows that the model was most wrongly sure of, by key."""
    import mlflow

    said = model.outputs(test.rows)
    if model.classes:
        mlflow.log_figure(curves(test.labels, said, model.classes), f"{CARD}/curves.png")
    mlflow.log_text(errors(model, test, said), f"{CARD}/errors.csv")
    moved = strongest(model, sample(test.rows, EXPLAINED)[0])
    parts = sections(settings, metrics, tags, moved)
    mlflow.log_text(markdown(settings.project, parts), f"{CARD}/card.md")
    mlflow.log_text(html(settings.project, parts), f"{CARD}/card.html")
    mlflow.log_text(as_json(parts), f"{CARD}/{CARD_JSON}")


def _requirements(model: StackedModel) -> tuple[str, ...]:
    return (*REQUIREMENTS, *LIBRARIES) if isinstance(model.spec.vectors, Encoder) else REQUIREMENTS


def _figures(metrics: dict[str, Any]) -> dict[str, float]:
    """`test.accuracy`, `test.f1.negative`, `linear.roc_auc` …: what MLflow compares runs by."""
    sections = {**{name: metrics[name] for name in ("test", "validation")}, **metrics["baselines"]}
    found = {}
    for section, values in sections.items():
        for name, value in values.items():
            if isinstance(value, float):
                found[f"{section}.{name}"] = value
            elif name in ("f1", "precision", "recall"):
                found.update({f"{section}.{name}.{_plain(c)}": v for c, v in value.items() if v is not None})
    if search := metrics.get("search"):
        found.update({f"search.{name}": search[name] for name in ("before", "best", "trials", "pruned")})
    return found


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_-. /" else "_" for letter in name)


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        found.update(_flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value})
    return found


def _environment() -> str:
    """Python, this package, and every installed distribution with its version."""
    installed = sorted({f"{d.metadata['Name']}=={d.version}" for d in distributions()}, key=str.lower)
    return "\n".join([f"# python {platform.python_version()}, lakehouse-nlp {__version__}", *installed]) + "\n"
