"""A small real result: Rutland on the embedded figures, and Kent seen from Canterbury for need alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import data_sources as src
import jsna_model as jm
from jsna_model.result import Result


@pytest.fixture(scope="session")
def rutland() -> Result:
    """The whole line for the smallest county, on few draws."""
    nouns = src.resolve(jm.Study.of({"area": "Rutland"}))
    now = jm.estimate(nouns.population, nouns.evidence, nouns.overlap, draws=60)
    now = now.with_provenance(area_name=nouns.area_name, sources=nouns.sources, quoted=nouns.quoted)
    return jm.compare(jm.project(now, nouns.projection, nouns.pathway, nouns.scenarios, years=6))


@pytest.fixture(scope="session")
def canterbury() -> Result:
    """A district of Kent, need alone."""
    population = src.load_population("Canterbury")
    return jm.estimate(population, src.load_evidence_set("higher_harm"), src.load_overlap("higher_harm"), draws=20)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium, Chrome or Edge; skipped, with a reason, where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    path = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("msedge")
    if path is None:
        pytest.skip("needs Chromium, Chrome or Edge")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def accessible() -> Callable[[Any], None]:
    """A check that axe finds no violation of WCAG 2.2 AA on a page, and that it looked."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe()
    levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

    def check(page: Any) -> None:
        found = axe.run(page, options={"runOnly": {"type": "tag", "values": levels}})
        assert found.response["passes"]
        assert [(v["id"], [n["target"] for n in v["nodes"]]) for v in found.response["violations"]] == []

    return check
