"""The report of a run in a real browser: at a desk and on a phone, light and dark."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lake
import pytest

from lakehouse_nlp.report.page import page
from report_facts import ATTACKS, bare, facts

pytestmark = pytest.mark.contracts

CHROMIUM, DRIVER = "chromium", "chromedriver"
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync"),
    *("--disable-quic", "--disable-background-networking", "--disable-component-update"),
)
SIZES = {"desk": (1280, 900), "phone": (390, 844)}
# Every visible text with too little contrast to what is behind it (WCAG 2.1: 4.5, and 3 for large or bold ones).
FAINT = (Path(__file__).with_name("contrast.js")).read_text(encoding="utf-8")
WIDER = """
const found = [];
for (const each of document.querySelectorAll("body *")) {
  const box = each.getBoundingClientRect();
  const scrolls = each.closest(".scroll") || (each.closest("svg") && !each.matches("svg"));
  if (!scrolls && box.width && box.right > innerWidth + 0.5) found.push(each.tagName + "." + each.className);
}
return [document.documentElement.scrollWidth - document.documentElement.clientWidth, innerWidth, found];
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium, driven by Selenium; a machine without it skips these tests, a CI machine fails."""
    missing = [name for name in (CHROMIUM, DRIVER) if not shutil.which(name)]
    if missing:
        told = f"{' and '.join(missing)} not found; next: make browser, as root on Debian"
        pytest.fail(told) if os.environ.get("CI") == "true" else pytest.skip(told)
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which(CHROMIUM))
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which(DRIVER)))
    yield driver
    driver.quit()


def shown(browser: Any, place: Path, size: str, scheme: str) -> list[str]:
    """Opens a page; the addresses of all that it asked for."""
    width, height = SIZES[size]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
    scheme_is = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme_is)
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get(place.as_uri())
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of everything, attacks among it, and one of nothing."""
    folder = tmp_path_factory.mktemp("pages")
    for name, found in (("full", facts()), ("bare", bare())):
        (folder / f"{name}.html").write_text(page(found), encoding="utf-8")
    return {place.stem: place for place in folder.iterdir()}


@pytest.mark.parametrize("name", ["full", "bare"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_a_page_fits_can_be_read_and_asks_for_nothing(
    browser: Any, pages: dict[str, Path], size: str, scheme: str, name: str
) -> None:
    asked = shown(browser, pages[name], size, scheme)
    assert asked == [pages[name].as_uri()]
    assert browser.get_log("browser") == []
    browser.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.execute_script(WIDER) == [0, SIZES[size][0], []]
    read, faint = browser.execute_script(FAINT)
    assert read > (200 if name == "full" else 40)
    assert faint == []
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    light = sum(int(part) for part in ground[4:-1].split(",")) > 3 * 128
    assert light == (scheme == "light")
    seen = [svg.is_displayed() for svg in browser.find_elements("css selector", "svg.way")]
    assert seen == ([True, False] if size == "desk" else [False, True])


def test_attacks_are_shown_as_text_and_not_run(browser: Any, pages: dict[str, Path]) -> None:
    shown(browser, pages["full"], "desk", "light")
    assert browser.title == "tiny: done, and something was refused, run 20240501T120000-aaaaaa"
    assert browser.find_elements("css selector", "script, img, iframe, [onload], [onerror]") == []
    examples = [pre.text for pre in browser.find_elements("css selector", ".example pre")]
    for number, attack in enumerate(ATTACKS):
        assert any(text.startswith(f"{number}: {attack}") for text in examples)


def test_a_page_can_be_printed_whole(browser: Any, pages: dict[str, Path]) -> None:
    shown(browser, pages["full"], "desk", "dark")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    hidden = browser.execute_script(
        "return [...document.querySelectorAll('details > :not(summary)')]"
        ".filter(each => !each.getBoundingClientRect().height).length"
    )
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert (hidden, ground) == (0, "rgb(255, 255, 255)")


def test_the_report_of_a_real_run_says_what_its_tables_say(browser: Any, clean: lake.Clean, tmp_path: Path) -> None:
    place = tmp_path / "run.html"
    told = json.loads(lake.done(clean.home, "report", "--to", place, "--json"))
    assert told == {"project": "demo", "run_id": told["run_id"], "path": str(place)}
    assert shown(browser, place, "phone", "light") == [place.as_uri()]
    assert browser.get_log("browser") == []
    said = browser.find_element("tag name", "body").text
    for table in lake.PROJECT_TABLES:
        assert f"{table}\n{lake.count(clean.home, f'demo.{table}'):,} rows" in said, table
    (event,) = lake.ask(clean.home, "SELECT metrics FROM ops.model_events WHERE event = 'promoted'")
    assert f"{json.loads(event['metrics'])['roc_auc']:.3f}" in said
    rules = lake.ask(clean.home, "SELECT rule, count(*) AS n FROM demo.rejected_rows GROUP BY rule")
    assert all(f"{row['rule']} {row['n']:,} {row['n']:,}" in said for row in rules)
    assert "What it is" in said
    assert browser.find_elements("css selector", ".calibration circle")
