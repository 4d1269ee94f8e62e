"""The drawings of a report, by the places of what is in them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from markupsafe import Markup

from lakehouse_nlp.report import charts, trends, way
from lakehouse_nlp.report.charts import Mark
from report_facts import SCRIPT, bare, drift, facts, step

pytestmark = pytest.mark.unit


def read(drawn: Markup) -> ET.Element:
    """A drawing as XML; what is not well formed is refused."""
    return ET.fromstring(str(drawn))


def having(drawn: Markup, name: str) -> list[ET.Element]:
    """The elements of a drawing that have this class."""
    return [each for each in read(drawn).iter() if name in each.get("class", "").split()]


def points(element: ET.Element) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in element.get("points", "").split())]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.5, 1]),
        (0, 24_002, [0, 10_000, 20_000, 30_000]),
        (0, 0.0283, [0, 0.01, 0.02, 0.03]),
        (0, 3, [0, 1, 2, 3]),
        (-3, 7, [-5, 0, 5, 10]),
        (0, 0, [0, 0.5, 1]),
        (0.94, 0.94, [0.85, 0.9, 0.95, 1.0]),
    ],
)
def test_ticks_are_round_and_hold_the_values(low: float, high: float, ticks: list[float]) -> None:
    found = charts.nice(low, high)
    assert found == pytest.approx(ticks)
    assert found[0] <= low <= high <= found[-1]


def test_bars_are_as_high_as_their_values() -> None:
    drawn = charts.bars(
        "rows", [Mark(10, "ten"), Mark(None, "none"), Mark(5, SCRIPT, "now"), Mark(0, "0")], "rows", ("a", "b")
    )
    high = [float(bar.get("height", "")) for bar in having(drawn, "bar")]
    assert high[0] == pytest.approx(2 * high[1], abs=0.2)
    assert high[2] == 1.0  # there, and next to nothing
    assert [title.text for bar in having(drawn, "bar") for title in bar] == ["ten", SCRIPT, "0"]
    assert "now" in having(drawn, "bar")[1].get("class", "")
    assert {text.text for text in having(drawn, "tick")} >= {"a", "b", "0", "5", "10"}
    assert [text.text for text in having(drawn, "unit")] == ["rows"]


def test_a_line_is_broken_at_gaps_and_says_what_is_beyond_by_its_shape() -> None:
    marks = [Mark(1, "1", limit=2), Mark(None, "-"), Mark(1.5, "2", limit=2), Mark(3, "3", "bad", limit=2)]
    drawn = charts.line("psi", marks, "psi", ("a", "b"))
    assert [len(points(line)) for line in having(drawn, "line")] == [1, 2]
    (limit,) = having(drawn, "limit")
    assert len({y for _, y in points(limit)}) == 1
    assert points(limit)[0][0] == charts.LEFT
    beyond = having(drawn, "bad")
    assert [each.tag for each in beyond] == ["polygon"]
    level = points(limit)[0][1]
    assert max(y for _, y in points(beyond[0])) < level
    assert [float(dot.get("cy", "")) > level for dot in having(drawn, "dot") if dot.tag == "circle"] == [True, True]


def test_a_calibration_that_is_right_lies_on_its_diagonal() -> None:
    drawn = charts.calibration("c", [("good", [[0.2, 0.2, 10], [0.8, 0.8, 10]]), (SCRIPT, [[0.5, 0.9, 5]])])
    (diagonal,) = having(drawn, "limit")
    x1, y1, x2, y2 = (float(diagonal.get(name, "")) for name in ("x1", "y1", "x2", "y2"))
    dots = [(float(dot.get("cx", "")), float(dot.get("cy", ""))) for dot in having(drawn, "dot")]
    offs = [y - (y1 + (x - x1) / (x2 - x1) * (y2 - y1)) for x, y in dots]
    assert offs[:2] == pytest.approx([0, 0], abs=0.2)
    assert offs[2] < -50  # above it
    assert SCRIPT in "".join(read(drawn).itertext())


def test_bands_are_as_wide_as_the_rows_that_went() -> None:
    found = facts(
        files=[], came={}, steps=[step("ingest", written=1000), step("silver", read=1000, written=500, rejected=100)]
    )
    bands = {(band.start, band.end): band for band in way.bands(found)}
    assert bands["raw files", "bronze"].label == "1,000"
    assert (bands["bronze", "silver"].label, bands["bronze", "silver"].note) == ("500", "400 older")
    assert (bands["bronze", "quarantine"].rows, bands["bronze", "quarantine"].kind) == (100, "aside")
    assert ("raw files", "errors") not in bands
    assert (bands["silver", "gold"].kind, bands["silver", "gold"].label) == ("idle", "not reached")
    for drawn in map(Markup, re.findall(r"<svg.*?</svg>", str(way.picture(found)), re.DOTALL)):
        wide = [float(band.get("stroke-width", "")) for band in having(drawn, "flow") if band.tag == "path"]
        assert wide[:2] == pytest.approx([way.HIGH, way.HIGH / 2])
        (aside,) = [band for band in having(drawn, "aside") if band.tag == "path"]
        assert float(aside.get("stroke-width", "")) == pytest.approx(way.HIGH / 10)


def test_bands_say_what_did_not_go() -> None:
    found = {(band.start, band.end): band for band in way.bands(facts())}
    assert (found["gold", "model"].label, found["raw files", "errors"].label) == ("12,345", "1 file")
    failed = facts(steps=[step("ingest"), step("silver", "timed_out")])
    band = next(band for band in way.bands(failed) if band.end == "silver")
    assert (band.kind, band.label, band.note) == ("failed", "timed out", "")
    labels = {band.end: band.label for band in way.bands(bare())}
    assert labels == {"bronze": "not reached", "silver": "not reached", "gold": "not asked for",
                      "predictions": "not asked for", "model": "not asked for"}  # fmt: skip


def test_the_picture_tells_its_content_in_words_too() -> None:
    label = re.findall(r'aria-label="([^"]*)"', str(way.picture(facts())))[0]
    assert "raw files to bronze: 1,000" in label
    assert "bronze to quarantine: 7" in label


def test_charts_are_of_what_runs_have() -> None:
    titles = [chart.title for chart in trends.over_runs(facts())]
    assert titles == ["Rows taken in", "Rows scored", "Time of a run", "Rows set aside", "ROC AUC of the champion",
                      "Cost of a run"]  # fmt: skip
    assert [chart.title for chart in trends.over_runs(bare())] == ["Time of a run"]
    unpriced = facts(past=[replace(past, price=None) for past in facts().past])
    assert trends.over_runs(unpriced)[-1].title == "CPU time of a run"
    time = trends.over_runs(facts())[2].drawn
    assert [bar.get("class") for bar in having(time, "bar")].count("bar bad") == 1
    assert having(time, "bar")[-1].get("class") == "bar now"


def test_what_is_watched_is_drawn_once_against_what_it_is_furthest_from() -> None:
    near, far = drift("price", 0.01, 0.02), drift("price", 0.01, 0.09, against="last windows")
    never = drift("stars", None, None)
    drawn = trends.watched([near, far, never, drift("title", 0.5, 0.3)])
    assert [(each.subject, each.against) for each, _ in drawn] == [("title", "training"), ("price", "last windows")]
    assert len(having(drawn[0][1], "bad")) == 2
    many = [drift(f"column {k}", 0.01) for k in range(30)]
    assert len(trends.watched(many)) == trends.DRAWN
