"""The web page is one accessible file that needs no network."""

from __future__ import annotations

import itertools
import re

import pytest
from bs4 import BeautifulSoup

import jsna_model as jm
from jsna_model.result import Result
from reports.content import DRAFT, build
from reports.page import render_page


@pytest.fixture(scope="module")
def page(rutland: Result) -> BeautifulSoup:
    return BeautifulSoup(render_page(build(rutland)), "html.parser")


def test_language_title_and_landmarks(page: BeautifulSoup) -> None:
    assert page.html["lang"] == "en-GB"
    assert "Rutland" in page.title.text
    assert [len(page.find_all(t)) for t in ("h1", "main", "nav", "header", "footer")] == [1] * 5
    assert page.find("a", class_="skip")["href"] == "#main"


def test_nothing_is_fetched(page: BeautifulSoup) -> None:
    assert not page.find_all(["script", "link", "iframe", "object"])
    for tag in page.find_all(src=True):
        raise AssertionError(f"{tag.name} loads {tag['src'][:60]}")
    assert not re.search(r"url\((?!#)", str(page.style) + str(page.find_all("svg")))
    assert "@import" not in str(page.style)


def test_headings_skip_no_level(page: BeautifulSoup) -> None:
    levels = [int(h.name[1]) for h in page.find_all(re.compile("^h[1-6]$"))]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_table_has_caption_and_scoped_headers(page: BeautifulSoup) -> None:
    tables = page.find_all("table")
    assert len(tables) > 10
    for table in tables:
        assert table.caption.text.strip()
        assert "Basis:" in table.caption.text
        assert "Source:" in table.caption.text
        assert all(th.get("scope") == "col" for th in table.thead.find_all("th"))
        rows = table.tbody.find_all("tr")
        assert rows
        for row in rows:
            assert row.find("th")["scope"] == "row"
            assert len(row.find_all(["td", "th"])) == len(table.thead.find_all("th"))


def test_every_figure_has_a_text_alternative_and_its_numbers(page: BeautifulSoup) -> None:
    figures = page.find_all("figure")
    assert len(figures) >= 5
    for figure in figures:
        svg = figure.find("svg")
        assert svg["role"] == "img"
        ids = svg["aria-labelledby"].split()
        assert [svg.find(id=i).name for i in ids] == ["title", "desc"]
        assert len(svg.find("desc").text) > 80
        behind = figure.find("details") or page.find(id=figure.find_all("a")[-1]["href"][1:])
        assert behind.name == "table" or behind.find("table")


def test_ids_are_unique_and_links_lead_somewhere(page: BeautifulSoup) -> None:
    ids = [t["id"] for t in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    for link in page.find_all("a", href=True):
        assert link["href"][1:] in ids


def test_absence_is_said_in_words(page: BeautifulSoup) -> None:
    words = re.split(r"[\s(),;:]+", page.text)
    assert not {"nan", "NaN", "inf"} & set(words)
    assert "None" not in {cell.text for cell in page.find_all(["td", "th"])}


def test_draft_until_owner_approver_and_review_date_are_named(rutland: Result) -> None:
    half = jm.Study.of({"area": "Rutland", "publication": {"owner": "A", "approver": "B"}})
    whole = jm.Study.of({"area": "Rutland", "publication": {"owner": "A", "approver": "B", "review_date": "2027-06-30"}})
    assert DRAFT in render_page(build(rutland, half))
    final = render_page(build(rutland, whole))
    assert "DRAFT" not in final
    assert "Approved by: B" in final
    internal = build(rutland, whole, internal=True)
    assert internal.draft
    assert "not for publication" in internal.status


def test_lsoas_are_internal_only(rutland: Result) -> None:
    public, internal = build(rutland), build(rutland, internal=True)
    assert public.table("by_lsoa") is None
    table = internal.table("by_lsoa")
    assert table is not None
    assert len(table.rows) == 26
    assert "E010" not in render_page(public)


def test_a_district_is_reported_within_its_county(canterbury: Result) -> None:
    report = build(canterbury)
    text = render_page(report)
    assert report.title.endswith("Canterbury (Kent)")
    assert "In Canterbury, a district of Kent" in text
    table = report.table("by_ward_in_district")
    assert table is not None
    assert 15 < len(table.rows) < 40
    districts = report.table("by_district")
    assert districts is not None
    assert len(districts.rows) == 12


def test_the_same_result_gives_the_same_page(rutland: Result) -> None:
    assert render_page(build(rutland)) == render_page(build(rutland))
