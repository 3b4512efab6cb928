"""compare.html in a headless browser: accessible, by keyboard alone, at 400% zoom, without a network and without JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jsna_model.cli.app import app

pytestmark = pytest.mark.browser
WIDTHS = (1280, 320)
STUDY = """
area = "Rutland"
draws = 50
years = 5
ready = ["early_help_reach", "follow_up", "threshold_up"]
[early_help]
families_per_year = 80
unit_cost = 2000
[decision]
effect = "looked_after_at_31_march"
thresholds = [10000, 50000]
waterfall = true
information = true
sources = true
[[scenario]]
name = "young"
title = "Fewer under-fives affected"
reason = "test"
[[scenario.change]]
parameter = "need.affected"
op = "scale"
value = 0.9
start = "2026-04"
group = { age = "0-4" }
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    given = ["run", str(folder / "study.toml"), "--out", str(folder / "run"), "--to", "compare", "--quiet"]
    assert CliRunner().invoke(app, given).exit_code == 0
    return folder / "run" / "compare.html"


@pytest.fixture(params=WIDTHS)
def page(browser: Any, file: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    opened = browser.new_page(viewport={"width": request.param, "height": 800})
    opened.asked, opened.wrong = [], []
    opened.on("request", lambda r: opened.asked.append(r.url))
    opened.on("pageerror", lambda e: opened.wrong.append(str(e)))
    opened.on("console", lambda m: opened.wrong.append(m.text) if m.type in ("error", "warning") else None)
    opened.goto(file.as_uri())
    yield opened
    opened.close()


def test_axe_finds_no_violation(page: Any, accessible: Callable[[Any], None]) -> None:
    page.eval_on_selector_all("details", "all => all.forEach(d => { d.open = true; })")
    for scenario in ("follow_up", "threshold_up", "baseline"):
        page.select_option("#scenario", scenario)
        accessible(page)


def test_it_runs_alone_and_within_its_policy(page: Any, file: Path) -> None:
    assert page.asked == [file.as_uri()]
    assert page.wrong == []


def test_nothing_runs_out_of_the_page(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_by_keyboard_alone_every_choice_shows_its_own_numbers(page: Any) -> None:
    """Tab to each select, arrow to an option: the tables and the announced summary hold what the data holds for it."""
    data = json.loads(page.inner_text("#data") or page.evaluate("document.getElementById('data').textContent"))
    order = []
    for _ in range(4):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id"))
    assert order[1:] == ["scenario", "area", "year"]
    for target, presses in (("scenario", 1), ("area", 2), ("year", 1)):
        page.focus(f"#{target}")
        for _ in range(presses):
            page.keyboard.press("ArrowDown")
    name, area, year = (page.input_value(f"#{x}") for x in ("scenario", "area", "year"))
    assert (name, area) == (data["scenarios"][2]["name"], data["areas"][2]["code"])
    shown = "t => [...t.querySelectorAll('tbody tr')].map(r => [...r.children].map(c => c.textContent))"
    assert page.eval_on_selector("#services", shown) == data["services"][name][year]
    assert page.eval_on_selector("#costs", shown) == data["costs"][name][year]
    assert page.eval_on_selector("#children", shown) == data["children"][area]
    assert page.inner_text("#said") == data["summary"][name][year]
    assert page.get_attribute("#summary", "aria-live") == "polite"
    assert year in page.inner_text("#services-caption")


def test_a_stress_test_says_so_and_shows_no_cost(page: Any) -> None:
    page.select_option("#scenario", "threshold_up")
    assert page.is_visible("#stress")
    assert not page.is_visible("#costs")
    assert "left out" in page.inner_text("#costs-none")
    page.select_option("#scenario", "follow_up")
    assert not page.is_visible("#stress")
    assert page.is_visible("#costs")


def test_without_javascript_all_scenarios_are_there(browser: Any, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(file.as_uri())
    assert not opened.is_visible("#choose")
    assert "needs JavaScript" in opened.inner_text("main")
    assert opened.is_visible("#table-all_scenarios")
    assert opened.locator("#table-all_scenarios tbody tr").count() > 20
    context.close()


def test_charts_follow_the_choice_and_say_what_they_hold(page: Any) -> None:
    """Only the chosen scenario's charts and those of all; the chosen year is marked; each has a name, a description and its table."""
    shown = "c => c.filter(f => f.offsetParent !== null).map(f => f.dataset.scenario || '')"
    for scenario in ("follow_up", "baseline", "threshold_up"):
        page.select_option("#scenario", scenario)
        assert set(page.eval_on_selector_all("figure.chart", shown)) == {scenario, ""}
    page.select_option("#scenario", "follow_up")
    page.select_option("#year", "2027-28")
    marked = page.eval_on_selector_all(".at.on", "lines => [...new Set(lines.map(l => l.dataset.year))]")
    assert marked == ["2027-28"]
    told = (
        "c => c.map(f => [f.querySelector('svg[role=img] title').textContent, f.querySelector('desc').textContent, "
        "f.querySelectorAll('tbody tr').length])"
    )
    for title, description, rows in page.eval_on_selector_all("figure.chart", told):
        assert len(title) > 10
        assert len(description) > 30
        assert rows > 0
    wide = page.eval_on_selector_all("figure.chart svg[role=img]", "c => Math.max(...c.map(s => s.getBoundingClientRect().right))")
    assert wide <= page.viewport_size["width"]
    # The table behind a chart opens by keyboard, and holds the numbers of the year that the page shows.
    chart = page.locator("figure.chart:visible").filter(has_text="Children looked after").nth(1)
    chart.locator("summary").focus()
    page.keyboard.press("Enter")
    row = chart.locator("tbody tr", has_text="2027-28").inner_text().split()
    name = page.eval_on_selector("#services", "t => [...t.querySelectorAll('tbody tr')].map(r => [...r.children].map(c => c.textContent))")
    (care,) = [r for r in name if r[0].startswith("Children looked after at")]
    assert row[-3:] == care[1:4]
