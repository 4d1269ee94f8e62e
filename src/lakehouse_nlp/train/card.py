"""The model card (Mitchell et al. 2019): what a version is, how good, how sure, for whom, and what to doubt.

One list of sections, written as Markdown and as HTML, and as JSON for the report of a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from lakehouse_nlp.core.card import Section
from lakehouse_nlp.core.settings import Settings

SHOWN = (
    "accuracy",
    "balanced_accuracy",
    "f1_macro",
    "roc_auc",
    "pr_auc",
    "log_loss",
    "brier",
    "rmse",
    "mae",
    "r2",
    "bias",
)
STYLE = "body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}table{border-collapse:collapse}"
STYLE += "td,th{padding:.2em .8em;border-bottom:1px solid #ddd;text-align:left}img{max-width:100%}"


def sections(
    settings: Settings, metrics: dict[str, Any], tags: dict[str, str], strongest: Sequence[tuple[str, float]]
) -> list[Section]:
    """The card of a model with these figures; `strongest`: features and how much they move it, most first."""
    return [
        _what(settings, metrics, tags),
        _figures(settings, metrics),
        *([_search(found)] if (found := metrics.get("search")) else []),
        *([_classes(metrics)] if metrics["classes"] else []),
        *(_slice(name, found) for name, found in metrics["slices"].items()),
        Section("What it looks at", ["Mean absolute SHAP value on test rows, on the scale of the booster's margin."],
                [["feature", "moves by"], *([name, f"{moved:.4f}"] for name, moved in strongest[:25])]),
        _doubts(metrics),
    ]  # fmt: skip


def markdown(title: str, parts: Sequence[Section]) -> str:
    """The card as Markdown."""
    lines = [f"# {title}"]
    for part in parts:
        lines += ["", f"## {part.title}", *(f"\n{text}" for text in part.says)]
        rows = [[cell.replace("|", "\\|") for cell in row] for row in part.table]
        rows[1:1] = [["---"] * len(row) for row in rows[:1]]
        lines += ["", *(f"| {' | '.join(row)} |" for row in rows)] if rows else []
        lines += [f"\n![{name}]({name})" for name in part.pictures]
    return "\n".join(lines) + "\n"


def html(title: str, parts: Sequence[Section]) -> str:
    """The card as one HTML page; pictures are looked for beside it."""
    body = [f"<h1>{escape(title)}</h1>"]
    for part in parts:
        body += [f"<h2>{escape(part.title)}</h2>", *(f"<p>{escape(text)}</p>" for text in part.says)]
        rows = [(("td" if place else "th"), row) for place, row in enumerate(part.table)]
        cells = ["<tr>" + "".join(f"<{kind}>{escape(c)}</{kind}>" for c in row) + "</tr>" for kind, row in rows]
        body += ["<table>", *cells, "</table>"] if cells else []
        body += [f'<p><img src="{escape(name)}" alt="{escape(name)}"></p>' for name in part.pictures]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return "\n".join(["<!doctype html>", f'<html lang="en"><head>{head}</head><body>', *body, "</body></html>"]) + "\n"


def _what(settings: Settings, metrics: dict[str, Any], tags: dict[str, str]) -> Section:
    learns = f"one of {', '.join(metrics['classes'])}" if metrics["classes"] else "a number"
    text = f"the text of {', '.join(settings.text)}; " if settings.text else ""
    columns = ", ".join((*settings.features.numbers, *settings.features.categorical)) or "none"
    split = settings.gold.split.by or "the key"
    sizes = f"{metrics['validation']['rows']:,} validation, {metrics['test']['rows']:,} test"
    return Section(
        "What it is",
        [settings.description, f"It predicts {learns} ({metrics['objective']}), learnt from: {settings.label}"],
        [
            ["about", "is"],
            ["reads", f"{text}columns: {columns}"],
            ["vectors of the text", _vectors(settings)],
            ["trained on", f"{metrics['train_rows']:,} rows of gold version {tags.get('gold_version', '?')}"],
            ["split", f"by a hash of {split}: {sizes}"],
            ["booster", f"{metrics['rounds']} rounds, depth {settings.train.booster.max_depth}"],
            ["goes on from", f"version {tags['warm_from']}" if "warm_from" in tags else "nothing: trained anew"],
            ["class weights", str(settings.train.class_weights)],
            ["calibration", settings.train.calibration],
            ["threshold", "the likeliest class" if metrics["cut"] is None else f"{metrics['cut']:.4f}"],
            ["token pipeline", tags.get("nlp_hash", "?")],
        ],
    )  # fmt: skip


def _vectors(settings: Settings) -> str:
    found = settings.features.text.vectors if settings.text else None
    more = {name: value for name, value in found.model_dump().items() if name != "kind"} if found else {}
    return ", ".join([found.kind, *(f"{name} {value}" for name, value in more.items())]) if found else "none"


def _figures(settings: Settings, metrics: dict[str, Any]) -> Section:
    of = [metrics["test"], metrics["validation"], metrics["baselines"]["linear"], metrics["baselines"]["majority"]]
    rows = [
        [name, _number(of[0][name]), _interval(metrics["intervals"].get(name)), *(_number(f.get(name)) for f in of[1:])]
        for name in SHOWN
        if name in of[0]
    ]
    head = ["figure", "test", "95 % of draws", "validation", "linear baseline", "guess"]
    by = f"groups of test rows, by {settings.gold.split.by}" if settings.gold.split.by else "test rows"
    return Section("How good it is", [f"Intervals by bootstrap over the {by}."], [head, *rows])


def _search(found: dict[str, Any]) -> Section:
    of = f" for version {found['of_version']}" if "of_version" in found else ""
    tried = f"{found['trials']} trials ({found['method']}, {found['pruned']} of them pruned){of}"
    judged = f"judged by {found['metric']} of the validation rows: {found['before']:.4f} as the settings stand"
    best = f"{found['best']:.4f} of trial {found['best_trial']}, whose parameters this model has"
    none = "which none was better than"
    rows = [[name, *map(str, values)] for name, values in found["params"].items()]
    return Section(
        "What was tried",
        [f"{tried}, {judged}, {none if found['best_trial'] is None else best}."],
        [["parameter", "in the settings", "found"], *rows] if rows else [],
    )


def _classes(metrics: dict[str, Any]) -> Section:
    test, sure = metrics["test"], metrics["intervals"]
    rows = [
        [name, f"{test['support'][name]:,}", *(_number(test[kind][name]) for kind in ("precision", "recall", "f1")),
         _interval(sure.get(f"f1.{name}"))]
        for name in metrics["classes"]
    ]  # fmt: skip
    head = ["class", "test rows", "precision", "recall", "F1", "95 % of draws"]
    return Section("By class", [], [head, *rows], ["confusion.png", "curves.png"])


def _slice(name: str, found: dict[str, Any]) -> Section:
    figure = next((f for f in ("roc_auc", "rmse") if any(f in each for each in found.values())), "accuracy")
    other = "accuracy" if figure == "roc_auc" else "mae"
    rows = [
        [
            value,
            f"{each['rows']:,}",
            _number(each[figure]),
            _interval(each["intervals"].get(figure)),
            _number(each[other]),
        ]
        for value, each in found.items()
    ]
    return Section(f"By {name}", [], [[name, "test rows", figure, "95 % of draws", other], *rows])


def _doubts(metrics: dict[str, Any]) -> Section:
    signs = [f"{'Grave: ' if leak['grave'] else 'To be looked at: '}{leak['says']}" for leak in metrics["leaks"]]
    return Section("Signs of leakage", signs or ["None were found."])


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.4f}"


def _interval(sure: Sequence[float] | None) -> str:
    return f"{sure[0]:.4f} to {sure[1]:.4f}" if sure else "-"
