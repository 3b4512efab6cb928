"""What one part of a report says must not contradict, or give away, another."""

from __future__ import annotations

import io

import numpy as np
import openpyxl
import pytest
import xarray as xr
from bs4 import BeautifulSoup
from docx import Document
from docx.oxml.ns import qn

import reports
from jsna_model.result import Result
from reports import demand_tables
from reports.content import build
from reports.demand_tables import extra_families
from reports.disclosure import decimal
from reports.document import render_document
from reports.page import render_page
from reports.table import cell
from reports.tables_csv import render_csv
from reports.view import View
from reports.workbook import render_workbook


def test_a_titled_map_keeps_its_words_apart(rutland: Result) -> None:
    figure = reports.plot_map(rutland)
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert len(figure.texts) == 3
    for text in figure.texts:
        box = text.get_window_extent()
        assert not box.overlaps(legend)
        assert box.x1 <= figure.bbox.x1


def test_stocks_per_100_families_are_per_100_helped_every_year(rutland: Result) -> None:
    view, table = View.of(rutland), build(rutland).table("per_100_families")
    decision = view.group("decision")
    assert table is not None
    assert decision is not None
    scenario = next(str(s) for s in decision["scenario"].values if str(s) != view.comparator)
    extra = extra_families(view, scenario)
    assert extra is not None
    last = float(extra.isel(year=-1).mean())
    stock = float(decision["difference"].sel(scenario=scenario, service="looked_after_at_31_march").isel(year=-1).mean())
    row = next(
        r for r in table.rows.itertuples(index=False) if r[:2] == (view.scenario_title(scenario), "Children looked after at 31 March")
    )
    assert row[2] == decimal(stock / last * 100)


def test_no_effect_is_divided_by_a_fraction_of_a_family(rutland: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    view = View.of(rutland)
    extra = extra_families(view, demand_tables.other_scenarios(view)[0])
    assert extra is not None
    monkeypatch.setattr(demand_tables, "extra_families", lambda view, scenario: extra * 0 + 0.1)
    assert demand_tables.per_100_families(view) is None


def test_a_ratio_does_not_give_back_a_suppressed_count(rutland: Result) -> None:
    observed = rutland.node("demand/observed").copy(deep=True)
    observed["observed"].loc[{"area": "E06000017", "service": "re_referrals"}] = 3.0
    pathway = {**rutland.provenance["pathway"], "published": False}
    tree = xr.DataTree.from_dict(rutland.nodes("need", "demand", "decision") | {"demand/observed": observed})
    table = build(Result(tree, {**rutland.provenance, "pathway": pathway})).table("parameters")
    assert table is not None
    assert [r[1] for r in table.rows.itertuples(index=False) if r[0] == "Referral: re referral share"] == ["[c]"]


def test_years_beyond_what_was_checked_say_so(rutland: Result) -> None:
    report = build(rutland)
    table = report.table("differences")
    assert table is not None
    last = table.rows.iloc[-1]
    if last["Horizon"] == "illustrative":
        assert f"modelled difference in {last['Financial year']} (illustrative)" in render_page(report)


def test_word_document_has_the_same_bytes_twice(canterbury: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    first = render_document(build(canterbury))
    monkeypatch.setattr("time.localtime", lambda *_: (2001, 2, 3, 4, 5, 6, 5, 34, 0))
    assert render_document(build(canterbury)) == first


def test_every_printed_page_of_a_draft_says_so(canterbury: Result) -> None:
    assert '@top-right { content: "DRAFT' in render_page(build(canterbury))


def test_map_numbers_are_given_only_where_the_map_shows_them(canterbury: Result) -> None:
    table = build(canterbury).table("by_ward")
    assert table is not None
    assert len(table.rows) > 140
    assert "Map number" not in table.rows.columns
    assert np.all(table.rows["Area code"].str.startswith("E05"))


def test_every_format_shows_the_same_numbers(rutland: Result) -> None:
    """Each table of the page, the document, the workbook and the csv, cell by cell, and the words of the summary beside the tables."""
    report = build(rutland)
    page = BeautifulSoup(render_page(report), "html.parser")
    document = Document(io.BytesIO(render_document(report)))
    book = openpyxl.load_workbook(io.BytesIO(render_workbook(report)))
    tidy = render_csv(report)
    described = {t._tbl.tblPr.find(qn("w:tblCaption")).get(qn("w:val")): t for t in document.tables}
    sheets = {sheet["A1"].value.split(": ", 1)[1]: sheet for sheet in book if str(sheet["A1"].value).startswith("Table ")}
    seen = 0
    for table in report.tables:
        whole = table.cells()
        rows = list(sheets[table.title].iter_rows(min_row=6, values_only=True))
        assert len(rows) == len(whole)
        for row, values in zip(rows, table.rows.itertuples(index=False), strict=True):
            for written, value, column in zip(row, values, table.columns, strict=True):
                same = float(written) == float(value) if isinstance(written, int | float) else written == cell(value, column.kind)
                assert same, (table.key, column.label, written, value)
        assert tidy[f"{table.key}.csv"].decode("utf-8-sig").count("\r\n") >= len(whole) + 1
        shown = table.shown.cells()
        here = page.find(id=f"table-{table.key}")
        if here is not None:
            assert [[c.text for c in r.find_all(["th", "td"])] for r in here.tbody.find_all("tr")] == shown
            assert [[c.text for c in r.cells] for r in described[table.shown.title].rows][1:] == shown
            seen += 1
    assert seen > 15
    summary = page.find(id="summary")
    assert summary is not None
    keys = report.table("key_figures")
    assert keys is not None
    said = summary.ul.text
    for label in ("At least one of the three risks", "Two or more of the three", "All three"):
        row = keys.rows[keys.rows["Measure"] == label].iloc[0]
        for number in row[["Value", "Lower limit", "Upper limit"]]:
            assert isinstance(number, str) or f"{number:,}" in said
    wards = report.table("by_ward")
    assert wards is not None
    figure = next(f for f in report.figures() if f.key == "map")
    shares = wards.rows["Estimated share"]
    assert f"{shares.max()}%" in figure.title
    assert f"{shares.min()}%" in figure.title
