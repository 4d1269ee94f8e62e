"""Answers for people and for programs: tables on stdout, plain text where it is no terminal, JSON where asked."""

from __future__ import annotations

import csv
import json as json_
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from lakehouse_nlp.doctor import Finding
    from lakehouse_nlp.flow import Report, Step
    from lakehouse_nlp.maintain import Maintained
    from lakehouse_nlp.silver.replay import Replayed
    from lakehouse_nlp.suggest import Suggestion

NUMBERS = (int, float)
MB = 1e6


def talk(line: str) -> None:
    """Says something to the person, beside the data."""
    sys.stderr.write(f"{line}\n")


def data(value: Any) -> None:
    """Prints JSON; what JSON has no form for is printed as text."""
    sys.stdout.write(json_.dumps(value, indent=2, default=str, ensure_ascii=False) + "\n")


def message(value: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Prints the one or the other."""
    data(value) if as_json else sys.stdout.write(text + "\n")


def paths(made: Iterable[Path], then: str, *, as_json: bool) -> None:
    """Prints the files that were made, and what to do next."""
    found = [str(path) for path in made]
    data(found) if as_json else sys.stdout.write("".join(f"{path}\n" for path in found))
    talk(then)


def table(names: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """Prints an aligned table; numbers to the right."""
    shown = [list(row) for row in rows]
    if title:
        sys.stdout.write(f"{title}\n")
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for place, name in enumerate(names):
        right = any(isinstance(row[place], NUMBERS) for row in shown)
        grid.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in shown:
        grid.add_row(*(cell(value) for value in row))
    wide = None if sys.stdout.isatty() else 200
    Console(file=sys.stdout, width=wide, highlight=False, markup=False).print(grid)


def cell(value: Any) -> str:
    """A value as a table shows it."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, NUMBERS):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4f}".rstrip("0").rstrip(".")


def first_line(text: str | None) -> str:
    """What of a message fits into a table."""
    return (text or "").partition("\n")[0]


def rows(names: Sequence[str], found: list[tuple[Any, ...]], form: str) -> None:
    """Prints the answer to a query as table, csv or json (a list of objects)."""
    if form == "json":
        data([dict(zip(names, row, strict=True)) for row in found])
    elif form == "csv":
        csv.writer(sys.stdout, lineterminator="\n").writerows([names, *found])
    else:
        table(names, found)


def plan(steps: Sequence[Step], *, as_json: bool) -> None:
    """Prints planned steps with their reasons."""
    found = [{"stage": s.stage.name, "why": s.why, "certain": s.certain, "does": s.stage.does} for s in steps]
    if as_json:
        data(found)
    elif not found:
        sys.stdout.write("nothing to do\n")
    else:
        table(["stage", "", "why"], [(s["stage"], "will" if s["certain"] else "may", s["why"]) for s in found])


def report(found: Report, *, as_json: bool) -> None:
    """Prints how a run ended; what was refused goes to stderr."""
    steps = {name: vars(result) for name, result in found.steps.items()}
    if as_json:
        data({"run_id": found.run_id, "state": found.state, "steps": steps, "refused": found.refused})
    elif found.state == "idle":
        sys.stdout.write("nothing to do: nothing was started, nothing was written\n")
    else:
        sys.stdout.write(f"run {found.run_id}: {found.state}\n")
    for sentence in found.refused:
        talk(f"refused: {sentence}")


def replayed(found: Replayed, *, as_json: bool) -> None:
    """Prints how many set-aside rows pass now, and by rule those that do not."""
    if as_json:
        data(vars(found))
        return
    goes = "would go" if found.dry_run else "went"
    sys.stdout.write(f"{found.judged:,} rows judged again: {found.released:,} pass and {goes} to silver\n")
    if found.stay:
        table(["rule", "rows that stay"], found.stay.items())
    if found.released and not found.dry_run:
        talk("next: lakehouse-nlp run")


def upkeep(found: Maintained, *, dry_run: bool, as_json: bool) -> None:
    """Prints what became of each table's files, and of what runs leave beside tables."""
    if as_json:
        parts = {name: [vars(each) for each in getattr(found, name)] for name in ("tables", "leftovers")}
        rooms = [{**vars(room), "state": room.state} for room in found.disk]
        data({**parts, "disk": rooms, "files": found.files, "megabytes": found.megabytes})
        return
    head = ["table", "files merged", "into", "would go" if dry_run else "removed", "MB", "kept for", "and for models"]
    rows = [
        [each.table, each.merged, each.into, each.removed, each.megabytes, f"{each.hours} h", _versions(each.versions)]
        for each in found.tables
    ]
    table(head, rows)
    sys.stdout.write("\n")
    gone = "would go" if dry_run else "removed"
    lines = [
        [each.what, each.files, each.megabytes, "" if each.goes else "stay: retention.strays is null"]
        for each in found.leftovers
    ]
    table(["beside tables", gone, "MB", ""], lines)
    sys.stdout.write(f"\n{gone}: {found.files:,} files, {found.megabytes:,.1f} MB\n")
    sys.stdout.write("".join(f"{room.folder}: {room.free / MB:,.0f} MB were free\n" for room in found.disk))


def _versions(numbers: Sequence[int]) -> str:
    return f"versions {', '.join(map(str, numbers))}" if numbers else ""


def status(found: dict[str, Any], *, as_json: bool) -> None:
    """Prints a project's champion, tables and last run."""
    if as_json:
        data(found)
        return
    sys.stdout.write(f"project {found['project']}\n\n")
    champion(found["champion"])
    table(["table", "rows", "version"], [(name, t["rows"], t["version"]) for name, t in found["tables"].items()])
    for why in filter(None, (found["blocked"], found["scoring_blocked"])):
        sys.stdout.write(f"\n{why}\n")
    for room in found["disk"]:
        if room["state"] != "ok":
            sys.stdout.write(f"\n{room['folder']} is {room['state']}: {room['free'] / MB:,.0f} MB free\n")
    last = found["last_run"]
    if last:
        sys.stdout.write(
            f"\nlast run {last['id']}: {last['state']}" + (f" ({last['error']})" if last["error"] else "") + "\n"
        )
        steps(last)
        sys.stdout.write(f"\nreport: {last['report'] or 'lakehouse-nlp report'}\n")
    if found["data_docs"]:
        sys.stdout.write(f"\nvalidation report: {found['data_docs']}\n")


def runs(found: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    """Prints the runs of a project, each with the first line of what went wrong."""
    if as_json:
        data(found)
    elif not found:
        sys.stdout.write("no runs yet\n")
    else:
        lines = [
            [each["id"], each["state"], each["seconds"], each["stages"], first_line(each["error"])] for each in found
        ]
        table(["run", "state", "seconds", "stages", ""], lines)


def run(found: dict[str, Any], *, as_json: bool) -> None:
    """Prints one run with its steps, and all of what went wrong."""
    if as_json:
        data(found)
        return
    told = ("id", "state", "started_at", "ended_at", "env", "code", "stages", "log")
    sys.stdout.write("".join(f"{name.removesuffix('_at')}: {found[name]}\n" for name in told if found[name]) + "\n")
    steps(found)
    for step in found["steps"]:
        if step["error"]:
            sys.stdout.write(f"\n{step['stage']}, try {step['tries'] or 1}: {step['error']}\n")
    if found["error"] and found["error"] not in [step["error"] for step in found["steps"]]:
        sys.stdout.write(f"\n{found['error']}\n")
    if found["report"]:
        sys.stdout.write(f"\nreport: {found['report']}\n")


def steps(found: dict[str, Any]) -> None:
    """Prints the steps of a run, the tries where one was not enough, and what they used."""
    names = ["stage", "state", "seconds", "read", "written", "rejected", "note"]
    if any((step["tries"] or 1) > 1 for step in found["steps"]):
        names.insert(2, "tries")
    table(names, [[step[name] for name in names] for step in found["steps"]])
    used(found["steps"], found["currency"])


def used(steps: Sequence[dict[str, Any]], currency: str) -> None:
    """Prints what the steps used, and what it cost where there are prices."""
    done = [step for step in steps if step["state"] != "idle" and step["cpu_seconds"] is not None]
    if not done:
        return
    head = ["stage", "rows/s", "CPU s", "peak MB", "MB read", "MB written"]
    lines = [
        [step["stage"], step["rows_per_second"], round(step["cpu_seconds"], 1)]
        + [round((step[name] or 0) / MB) for name in ("peak_bytes", "bytes_read", "bytes_written")]
        for step in done
    ]
    if any(step["price"] is not None for step in done):
        head += [currency, "for 1M rows"]
        lines = [[*line, step["price"], step["price_per_million"]] for line, step in zip(lines, done, strict=True)]
    sys.stdout.write("\n")
    table(head, lines)


def champion(found: dict[str, Any] | None) -> None:
    """Prints the champion's figures on the test split beside the baselines'."""
    if found is None:
        sys.stdout.write("no champion yet\n\n")
        return
    metrics = found["metrics"]
    columns = {"champion": metrics["test"], **metrics["baselines"]}
    names = [n for n in ("accuracy", "roc_auc", "log_loss", "rmse", "mae", "r2") if n in metrics["test"]]
    lines: list[list[Any]] = [[name, *(column[name] for column in columns.values())] for name in names]
    classes = metrics["test"].get("f1", {})
    lines += [[f"f1 of {name}", *(column["f1"].get(name) for column in columns.values())] for name in classes]
    title = f"champion {found['name']} version {found['version']}, on {metrics['test']['rows']:,} test rows"
    table(["figure", *columns], lines, title)
    sys.stdout.write("\n")


def findings(found: Sequence[Finding], *, as_json: bool) -> None:
    """Prints what doctor found."""
    if as_json:
        data([vars(finding) for finding in found])
    else:
        table(["", "what", "found", "next"], [("ok" if f.ok else "MISSING", f.what, f.found, f.next) for f in found])


def suggestions(found: Sequence[Suggestion], yaml: str, *, as_json: bool) -> None:
    """Prints suggested checks: as YAML, or as objects with `check` and `evidence`."""
    if as_json:
        data([vars(suggestion) for suggestion in found])
    else:
        sys.stdout.write(yaml)
