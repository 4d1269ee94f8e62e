"""The commands. Each opens a context, calls the package, and shows the answer: stdout is data, stderr is talk."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from lakehouse_nlp import __version__
from lakehouse_nlp.cli import render
from lakehouse_nlp.core.errors import UsageError

if TYPE_CHECKING:
    from lakehouse_nlp.core.context import Context
    from lakehouse_nlp.flow import Report

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="New here? [bold]lakehouse-nlp demo[/bold]. Own data? [bold]lakehouse-nlp init reviews --from FILE[/bold].",
)

Home = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of conf/, lake/ and mlflow/. [default: LAKEHOUSE_NLP_HOME, or here]"),
]
Project = Annotated[str | None, typer.Option("--project", "-p", help="Project; may be left out where there is one.")]
Env = Annotated[str, typer.Option("--env", "-e", help="Environment: conf/envs/<env>.yml.")]
Sets = Annotated[list[str] | None, typer.Option("--set", help="A setting for this time: train.seed=7.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Stages = Annotated[list[str] | None, typer.Argument(help="Stages, in any order; all of them if left out.")]


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Raw review files to scored predictions, over Delta tables, Spark NLP, XGBoost and MLflow."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="Name of the new project: letters, digits and _.")],
    source: Annotated[Path, typer.Option("--from", help="A CSV, TSV, JSON, JSONL or Parquet file, plain or .gz.")],
    text: Annotated[list[str] | None, typer.Option("--text", help="A text column; once for each.")] = None,
    label: Annotated[str | None, typer.Option("--label", help="The label: a column, or a SQL expression.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="The column that tells rows apart.")] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Look at a file, and write a project that takes it from there to predictions.

    Example: lakehouse-nlp init reviews --from reviews.csv --label "case when stars > 3 then 'good' else 'bad' end"
    """
    from lakehouse_nlp.init import init_project

    made = init_project(_home(home), name, source, text or (), label, key)
    render.paths(made, f"next: lakehouse-nlp run --project {name}", as_json=json)


@app.command()
def add(
    files: Annotated[list[Path], typer.Argument(help="Files to bring.")],
    project: Project = None,
    inference: Annotated[bool, typer.Option("--inference", help="To be scored only, not learnt from.")] = False,
    home: Home = None,
    env: Env = "local",
    json: Json = False,
) -> None:
    """Bring further files to a project."""
    from lakehouse_nlp.core.settings import load
    from lakehouse_nlp.init import add_files

    where = _home(home)
    name = _project(where, project)
    made = add_files(where, load(where, name, env), files, inference)
    render.paths(made, f"next: lakehouse-nlp run --project {name}", as_json=json)


@app.command()
def validate(
    project: Project = None, home: Home = None, env: Env = "local", sets: Sets = None, json: Json = False
) -> None:
    """Check settings, stages and SQL without touching data: every fault at once, with file and line."""
    ctx = _context(home, project, env, sets)
    render.message(
        {"project": ctx.settings.project, "env": env, "valid": True},
        f"{ctx.settings.project}: settings are valid",
        as_json=json,
    )


@app.command()
def plan(
    stages: Stages = None,
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    sets: Sets = None,
    json: Json = False,
) -> None:
    """Say what run would do now, and why. Starts nothing."""
    from lakehouse_nlp import flow

    steps = flow.plan(_context(home, project, env, sets), stages or ())
    render.plan(steps, as_json=json)


