"""The commands that keep a project: rows set aside are judged again, files tidied, all of it backed up and restored."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse_nlp.cli import render
from lakehouse_nlp.cli.app import app
from lakehouse_nlp.cli.options import Env, Home, Json, Project, Sets, home_folder, open_context
from lakehouse_nlp.cli.progress import counting

if TYPE_CHECKING:
    from lakehouse_nlp.backup import Restored, Taken

NAMES = {
    "tables": "tables, with their logs", "lake": "waiting and refused files, copies of models", "ops": "rows of ops",
    "registry": "MLflow's rows", "artifacts": "MLflow's files", "conf": "settings", "home": "files that settings name",
}  # fmt: skip


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

    with closing(open_context(home, project, env, sets)) as ctx:
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
    from lakehouse_nlp.maintain import maintain as maintained

    with closing(open_context(home, project, env, sets)) as ctx:
        ctx.ready()
        with counting() as show:
            show(ctx)
            found = maintained(ctx, dry_run=dry_run, order=order)
    render.upkeep(found, dry_run=dry_run, as_json=json)


@app.command()
def backup(
    to: Annotated[str, typer.Option("--to", help="A folder, file://…, s3://bucket/folder or gs://….")],
    keep: Annotated[int | None, typer.Option("--keep", help="Backups to keep; older ones go.", min=1)] = None,
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    sets: Sets = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be copied; write nothing.")] = False,
    json: Json = False,
) -> None:
    """Back a project up: tables with their versions, its rows of ops, models, settings; and what SQL answers over them.

    Files that the place has are not copied again. Runs may go on while files are copied.
    Examples: lakehouse-nlp backup --to /mnt/backups; lakehouse-nlp backup --to s3://bucket/lake --keep 30
    """
    from lakehouse_nlp.backup import backup as backed_up

    with closing(open_context(home, project, env, sets)) as ctx:
        ctx.ready()
        with counting() as show:
            show(ctx)
            found = backed_up(ctx, to, keep=keep, dry_run=dry_run)
    _told(found, "would be copied" if dry_run else "copied", as_json=json)
    if not json:
        sys.stdout.write(f"\nbackup {found.id} in {to}\n" if not dry_run else "")
        if found.freed[0]:
            sys.stdout.write(f"{found.freed[0]:,} files went, {found.freed[1] / render.MB:,.1f} MB\n")
        render.talk(f"next: lakehouse-nlp restore --from {to} --home FOLDER")


@app.command()
def restore(
    source: Annotated[str, typer.Option("--from", help="Where the backup is, as backup --to had it.")],
    at: Annotated[str | None, typer.Option("--at", help="The backup's id; the newest if left out.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Give up the project that the home holds.")] = False,
    project: Project = None,
    home: Home = None,
    env: Env = "local",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")] = False,
    json: Json = False,
) -> None:
    """Bring a project back, and compare what SQL answers with what it answered then. Exit code 1 where it differs.

    Killed, the same command does the rest; until then no run begins.
    Examples: lakehouse-nlp restore --from /mnt/backups --home elsewhere; lakehouse-nlp restore --from s3://bucket/lake
    --at 20240501T120000-1a2b3c --replace
    """
    from lakehouse_nlp.backup import restore as restored

    where: Path = home_folder(home)
    with counting() as show:
        found = restored(where, source, project, env, at=at, replace=replace, dry_run=dry_run, told=show)
    _told(found, "would be copied" if dry_run else "copied", as_json=json)
    if not json:
        gone = "would be lost" if dry_run else "gave way"
        sys.stdout.write("".join(f"{gone}: {each}\n" for each in found.lost))
        if not dry_run:
            sys.stdout.write(
                f"\n{found.project} of backup {found.id} is in {where}: {found.answers} answers are the same\n"
            )
        render.talk(f"next: lakehouse-nlp status --project {found.project} --home {where}")


def _told(found: Taken | Restored, verb: str, *, as_json: bool) -> None:
    from lakehouse_nlp.backup.manifest import sizes

    copied, known = sizes(found.copied), sizes(found.known)
    parts: list[dict[str, Any]] = []
    for part in sorted({*copied, *known}):
        (new, fresh), (many, size) = copied.get(part, (0, 0)), known.get(part, (0, 0))
        parts.append({"part": part, "files": new + many, "bytes": fresh + size, "new": new, "new_bytes": fresh})
    if as_json:
        told = {name: value for name, value in vars(found).items() if name not in ("copied", "known")}
        render.data({**told, "parts": parts})
        return
    rows = [[NAMES[p["part"]], p["files"], p["bytes"] / render.MB, p["new"], p["new_bytes"] / render.MB] for p in parts]
    total = [sum(each[place] for each in rows) for place in range(1, 5)]
    rows.append(["all", *total])
    render.table(
        ["what", "files", "MB", verb, "MB"], [[r[0], r[1], round(r[2], 3), r[3], round(r[4], 3)] for r in rows]
    )
