"""What one part of a report says must not contradict, or give away, another."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import reports
from jsna_model.result import Result
from reports.content import build
from reports.demand_tables import extra_families
from reports.disclosure import decimal
from reports.document import render_document
from reports.page import render_page
from reports.view import View


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
