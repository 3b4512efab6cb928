"""The report as PDF, printed by a browser that is installed; and what is said where none is."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from jsna_model.errors import InputError
from jsna_model.result import Result
from reports import portable
from reports.content import build
from reports.page import render_page
from reports.writer import write


@pytest.fixture(scope="module")
def printed(browser: Any, rutland: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`browser` skips, with a reason, where there is none; the report is printed by another of its kind."""
    (path,) = write(rutland, tmp_path_factory.mktemp("pdf"), formats=("pdf",))
    return path


@pytest.mark.browser
def test_it_is_tagged_and_has_language_title_and_bookmarks(printed: Path, rutland: Result) -> None:
    raw = printed.read_bytes()
    assert printed.name == "report.pdf"
    assert raw.startswith(b"%PDF")
    for part in (b"/StructTreeRoot", b"/MarkInfo", b"/Marked true", b"/Lang (en-GB)", b"/Outlines", b"/TH", b"/Figure", b"/H2"):
        assert part in raw, part
    if shutil.which("pdfinfo") is None:
        pytest.skip("needs pdfinfo of poppler for the rest")
    said = subprocess.run(["pdfinfo", "-l", "99", str(printed)], capture_output=True, text=True, check=True).stdout
    assert build(rutland).title in said
    assert "Tagged:          yes" in said
    sizes = [line.split("size:")[1].split("pts")[0].split() for line in said.splitlines() if line.startswith("Page ") and "size:" in line]
    wide = [float(a) > float(b) for a, _, b in sizes]
    assert any(wide)  # wide tables are on landscape pages
    assert not all(wide)


@pytest.mark.browser
def test_every_page_says_that_it_is_a_draft(printed: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("needs pdftotext of poppler")
    pages = subprocess.run(["pdftotext", "-layout", str(printed), "-"], capture_output=True, text=True, check=True).stdout.split("\f")[:-1]
    assert len(pages) > 10
    assert all("DRAFT" in p for p in pages)
    assert "Page 2 of" in pages[1]


@pytest.mark.browser
def test_it_has_the_same_pages_and_tags_twice_and_prints_within_a_running_loop(printed: Path, rutland: Result) -> None:
    """A notebook runs an event loop in this thread, as the fixture `browser` does. The browser numbers its objects as it likes."""
    assert asyncio._get_running_loop() is not None
    once, again = (
        Counter(re.findall(rb"/(?:S|Type) ?/\w+", raw)) for raw in (printed.read_bytes(), portable.render_pdf(render_page(build(rutland))))
    )
    assert once[b"/Type /Page"] > 10
    assert once == again


def test_a_browser_that_does_not_start_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("playwright.sync_api", reason="needs playwright")
    monkeypatch.setenv(portable.NAMED, "/nowhere/browser")
    with pytest.raises(InputError, match="JSNA_BROWSER is '/nowhere/browser'"):
        portable.render_pdf("<title>x</title>")


def test_what_to_do_without_playwright_or_browser(monkeypatch: pytest.MonkeyPatch, canterbury: Result, tmp_path: Path) -> None:
    monkeypatch.delenv(portable.NAMED, raising=False)

    class Nothing:
        def launch(self, **_: Any) -> Any:
            from playwright.sync_api import Error

            raise Error("no such browser")

    if "playwright.sync_api" in sys.modules or shutil.which("playwright") is not None:
        pytest.importorskip("playwright.sync_api", reason="needs playwright")
        with pytest.raises(InputError, match="none was found"):
            portable._browser(Nothing())
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(InputError, match="pip install jsna-model"):
        write(canterbury, tmp_path / "out", formats=("html", "pdf"))
    assert not list(tmp_path.rglob("*.html"))  # all files, or none
