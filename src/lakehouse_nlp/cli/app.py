"""The command line's root. The commands are in a module for each topic: each opens a context, calls the package, and
shows the answer: stdout is data, stderr is talk.
"""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from lakehouse_nlp import __version__

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="New here? [bold]lakehouse-nlp demo[/bold]. Own data? [bold]lakehouse-nlp init reviews --from FILE[/bold].",
)

# The modules of commands, in the order in which `--help` lists these.
TOPICS = ("starting", "running", "asking", "keeping", "governing", "lineage", "operating", "orchestrating", "reporting")


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Raw review files to scored predictions, over Delta tables, Spark NLP, XGBoost and MLflow."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


for topic in TOPICS:
    import_module(f"lakehouse_nlp.cli.{topic}")  # below, because its commands are of this app