@app.command()
def run(
    stages: Stages = None,
    project: Annotated[
        list[str] | None,
        typer.Option("--project", "-p", help="Project, or several; may be left out where there is one."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Run every project, a process each.")] = False,
    home: Home = None,
    env: Env = "local",
    sets: Sets = None,
    force: Annotated[bool, typer.Option("--force", help="Run the stages even if they have nothing new.")] = False,
    run_id: Annotated[str | None, typer.Option("--run-id", help="Of an orchestrator: a run that calls share.")] = None,
    attempt: Annotated[
        int | None, typer.Option("--attempt", help="Of an orchestrator that makes the tries: its number.", min=1)
    ] = None,
    json: Json = False,
) -> None:
    """Run what is due: ingest, silver, gold, train, register, score, monitor.

    Of several projects, runs.max_concurrent run at a time, and the exit code is the gravest of theirs.
    Examples: lakehouse-nlp run; lakehouse-nlp run ingest silver --project demo; lakehouse-nlp run --all;
    lakehouse-nlp run gold --run-id 20240501T060000-1a2b3c --attempt 2
    """
    from lakehouse_nlp import flow
    from lakehouse_nlp.cli.progress import watched
    from lakehouse_nlp.core.runs import checked_id

    if every or len(project or ()) > 1:
        from lakehouse_nlp.cli.several import named, run_several

        if run_id or attempt:
            raise UsageError("--run-id and --attempt are of one project", hint="a call for each project")
        where = _home(home)
        projects = named(where, project, every=every)
        raise typer.Exit(run_several(where, projects, stages or (), env, sets, force=force, as_json=json))
    ctx = _context(home, project[0] if project else None, env, sets)
    ctx.run_id = checked_id(run_id) if run_id else ctx.run_id
    with closing(ctx), watched(ctx, flow.chosen(stages or ())) as watch:
        report = flow.run(ctx, stages or (), force=force, watch=watch, attempt=attempt)
    render.report(report, as_json=json)
    raise typer.Exit(1 if report.refused else 0)


@app.command()
def ingest(
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    sets: Sets = None,
    keep: Annotated[bool, typer.Option("--watch/--once", help="Keep looking for new files until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option("--every", help="Seconds between two looks.", min=0.1)] = 5.0,
    json: Json = False,
) -> None:
    """Take the files in raw/ in: once, or whenever new ones come.

    Examples: lakehouse-nlp ingest; lakehouse-nlp ingest --watch --every 60
    """
    from lakehouse_nlp.cli.watch import reports

    _told(reports(lambda: _context(home, project, env, sets), "ingest", every if keep else None), as_json=json)


@app.command()
def score(
    since: Annotated[str | None, typer.Option("--since", help="Only rows from this date or time on.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Only rows before this date or time.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Of this column; when they were taken in if left out.")] = None,
    version: Annotated[int | None, typer.Option("--version", help="By this version of the model, too.")] = None,
    follow: Annotated[bool, typer.Option("--follow/--once", help="Keep scoring what comes until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option("--every", help="Seconds between two looks of --follow.", min=0.1)] = 5.0,
    last: Annotated[str | None, typer.Option("--for", help="End --follow after this time: 90s, 30m, 8h, 7d.")] = None,
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    sets: Sets = None,
    json: Json = False,
) -> None:
    """Score what is not scored: all of it, or a window; once, or whenever more comes; by one version more, if asked.

    A window leaves what current_predictions shows alone; a further version is not shown before it is champion.
    Examples: lakehouse-nlp score; lakehouse-nlp score --follow --every 10 --for 8h; lakehouse-nlp score --version 3;
    lakehouse-nlp score --by day --since 2024-01-01 --until 2024-02-01
    """
    from lakehouse_nlp.cli.watch import followed, reports

    window = {"since": since, "until": until, "by": by}
    given = [*(sets or ()), *(f"score.window.{name}={value!r}" for name, value in window.items() if value is not None)]

    def opened() -> Context:
        asked = _context(home, project, env, given).settings.score
        if follow and asked.window:
            raise UsageError("--follow, and a window of gold", hint="leave out the one or the other: a window ends")
        more = version is not None and version not in asked.models
        models = f"score.models=[{', '.join(map(str, (*asked.models, version)))}]"
        return _context(home, project, env, [*given, models] if more else given)

    if last and not follow:
        raise UsageError(f"--for {last} without --follow", hint="lakehouse-nlp score --follow --for 8h")
    _told(followed(opened, every, last) if follow else reports(opened, "score"), as_json=json)


@app.command()
def status(
    project: Project = None, home: Home = None, env: Env = "local", sets: Sets = None, json: Json = False
) -> None:
    """Show how a project stands: champion, tables, last run."""
    from lakehouse_nlp.status import status as found

    render.status(found(_context(home, project, env, sets)), as_json=json)


@app.command("suggest-checks")
def suggest_checks(
    project: Project = None,
    table: Annotated[str, typer.Option("--table", help="The project's table to look at.")] = "silver",
    home: Home = None,
    env: Env = "local",
    yaml: Annotated[bool, typer.Option("--yaml", help="Print YAML to paste into the project. [default]")] = False,
    json: Json = False,
) -> None:
    """Look at a table, and propose checks that it keeps today, each with what speaks for it.

    Example: lakehouse-nlp suggest-checks --project demo
    """
    from lakehouse_nlp.suggest import as_yaml, suggest

    if yaml and json:
        raise UsageError("--yaml and --json", hint="choose one")
    found = suggest(_context(home, project, env, None), table)
    render.suggestions(found, as_yaml(found), as_json=json)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="A query over <project>.<table> and ops.<table>.")],
    home: Home = None,
    project: Project = None,
    env: Env = "local",
    engine: Annotated[str, typer.Option("--engine", help="duckdb (no JVM) or spark.")] = "duckdb",
    form: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    json: Json = False,
) -> None:
    """Ask the tables by SQL.

    Example: lakehouse-nlp sql "select prediction, count(*) from demo.predictions group by all"
    """
    from lakehouse_nlp.query import answer

    if engine not in ("duckdb", "spark") or form not in ("table", "csv", "json"):
        raise UsageError(
            f"--engine {engine} --format {form}", hint="engines are duckdb and spark; formats are table, csv and json"
        )
    with closing(_context(home, project, env, None)) as ctx:
        names, rows = answer(ctx, query, engine)
    render.rows(names, rows, "json" if json else form)


@app.command()
def replay(
    where: Annotated[str | None, typer.Option("--where", help="Rows, by SQL over <project>.rejected_rows.")] = None,
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    sets: Sets = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")] = False,
    json: Json = False,
) -> None:
    """Judge set-aside rows by today's rules: those that pass go to silver.

    Example: lakehouse-nlp replay --where "rule = 'type(rating)'" --dry-run
    """
    from lakehouse_nlp.silver.replay import replay as again

    with closing(_context(home, project, env, sets)) as ctx:
        ctx.ready()
        found = again(ctx, where, dry_run=dry_run)
    render.replayed(found, as_json=json)


@app.command()
def maintain(
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    sets: Sets = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say which files would go; write nothing.")] = False,
    order: Annotated[bool, typer.Option("--order", help="Put rows in the order of their keys, too, by Spark.")] = False,
    json: Json = False,
) -> None:
    """Merge small files of a project's tables and of ops, and delete what nothing needs: files, logs, trials.

    Kept are files younger than lake.retain_days, changes not yet read, and every version of gold that a model names.
    Examples: lakehouse-nlp maintain --dry-run; lakehouse-nlp maintain --project demo --set lake.retain_days=30;
    lakehouse-nlp maintain --order
    """
    from lakehouse_nlp.cli.progress import counting
    from lakehouse_nlp.maintain import maintain as maintained

    with closing(_context(home, project, env, sets)) as ctx:
        ctx.ready()
        with counting() as show:
            show(ctx)
            found = maintained(ctx, dry_run=dry_run, order=order)
    render.upkeep(found, dry_run=dry_run, as_json=json)


@app.command()
def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Fetch the jars, and tell spark-submit about them.")] = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Say what this machine lacks for a run."""
    from lakehouse_nlp.doctor import examine, mend

    if fix:
        mend(render.talk)
    findings = examine(_home(home))
    render.findings(findings, as_json=json)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 2)


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Folder to write train/ and inference/ into.")],
    rows: Annotated[int, typer.Option("--rows", help="Rows to make.", min=1000)] = 24_000,
    json: Json = False,
) -> None:
    """Write made-up review files, with the mess of real ones, to try things on."""
    from lakehouse_nlp.demo.sample import write_samples

    then = f"next: lakehouse-nlp init reviews --from {folder}/train/reviews-2.csv"
    render.paths(write_samples(folder, rows), then, as_json=json)


@app.command()
def demo(
    home: Home = None, rows: Annotated[int, typer.Option("--rows", help="Sample rows to make.", min=1000)] = 24_000
) -> None:
    """Make sample reviews, run the whole path, and ask the predictions a question."""
    from lakehouse_nlp.cli.demo import demonstrate

    raise typer.Exit(demonstrate(_home(home), rows))


def _told(reports: Iterable[Report], *, as_json: bool) -> NoReturn:
    """Prints how each run ended, and exits with 1 where any of them refused something."""
    refused = False
    for report in reports:
        render.report(report, as_json=as_json)
        refused = refused or bool(report.refused)
    raise typer.Exit(1 if refused else 0)


def _home(home: Path | None) -> Path:
    from lakehouse_nlp.core.settings import Home as Folder

    return (home.expanduser() if home else Folder.find(Path.cwd()).path).resolve()


def _project(home: Path, project: str | None) -> str:
    from lakehouse_nlp.core.settings import Home as Folder

    there = Folder(home).projects()
    if project or len(there) == 1:
        return project or there[0]
    raise UsageError(
        f"which project? {home / 'conf/projects'} holds {', '.join(there) or 'none'}",
        hint="--project NAME" if there else "lakehouse-nlp init NAME --from FILE, or lakehouse-nlp demo",
    )


def _context(home: Path | None, project: str | None, env: str, sets: list[str] | None) -> Context:
    from lakehouse_nlp.core.context import Context

    where = _home(home)
    return Context.open(where, _project(where, project), env, sets or ())


from lakehouse_nlp.cli import governing as governing  # noqa: E402  # its commands are of this app
from lakehouse_nlp.cli import keeping as keeping  # noqa: E402
from lakehouse_nlp.cli import lineage as lineage  # noqa: E402
from lakehouse_nlp.cli import operating as operating  # noqa: E402
from lakehouse_nlp.cli import orchestrating as orchestrating  # noqa: E402
from lakehouse_nlp.cli import reporting as reporting  # noqa: E402
