"""A run with a layout in the report: who is known to whom, early help with statutory work, opportunities missed; none without one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import data_sources as src
import jsna_model as jm
import reports
from data_sources.local import recorded_factors
from jsna_model.result import Result
from reports import chapter_tables, content, demand_tables, pathway_tables, sentences
from reports.view import View, interval


@pytest.fixture(scope="module")
def queued() -> Result:
    """Rutland with a layout and few places of early help."""
    study = {"area": "Rutland", "layout": "early_help_and_cin", "parameters": {"early_help.places": 20.0}, "ready": ["early_help_capacity"]}
    nouns = src.resolve(jm.Study.of(study))
    now = jm.estimate(nouns.population, nouns.evidence, nouns.overlap, draws=60)
    now = now.with_provenance(area_name=nouns.area_name, sources=nouns.sources, quoted=nouns.quoted)
    return jm.compare(jm.project(now, nouns.projection, nouns.pathway, nouns.scenarios, years=4))


def test_how_a_merged_service_is_counted_is_said_beside_the_differences(queued: Result) -> None:
    before = demand_tables.differences(View.of(queued))
    pathway = queued.provenance["pathway"]
    merged = {**pathway, "layout": {**pathway["layout"], "family_help_from": "2027-04"}}
    after = demand_tables.differences(View.of(queued.with_provenance(pathway=merged)))
    assert before is not None
    assert after is not None
    (said,) = set(after.notes) - set(before.notes)
    assert said.startswith("From 2027-04")


def test_known_and_unknown_add_up_to_those_affected(queued: Result) -> None:
    data = queued.node("demand/known").sel(scenario="baseline").isel(area=0, year=0)
    for kind, known in (("any", "known_affected"), ("two_or_more", "known_two_or_more")):
        left = pathway_tables.unknown(data, kind)
        some = left > 0
        total = (left + data[known].sum("service").values)[some]
        assert np.allclose(total, data[f"affected_{kind}"].values[some], rtol=1e-12)
        assert some.mean() > 0.8


def test_the_words_and_the_table_hold_the_same_numbers(queued: Result) -> None:
    view = View.of(queued)
    table = pathway_tables.known_by_service(view)
    assert table is not None
    rows = table.rows
    first = rows[rows["31 March"] == 2025].set_index("Known to")
    x = interval(pathway_tables.unknown(queued.node("demand/known").sel(scenario="baseline").isel(area=0, year=0)))
    said = sentences.known_to_none(view)
    assert sentences.estimate(x) in said
    assert f"{first.loc['Known to none of these', 'With a risk']:,}" in said
    assert "modelled" in said
    assert table.basis.startswith("estimated")
    assert set(rows["31 March"]) == {2025, 2026, 2027, 2028, 2029}


def test_a_queue_is_shown_and_a_scenario_ends_it(queued: Result) -> None:
    table = pathway_tables.pathway_ahead(View.of(queued))
    assert table is not None
    waits = table.rows[table.rows["Unit"] == "months"]
    assert len(waits) == 4
    assert (waits["Projected number"] > 0).all()
    months = queued.node("demand/pathway")["waiting_months"].isel(area=0)
    assert (
        float(months.sel(scenario="early_help_capacity").isel(year=-1).max())
        < 0.5
        < float(months.sel(scenario="baseline").isel(year=-1).mean())
    )


def test_places_and_streams_are_said_as_they_are(queued: Result, rutland: Result) -> None:
    with_, without = ({t.key: t for t in reports.tables(r)} for r in (queued, rutland))
    ahead = with_["pathway_ahead"]
    assert any("early help has 20 places" in n for n in ahead.notes)
    queue = ahead.rows[ahead.rows["What"].str.startswith("Waiting for early help")]
    assert list(queue["Projected number"]) == sorted(queue["Projected number"])
    assert "early help: places set to no limit" in " ".join(with_["scenarios"].rows["What changes"])
    for result, said in ((queued, "a stream of their own, at England's"), (rutland, "not a stream of their own yet")):
        gaps = chapter_tables.gaps(View.of(result)).rows.set_index("What is missing")["Why it is not here"]
        assert gaps["Unaccompanied asylum-seeking children"].startswith(said)
    assert ("Model of services" in set(with_["decisions"].rows["Decision"])) > (
        "Model of services" in set(without["decisions"].rows["Decision"])
    )


def test_parts_of_referrals_add_up_in_the_figure(queued: Result) -> None:
    rows = pathway_tables.flows(View.of(queued))
    assert all(v > 0 for *_, v in rows)
    into, out = (sum(v for s, t, v in rows if (t if k else s) == "Referrals") for k in (1, 0))
    assert into == pytest.approx(out, rel=1e-9)
    into, out = (sum(v for s, t, v in rows if (t if k else s) == "Early help") for k in (1, 0))
    assert into == pytest.approx(out, rel=1e-9)


def test_ages_of_closed_referrals_add_up(queued: Result) -> None:
    table = pathway_tables.missed(View.of(queued))
    assert table is not None
    node = queued.node("demand/pathway").isel(area=0, year=0).sel(scenario="baseline")
    part = node["pathway_flow_affected"]
    by = queued.node("demand/closed")["closed_without_help"].isel(area=0, year=0)
    risky = by.sel(pattern=[p for p in by["pattern"].values if p != "none"])
    both = part.sel(service="closed_without_help", drop=True) + part.sel(service="assessed_closed_without_help", drop=True)
    assert np.allclose(risky.sum(("age_band", "pattern")), both)
    assert len(table.rows) == len(pathway_tables.MISSED)
    closed = pathway_tables.closed(View.of(queued))
    assert closed is not None
    assert list(closed.rows["By"]) == ["All", *["Age"] * 5, *["Combination of risks"] * 7]
    mean = {b: float(risky.sel(age_band=b).sum("pattern").mean()) for b in risky["age_band"].values}
    assert mean["10_15"] > mean["16_17"]
    # Only those who come back after closing so, and not all who come back.
    again = part.sel(service="returned_after_no_help").mean() / part.sel(service="re_referral").mean()
    assert 0.1 < float(again) < 0.9
    assert any("no case was read" in n for n in table.notes)


def test_the_report_has_the_section_with_a_layout_only(queued: Result, rutland: Result) -> None:
    with_, without = ({s.key for s in content.build(r).sections} for r in (queued, rutland))
    assert with_ - without == {"pathway"}
    assert pathway_tables.known_by_service(View.of(rutland)) is None


@pytest.mark.browser
def test_axe_finds_no_violation_in_a_report_with_a_layout(
    queued: Result, tmp_path: Path, browser: Any, accessible: Callable[[Any], None]
) -> None:
    reports.write(queued, tmp_path, formats=("html", "docx", "xlsx"))
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((tmp_path / "report.html").as_uri())
    accessible(page)
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_rates_by_risk_show_what_was_assumed_what_was_learned_and_that_they_are_not_identified(queued: Result, rutland: Result) -> None:
    table = {t.key: t for t in reports.tables(queued)}["rates_by_pattern"]
    rows = table.rows.set_index(["Risk", "What"])
    ratio = rows.xs("Rate of contact, times that of a child without the risk", level="What")
    found = queued.provenance["pathway"]["layout"]["rates_by_pattern"]
    for risk, told in found["risks"].items():
        row = ratio.loc[View.of(queued).label(risk)]
        assert row[["After", "After: lower limit", "After: upper limit"]].tolist() == pytest.approx(told["ratio"]["posterior"], abs=0.051)
        assert row["Identified"] == "no"
        assert 0 < row["Variance that the counts took away"] < 50
    share = rows.xs("Assessments with the factor, which is all that is counted, England", level="What")
    assert (share["Identified"] == "yes").all()
    assert (rows.index.get_level_values("What") == "Recording at assessment, Rutland").sum() == 3
    assert any("Not independent" in n for n in table.notes)
    assert "rates_by_pattern" not in {t.key for t in reports.tables(rutland)}


def test_tables_that_rest_on_the_fit_say_so_and_none_does_without_it(queued: Result, rutland: Result) -> None:
    known = [c.record() for c in recorded_factors("E06000017")]
    for result, fitted in ((queued, True), (rutland, False)):
        found = {t.key: t for t in reports.tables(result.with_provenance(known=known))}
        assert any("rates of contact by risk were fitted to them" in n for n in found["known"].notes) is fitted
    notes = {t.key: t for t in reports.tables(queued)}["known_by_service"].notes
    assert any("none of them is identified by the counts" in n for n in notes)
    given = {
        **queued.provenance["pathway"]["layout"]["rates_by_pattern"],
        "fitted": False,
        "why": "the user gave the ratios: they stand as given",
    }
    pathway = {**queued.provenance["pathway"], "layout": {**queued.provenance["pathway"]["layout"], "rates_by_pattern": given}}
    table = pathway_tables.known_by_service(View.of(queued.with_provenance(pathway=pathway)))
    assert table is not None
    assert any("they stand as given" in n for n in table.notes)
    assert not any("none of them is identified" in n for n in table.notes)
