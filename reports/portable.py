"""The report as PDF: the web page, printed by a browser that is installed, tagged for assistive software."""

from __future__ import annotations

import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jsna_model.errors import InputError

#: Environment variable that names the browser to print with.
NAMED = "JSNA_BROWSER"
#: Browsers on the path, and channels that playwright finds by itself (Windows and macOS).
COMMANDS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge", "microsoft-edge")
CHANNELS = ("msedge", "chrome")
OTHERWISE = "or open report.html in a browser and print it to PDF."
_DATES = re.compile(rb"(/(?:CreationDate|ModDate) \(D:)\d{14}")


def render_pdf(page: str) -> bytes:
    """A report page as PDF, A4, with headings as bookmarks; wide sections are on landscape pages.

    Parameters
    ----------
    page : str
        HTML, as `reports.page.render_page` gives it.

    Returns
    -------
    bytes
        Tagged, with the language and title of the page; the tables behind figures are open. It bears no date: the
        manifest holds the time.

    Raises
    ------
    InputError
        Where playwright or a browser is missing, with what to install.
    """
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        raise InputError(
            f"PDF needs the package playwright, which is not installed. Run: pip install jsna-model[pdf], {OTHERWISE}"
        ) from None
    # A thread of its own: a notebook runs an event loop, in which playwright refuses to work.
    with ThreadPoolExecutor(1) as own:
        made: bytes = own.submit(_print, page).result()
    return _DATES.sub(rb"\g<1>20000101000000", made)


def _print(page: str) -> bytes:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        # A file, not text handed over: some browsers give such a page no title.
        file = Path(folder) / "report.html"
        file.write_text(page.replace("<details>", "<details open>"), encoding="utf-8")
        browser = _browser(playwright.chromium)
        try:
            tab = browser.new_page()
            tab.goto(file.as_uri())
            made: bytes = tab.pdf(tagged=True, outline=True, prefer_css_page_size=True, print_background=True)
            return made
        finally:
            browser.close()


def _browser(chromium: Any) -> Any:
    """The browser that is named, one on the path, Edge or Chrome where they are usually installed, or playwright's own."""
    from playwright.sync_api import Error

    arguments = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []  # a sandbox cannot be made by root, as in a container
    named = os.environ.get(NAMED)
    if named:
        try:
            return chromium.launch(executable_path=named, args=arguments)
        except Error as error:
            raise InputError(
                f"{NAMED} is {named!r}, which does not start: {str(error).splitlines()[0]} Name a browser, {OTHERWISE}"
            ) from None
    ways: list[dict[str, Any]] = [{"executable_path": found} for name in COMMANDS if (found := shutil.which(name))]
    for way in [*ways, *({"channel": c} for c in CHANNELS), {}]:
        try:
            return chromium.launch(args=arguments, **way)
        except Error:
            continue
    raise InputError(
        f"PDF is printed by Edge, Chrome or Chromium, and none was found. Install one, set {NAMED} to where it is, "
        f"run 'playwright install chromium', {OTHERWISE}"
    )
