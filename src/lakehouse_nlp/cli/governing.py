"""The commands over models: label, list, show, compare, promote, roll back, explain."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from lakehouse_nlp.cli import render
from lakehouse_nlp.cli.app import app
from lakehouse_nlp.cli.options import Env, Home, Json, Project, Sets, open_context
from lakehouse_nlp.core.errors import UsageError

Numbers = Annotated[list[int] | None, typer.Argument(help="One version to show, several to compare; none to list all.")]
Why = Annotated[str, typer.Option("--why", help="The reason, which is kept in ops.model_events.")]


@app.command()
def label(
    key: Annotated[str | None, typer.Option("--key", help="The row's key.")] = None,
    label: Annotated[str | None, typer.Option("--label", help="What it is; none takes it out of training.")] = None,
    source: Annotated[Path | None, typer.Option("--from", help="A CSV file of the columns key and label.")] = None,
    why: Annotated[str | None, typer.Option("--why", help="The reason, which is kept.")] = None,
    ahead: Annotated[bool, typer.Option("--ahead", help="Take keys whose rows are yet to come.")] = False,
    new_class: Annotated[bool, typer.Option("--new-class", help="Take classes that no row is of.")] = False,
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    json: Json = False,
) -> None:
    """Say what rows are: the newest label of a key stands over the label expression.

    Examples: lakehouse-nlp label --key R3N1 --label negative --why "irony"; lakehouse-nlp label --from checked.csv
    """
    from lakehouse_nlp.labels import Given, give, read_labels

    if (source is None) == (key is None or label is None) or (source and (key or label)):
        raise UsageError("a label needs --key and --label, or --from", hint="lakehouse-nlp label --help")
    with closing(open_context(home, project, env, None)) as ctx:
        given = read_labels(ctx, source, why) if source else [Given(key or "", label or "", why)]
        found = give(ctx, given, source.name if source else None, ahead=ahead, new_class=new_class)
    says = f"{found.given:,} labels written, {found.known:,} stood already"
    says += f", {found.ahead:,} wait for their rows" if found.ahead else ""
    render.message(vars(found), f"{says}; next: lakehouse-nlp run", as_json=json)


@app.command()
def models(
    versions: Numbers = None, project: Project = None, home: Home = None, env: Env = "local", json: Json = False
) -> None:
    """List the versions of a project's model; show one; compare several.

    Examples: lakehouse-nlp models; lakehouse-nlp models 3; lakehouse-nlp models 2 3
    """
    from lakehouse_nlp.models import compared, listed, shown

    ctx = open_context(home, project, env, None)
    if not versions:
        _list(listed(ctx), as_json=json)
    elif len(versions) == 1:
        _show(shown(ctx, versions[0]), as_json=json)
    else:
        _compare(compared(ctx, versions), versions, as_json=json)


@app.command()
def promote(
    version: Annotated[int, typer.Argument(help="The version to make champion.")],
    why: Why,
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    json: Json = False,
) -> None:
    """Make a version champion by hand. The next run scores with it.

    Example: lakehouse-nlp promote 3 --why "slice figures checked by hand"
    """
    from lakehouse_nlp.register.aliases import promote as promoted

    with closing(open_context(home, project, env, None)) as ctx:
        made = promoted(ctx, version, why)
    render.message({"champion": made.number}, f"{made} is champion; next: lakehouse-nlp run score", as_json=json)


@app.command()
def rollback(why: Why, project: Project = None, home: Home = None, env: Env = "local", json: Json = False) -> None:
    """Make the version that was champion before champion again.

    Example: lakehouse-nlp rollback --why "complaints about refunds"
    """
    from lakehouse_nlp.register.aliases import rollback as rolled_back

    with closing(open_context(home, project, env, None)) as ctx:
        made = rolled_back(ctx, why)
    render.message({"champion": made.number}, f"{made} is champion again", as_json=json)


@app.command()
def train(
    reproduce: Annotated[str, typer.Option("--reproduce", help="The MLflow run whose model is to be made once more.")],
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    json: Json = False,
) -> None:
    """Make a registered model once more from its settings and its version of gold, and compare the boosters.

    A new model is trained by lakehouse-nlp run train. Exit code 1 where the boosters differ.
    """
    from lakehouse_nlp.train.reproduce import reproduce as reproduced

    with closing(open_context(home, project, env, None)) as ctx:
        found = reproduced(ctx, reproduce)
    value = {"version": found.version.number, "then": found.then, "now": found.now, "same": found.same}
    says = f"booster {found.now}: the same, byte for byte" if found.same else f"booster {found.now}, was {found.then}"
    render.message(value, f"{found.version}: {says}", as_json=json)
    raise typer.Exit(0 if found.same else 1)


@app.command()
def explain(
    key: Annotated[str, typer.Option("--key", help="The row's key in gold.")],
    version: Annotated[int | None, typer.Option("--version", help="Of the model; the champion if left out.")] = None,
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    sets: Sets = None,
    json: Json = False,
) -> None:
    """Say why the model says what it says of one row: the features that move it most (SHAP values).

    Example: lakehouse-nlp explain --key R3N1
    """
    from lakehouse_nlp.explain import explain as explained

    found = explained(open_context(home, project, env, sets), key, version)
    if json:
        render.data(found)
        return
    said = ", ".join(f"{name} {value:.4f}" for name, value in found["outputs"].items())
    sys.stdout.write(f"{key}: {found['prediction']} by {found['version']} ({said}); label {found['label']}\n\n")
    names = ["feature", "value", "adds"]
    render.table(names, [[part[name] for name in names] for part in found["features"]])


def _list(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        render.data(found)
    elif not found:
        sys.stdout.write("no versions yet\n")
    else:
        texts = [{**version, "aliases": ", ".join(version["aliases"])} for version in found]
        render.table(list(texts[0]), [list(version.values()) for version in texts])


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        render.data(found)
        return
    figures = found.pop("figures")
    texts = {**found, "aliases": ", ".join(found["aliases"])}
    sys.stdout.write("".join(f"{name}: {value}\n" for name, value in texts.items()) + "\n")
    render.table(["figure", "test"], list(figures.items()))


def _compare(found: dict[str, dict[int, float | None]], versions: list[int], *, as_json: bool) -> None:
    if as_json:
        render.data(found)
    else:
        names = ["figure", *(f"version {number}" for number in versions)]
        render.table(names, [[name, *(by[number] for number in versions)] for name, by in found.items()])
