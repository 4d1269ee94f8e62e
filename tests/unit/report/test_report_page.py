"""The page of a report: what it says, what it never says as markup, and how it ends for each state."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from lakehouse_nlp.report import forms, summary
from lakehouse_nlp.report.facts import Check, Facts
from lakehouse_nlp.report.page import page
from report_facts import ATTACKS, LONG, RUN, bare, drift, facts, step

pytestmark = pytest.mark.unit


class Read(HTMLParser):
    """What a browser would make of a page: its tags, the names and values of their attributes, and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())


@pytest.fixture(scope="module")
def shown() -> Read:
    return Read(page(facts()))


def test_attacks_are_text_and_nothing_else(shown: Read) -> None:
    assert shown.open == []
    assert not {"script", "img", "iframe", "object", "link", "b"} & set(shown.tags)
    assert shown.tags.count("style") == 1
    assert not [name for name, _ in shown.attributes if name.startswith("on")]
    for attack in ATTACKS:
        assert shown.text.count(attack) >= 2


def test_what_a_text_hides_is_shown(shown: Read) -> None:
    assert "turns ⟨U+202E⟩ and hides ⟨U+0000⟩" in shown.text
    assert "⟨U+001B⟩[31m" in shown.text
    assert forms.plain("ein\nschöner\tText 日本") == "ein\nschöner\tText 日本"


def test_nothing_is_loaded_from_elsewhere(shown: Read) -> None:
    links = [value for name, value in shown.attributes if name in ("href", "src", "xlink:href", "action")]
    assert links
    assert all(link.startswith("#") for link in links)
    assert "@import" not in (style := page(bare()).partition("</style>")[0])
    assert "url(" not in style
    policy = [value for _, value in shown.attributes if "default-src" in value]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]


def test_the_figures_that_matter_are_there(shown: Read) -> None:
    for said in (
        "Done, and something was refused", "1 min 36 s", "1,030", "usually 1,020", "0.952", "0.940 to 0.960",
        "24,321 rows", "25,000 rows", "12,345", "EUR 1.75", "0.30 %", "94.0 %", "roc_auc 0.90, the champion has 0.95",
        "… 95 more characters", "line 2", "price: psi 0.42 from training", "added", "1 of 3 passed",
    ):  # fmt: skip
        assert said in shown.text, said
    assert shown.text.count(LONG) >= 4


def test_more_files_than_are_shown_are_counted() -> None:
    said = Read(page(facts(came={"rejected": 60, "loaded": 1200}))).text
    for part in ("and 1,258 more files", "from 1,200 files", "1,260 files", "60 files"):
        assert part in said


def test_pages_of_other_runs_and_data_docs_are_linked_where_they_are() -> None:
    last, long_ago = facts().past[-2].id, facts().past[0].id
    read = Read(page(facts(), {each: f"{each}.html" for each in (last, long_ago)}, "../quality/index.html"))
    links = [value for name, value in read.attributes if name == "href" and not value.startswith("#")]
    assert sorted(links) == ["../quality/index.html", f"{last}.html"]  # only the last runs are in the table


def test_a_first_run_that_failed_has_a_page_too() -> None:
    read = Read(page(bare()))
    assert read.text.startswith("tiny: failed, run " + RUN)
    for said in ("no such file: " + LONG, "lakehouse-nlp add FILE", "No step has ended", "The run took no file in",
                 "nothing was checked", "No row is set aside", "No version is champion yet", "Nothing was measured",
                 "no table yet", "not reached", "not asked for"):  # fmt: skip
        assert said in read.text, said


@pytest.mark.parametrize(
    ("state", "error", "name", "then"),
    [
        ("done", None, "Done", "lakehouse-nlp status --project tiny"),
        ("failed", "no\n  next: mend it", "Failed", "mend it"),
        ("failed", "no", "Failed", "lakehouse-nlp run --project tiny"),
        ("timed_out", "too long", "Out of time", "lakehouse-nlp run --project tiny"),
        ("cancelled", "ended by Ctrl-C", "Cancelled", "lakehouse-nlp run --project tiny"),
        ("lost", "killed", "Lost", "lakehouse-nlp run --project tiny"),
        ("running", None, "Running", f"lakehouse-nlp runs show {RUN} --project tiny"),
        ("rejected", "a: empty; b: broken", "Done, and something was refused", "lakehouse-nlp models --project tiny"),
    ],
)  # fmt: skip
def test_the_head_says_how_a_run_ended_and_what_is_next(state: str, error: str | None, name: str, then: str) -> None:
    found = facts(run=replace(facts().run, state=state, error=error))
    told = summary.state(found)
    assert (told.name, told.then) == (name, then)
    if error:
        assert list(told.why) == error.partition("\n")[0].split("; ")
    blocked = summary.state(replace(found, blocked="tiny is blocked: 3 runs in a row failed"))
    assert blocked.then.startswith("lakehouse-nlp unblock --project tiny --why")


def test_each_refusal_is_a_sentence_with_all_of_its_reasons() -> None:
    text = (
        "a.csv went to errors/: size: found 0; tiny/3 was refused: accuracy 0.5, at least 0.6 wanted; auc 0.7, too low"
    )
    told = summary.state(facts(run=replace(facts().run, error=text)))
    assert list(told.why) == text.replace("; tiny", "\n tiny").split("\n ")


