"""The html report in a headless browser: accessible, one file, at 400% zoom, by keyboard alone, printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jsna_model.cli.app import app

pytestmark = pytest.mark.browser
#: Widths in CSS pixels: a desktop, and the same at 400% zoom (WCAG 2.2, success criterion 1.4.10).
WIDTHS = (1280, 320)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser") / "run"
    given = ["report", "--area", "Milton Keynes", "--out", str(folder), "--draws", "50", "--to", "html", "--quiet"]
    assert CliRunner().invoke(app, given).exit_code == 0
    return folder / "report.html"


@pytest.fixture(params=WIDTHS)
def page(browser: Any, report: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    opened = browser.new_page(viewport={"width": request.param, "height": 800})
    asked: list[str] = []
    opened.on("request", lambda r: asked.append(r.url))
    opened.goto(report.as_uri())
    opened.asked = asked
    yield opened
    opened.close()


def test_axe_finds_no_violation(page: Any, accessible: Callable[[Any], None]) -> None:
    accessible(page)


def test_one_file_without_network(page: Any, report: Path) -> None:
    assert [url for url in page.asked if not url.startswith("data:")] == [report.as_uri()]


def test_nothing_runs_out_of_the_page(page: Any) -> None:
    """Reflow: the page does not scroll sideways; wide tables scroll in regions of their own."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_keyboard_reaches_every_scrolling_region_and_shows_where_it_is(page: Any) -> None:
    hidden = page.evaluate(
        """() => [...document.querySelectorAll('*')].filter(e => e.scrollWidth > e.clientWidth + 1
            && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && e.tabIndex < 0).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert hidden == []
    seen = []
    for _ in range(8):
        page.keyboard.press("Tab")
        style = "e => { const s = getComputedStyle(e); return [e.tagName, s.outlineStyle, s.boxShadow] }"
        seen.append(page.evaluate(f"({style})(document.activeElement)"))
    assert {s[0] for s in seen} != {"BODY"}
    assert all(s[1] != "none" or s[2] != "none" for s in seen if s[0] != "BODY")


def test_it_prints(page: Any) -> None:
    """As a tagged PDF, which is what assistive software reads."""
    if page.viewport_size["width"] != WIDTHS[0]:
        pytest.skip("printed once")
    pdf = page.pdf(tagged=True, format="A4")
    assert pdf.startswith(b"%PDF")
    assert b"/StructTreeRoot" in pdf
    assert b"/Lang" in pdf
