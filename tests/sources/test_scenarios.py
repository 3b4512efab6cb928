"""The library of scenarios: every one rests on figures that exist, runs, and says what it needs."""

from __future__ import annotations

from dataclasses import replace
from math import exp

import numpy as np
import pytest
from typer.testing import CliRunner

import data_sources as src
import jsna_model as jm
from jsna_model.cli.app import app
from jsna_model.errors import InputError, UnknownNameError
from jsna_model.pathway import Pathway
from jsna_model.study import Study
from jsna_model.verbs.demand_model import check_scenario

LIBRARY = src.scenario_library()
ASKED = {
    *("early_help_reach", "early_help_capacity", "earlier_identification", "follow_up", "threshold_up", "threshold_down"),
    *("step_down_support", "quicker_assessment", "re_referral_follow_up", "alcohol_treatment", "domestic_abuse_provision"),
    *("family_help", "demand_shock", "funding_cut"),
}


@pytest.fixture(scope="module")
def pathway() -> Pathway:
    """Milton Keynes, with its own volume of early help."""
    return src.load_pathway("Milton Keynes").with_early_help(900, 2000)


def test_all_that_were_asked_for_are_there_with_evidence_and_doubts() -> None:
    assert set(LIBRARY) == ASKED
    for s in LIBRARY.values():
        assert s.reason, s.name
        assert s.doubts, s.name
        assert len(src.load_evidence(*s.evidence)) == len(s.evidence) > 0, s.name
        assert s.kind in ("proposal", "stress test", "what if")
        assert s.built_in != bool(s.changes), s.name


def test_all_are_sound_and_say_what_they_need(pathway: Pathway) -> None:
    names = [n for n, s in LIBRARY.items() if not s.needs_layout]
    for scenario in src.library_scenarios(pathway, names):
        check_scenario(scenario, pathway, "2036-03")
        assert scenario.reason
        assert scenario.stress_test == (LIBRARY[scenario.name].kind != "proposal")
    of_layout = [n for n, s in LIBRARY.items() if s.needs_layout]
    with pytest.raises(InputError, match="needs a layout") as caught:
        src.library_scenarios(pathway, of_layout)
    assert len(caught.value.problems) == len(of_layout)
    with pytest.raises(InputError, match="the set is mine"):
        src.library_scenarios(pathway, ["alcohol_treatment"], set_name="mine")
    with pytest.raises(UnknownNameError, match="family_help"):
        src.library_scenarios(pathway, ["family_hel"])


def test_sizes_come_from_where_they_say(pathway: Pathway) -> None:
    shock, cut = src.library_scenarios(pathway, ["demand_shock", "funding_cut"], "2027-04")
    assert shock.changes[0].value == exp(pathway.parameter("referral.rate").yearly_sd)
    assert (cut.changes[0].value, cut.changes[0].start, cut.changes[0].full_by) == (0.75, "2027-04", "2028-04")
    without = replace(pathway, parameters={n: p for n, p in pathway.parameters.items() if n != "referral.rate"})
    with pytest.raises(InputError, match="which this pathway does not have"):
        src.library_scenarios(without, ["demand_shock"])
    with pytest.raises(InputError, match="families_per_year"):
        src.library_scenarios(src.load_pathway("Milton Keynes"), ["funding_cut"])


def test_places_are_given_before_they_are_taken_away() -> None:
    with pytest.raises(InputError, match="early help has none"):
        src.library_scenarios(src.load_pathway("Rutland", layout="early_help_and_cin"), ["early_help_capacity"])


def test_sizes_come_from_the_catalogue() -> None:
    pathway = src.load_pathway("Rutland", layout="family_help", family_help_from="2027-04")
    again, merged = src.library_scenarios(pathway, ["re_referral_follow_up", "family_help"])
    low, middle, ratio = src.load_evidence("GR-12-RER-P10", "GR-12-RER-P50", "EF-06-RR")
    assert {c.value for c in again.changes} == {low.value / middle.value}
    assert merged.changes[0].value == 1 - (1 - ratio.value) / 2
    with pytest.raises(InputError, match="family_help"):
        src.library_scenarios(src.load_pathway("Rutland", layout="early_help_and_cin"), ["family_help"])


@pytest.mark.parametrize("layout", ["", "early_help_and_cin", "family_help"])
def test_what_can_be_run_changes_something(layout: str) -> None:
    names = [n for n, s in LIBRARY.items() if s.needs_layout in ("", "any" if layout else "", layout)]
    given: dict[str, object] = {"area": "Rutland", "ready": names, "early_help": {"families_per_year": 80}}
    if layout:
        given |= {"layout": layout, "parameters": {"early_help.places": 20.0}}
    if layout == "family_help":
        given |= {"family_help_from": "2028-04"}
    study = Study.of(given)
    nouns = src.resolve(study)
    now = jm.estimate(nouns.population, nouns.evidence, nouns.overlap, draws=20)
    found = (
        jm.compare(jm.project(now, nouns.projection, nouns.pathway, nouns.scenarios, years=3))
        .node("decision/outcomes")["difference"]
        .isel(area=0)
    )
    for name in names:
        assert (np.abs(found.sel(scenario=name).isel(year=-1)).mean("draw") > 1e-3).any(), name
    more = found.sel(service="referrals").isel(year=-1).mean("draw")
    assert float(more.sel(scenario="demand_shock")) > 0
    started = found.sel(service="child_in_need_started").isel(year=-1).mean("draw")
    assert float(started.sel(scenario="threshold_up")) < 0 < float(started.sel(scenario="threshold_down"))


def test_a_study_takes_them_and_the_command_lists_them() -> None:
    nouns = src.resolve(Study.of({"area": "Rutland", "ready": ["demand_shock", "follow_up"]}))
    assert [s.name for s in nouns.scenarios] == ["demand_shock", "follow_up"]
    with pytest.raises(InputError, match='layout = "family_help"'):
        src.resolve(Study.of({"area": "Rutland", "ready": ["family_help"]}))
    listed = CliRunner().invoke(app, ["scenarios", "list"]).output
    assert all(f"{name}: " in listed for name in LIBRARY)
    assert "needs layout family_help" in listed
    shown = CliRunner().invoke(app, ["scenarios", "show", "follow_up"])
    assert shown.exit_code == 0, shown.output
    assert "CS-OFS2-NONE" in shown.output
    assert "Doubts:" in shown.output