def test_a_table_has_figures_to_the_right() -> None:
    rows = [["a", "b", "c", "d"], ["x", "1,234", "-0.91 to 0.93", "-1"], ["2", "-", "-", "12 %"]]
    assert forms.figures(rows) == [False, True, True, True]


def test_a_refused_file_is_looked_for_in_the_ledger_where_no_model_was_refused() -> None:
    assert "ops.files" in summary.state(facts(events=[])).then


def test_what_to_look_at_comes_worst_first_and_each_thing_once() -> None:
    found = facts(
        run=replace(facts().run, state="done", error=None),
        drift=[
            drift("price", 0.2, 0.3),
            drift("price", 0.2, 0.9, against="last windows"),
            drift("prediction", 0.0, 0.2, kind="outputs"),
            drift("title", 0.05, 0.09),
        ],
    )
    said = [(sign.kind, sign.says) for sign in summary.signs(found)]
    assert said[0] == ("bad", "prediction: psi 0.2 from training")
    assert ("warn", "price: psi 0.9 from training") in said
    assert ("warn", "version 4 was refused: roc_auc 0.90, the champion has 0.95") in said
    assert ("warn", "type(rating): 7 of 1,000 rows set aside") in said
    assert not [says for _, says in said if says.startswith(("price: psi 0.3", "title"))]
    assert [kind for kind, _ in said] == sorted((kind for kind, _ in said), key=["bad", "warn"].index)
    assert summary.signs(replace(found, files=[], checks=[], events=[], drift=[], history=[], alerts=[])) == []


@pytest.mark.parametrize(
    ("action", "outcome", "wanted"),
    [
        ("fail", "failed", ("bad", "failed")),
        ("quarantine", "failed", ("warn", "set aside")),
        ("warn", "failed", ("warn", "warned")),
        ("fail", "tolerated", ("warn", "tolerated")),
        ("mask", "masked", ("", "masked")),
        ("warn", "passed", ("good", "passed")),
    ],
)
def test_what_broken_means_depends_on_the_action(action: str, outcome: str, wanted: tuple[str, str]) -> None:
    assert summary.outcome(Check("c", action, 10, 1, 0.1, 0.0, outcome, "")) == wanted


def test_what_steps_used_is_added_up_and_memory_is_the_most_at_once() -> None:
    found = facts(steps=[step("ingest", peak_bytes=3), step("gold", "idle"), step("score", peak_bytes=5, price=None)])
    assert [each.stage for each in summary.busy(found)] == ["ingest", "score"]
    assert summary.together(summary.busy(found)) == summary.Used(3.0, 5, 2_000_000, 2_000_000, 0.25)
    assert summary.together([]).price is None


def test_usual_values_are_told_from_three_runs_before_on() -> None:
    def beside(found: Facts) -> str:
        return next(tile.beside for tile in summary.tiles(found) if tile.name == "Time")

    assert beside(facts()) == "usually 1 min 20 s"
    assert beside(facts(past=facts().past[-3:])) == ""


@pytest.mark.parametrize(
    ("form", "value", "shown"),
    [
        (forms.number, None, "–"), (forms.number, 1234567, "1,234,567"), (forms.number, 0.94312, "0.9431"),
        (forms.compact, 950, "950"), (forms.compact, 9999, "9,999"), (forms.compact, 24_002, "24k"),
        (forms.compact, 1_250_000, "1.25M"), (forms.compact, 3e9, "3G"), (forms.compact, 0.0432, "0.0432"),
        (forms.compact, 0.00002, "2e-05"), (forms.compact, 0, "0"), (forms.compact, -12_000, "-12k"),
        (forms.share, None, "–"), (forms.share, 0, "0 %"), (forms.share, 1e-6, "< 0.01 %"),
        (forms.share, 0.006, "0.60 %"),
        (forms.share, 0.811, "81.1 %"), (forms.share, 1.0, "100.0 %"),
        (forms.span, None, "–"), (forms.span, 0.04, "0.0 s"), (forms.span, 59.94, "59.9 s"),
        (forms.span, 59.96, "1 min 00 s"),
        (forms.span, 184.6, "3 min 05 s"), (forms.span, 7630, "2 h 07 min"),
        (forms.size, None, "–"), (forms.size, 0, "0 B"), (forms.size, 999, "999 B"), (forms.size, 41_700, "41.7 kB"),
        (forms.size, 1.25e9, "1.2 GB"), (forms.size, 5e15, "5000 TB"),
        (forms.plain, None, ""),
    ],
)  # fmt: skip
def test_a_form(form: object, value: float | None, shown: str) -> None:
    assert form(value) == shown  # type: ignore[operator]


def test_money_is_told_with_two_digits_that_count() -> None:
    told = [forms.money(value, "EUR") for value in (None, 0, 0.0012, 0.125, 1234.5)]
    assert told == ["–", "EUR 0.00", "EUR 0.0012", "EUR 0.12", "EUR 1,234.50"]
