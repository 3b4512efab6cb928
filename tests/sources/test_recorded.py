"""Rates by pattern of risks fitted to recorded factors: the embedded need, one answer for whoever asks, what users and scenarios change."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import data_sources as src
import jsna_model as jm
from benchmarks.need_patterns import shares
from data_sources.figures_io import read_figures
from data_sources.layouts import AUTHORITIES, NEED_PATTERNS
from data_sources.pathway import load_pathway
from data_sources.recorded import load_recorded
from jsna_model.conventions import ENGLAND
from jsna_model.errors import UnknownNameError
from jsna_model.result import Result
from jsna_model.verbs.group_changes import check_scenarios
from jsna_model.verbs.pattern_rates import PatternRates, pattern_rates

ABUSE, ILLNESS, DEPENDENCY = "domestic_abuse_last_year", "severe_mental_health_symptoms", "alcohol_or_drug_dependency"
RISKS = (ABUSE, ILLNESS, DEPENDENCY)
CODES = {"Milton Keynes": "E06000042", "City of London": "E09000001", "Isles of Scilly": "E06000053", "Rutland": "E06000017"}


@cache
def need(area: str, draws: int = 200) -> Result:
    evidence = (*src.load_evidence_set("higher_harm"), *src.default_evidence())
    return jm.estimate(src.load_population(area), evidence, src.load_overlap("higher_harm"), draws=draws)


@cache
def rates(area: str, draws: int = 200, given: tuple[tuple[str, float], ...] = (), measure: str = "any_risk") -> PatternRates:
    pathway = load_pathway(area, dict(given), layout="early_help_and_cin")
    return pattern_rates(need(area, draws), pathway, measure, [CODES[area]])


@pytest.mark.parametrize("name", ["higher_harm", "wider_exposure"])
def test_the_embedded_need_is_what_the_script_writes(name: str) -> None:
    again = shares("Rutland", name)
    kept = read_figures(NEED_PATTERNS).values
    kept = kept[(kept["set"] == name) & kept["area"].isin([CODES["Rutland"], ENGLAND])]
    wide = [t.pivot(index="area", columns="pattern", values="share") for t in (again, kept)]
    pd.testing.assert_frame_equal(*wide, rtol=1e-5)


def test_all_authorities_are_there_and_shares_add_up() -> None:
    recorded = load_recorded()
    assert len(recorded.areas) == 153
    assert set(recorded.factors) == {r for patterns in recorded.shares for r in patterns if r != "none" and "+" not in r}
    for patterns, values in recorded.shares.items():
        assert values.shape == (153, len(patterns))
        assert values.sum(1) == pytest.approx(np.ones(153), abs=1e-5)
        assert recorded.england[patterns] == pytest.approx(values.mean(0), rel=0.1)


def test_the_answer_does_not_depend_on_who_asks_or_on_how_many_draws() -> None:
    """Law 13."""
    one, other = rates("Milton Keynes"), rates("Rutland")
    assert np.array_equal(one.weight, other.weight)
    assert one.learned["risks"] == other.learned["risks"]
    few = rates("Rutland", 50)
    assert few.weight == pytest.approx(other.weight[:, :50], rel=1e-9)


def test_what_is_seen_is_the_product_and_the_report_of_it_says_so() -> None:
    table = read_figures(AUTHORITIES).values.set_index("utla23_code").loc["E06000042"]
    found = rates("Milton Keynes").learned
    own = found["areas"]["E06000042"]
    for risk, factor in ((ABUSE, "factor_parent_domestic_abuse"), (ILLNESS, "factor_parent_mental_health")):
        share = table[factor] / table["assessments_with_factor"]
        middle, low, high = own[risk]["product"]["posterior"]
        assert low < share < high
        assert middle == pytest.approx(share, rel=0.03)
        assert own[risk]["product"]["contraction"] > 0.99
    for told in found["risks"].values():
        assert told["product"]["identified"]
        assert not told["ratio"]["identified"]
        assert 0.1 < told["ratio"]["contraction"] < 0.5
        low, high = told["ratio"]["posterior"][1:]
        assert high / low > 3  # and it does not look as if it were known
    assert set(found["interactions"].values()) == {0.0}


def test_rates_fall_where_need_is_higher_so_that_the_product_stays() -> None:
    """Given a draw of higher prevalence, fewer contacts a child meet the same record: the two are drawn together."""
    result, found = need("Milton Keynes"), rates("Milton Keynes")
    prevalence = result.node("need/parameters")["frame_prevalence"].values[result.risks.index(ILLNESS)]
    place = [str(p) for p in result.data["need"].ds["pattern"].values].index(ILLNESS)
    assert np.corrcoef(np.log(found.weight[place]), np.log(prevalence))[0, 1] < -0.2
    assert found.weight[0] == pytest.approx(np.ones(200))


@pytest.mark.parametrize("area", ["City of London", "Isles of Scilly"])
def test_the_smallest_authorities_lean_on_all(area: str) -> None:
    own = rates(area).learned["areas"][CODES[area]]
    for risk in RISKS:
        low, high = own[risk]["recording"]["posterior"][1:]
        assert 0 < low < high < np.inf
    # Milton Keynes knows more of its own recording than either.
    big = rates("Milton Keynes").learned["areas"][CODES["Milton Keynes"]]
    assert all(own[r]["product"]["contraction"] < big[r]["product"]["contraction"] for r in RISKS)


def test_a_ratio_that_the_user_gives_stands() -> None:
    all_ = rates("Rutland", given=(("need.rate_ratio", 3.0),))
    assert not all_.learned["fitted"]
    assert "stand as given" in all_.learned["why"]
    one = rates("Rutland", given=((f"need.rate_ratio.{ABUSE}", 8.0),))
    assert one.learned["fitted"]
    told = one.learned["risks"]
    assert told[ABUSE]["factors"] == []
    assert told[ABUSE]["ratio"]["posterior"] == pytest.approx(told[ABUSE]["ratio"]["prior"])
    assert told[ABUSE]["ratio"]["prior"][0] == pytest.approx(8 * np.exp(-0.125), rel=0.1)
    assert told[ILLNESS]["ratio"]["contraction"] > 0.1
    with pytest.raises(UnknownNameError, match=r"rate_ratio\.domestic_abuse_last_year"):
        load_pathway("Rutland", {"need.rate_ratio.domestic_abuse_lst_year": 5.0}, layout="early_help_and_cin")
    with pytest.raises(UnknownNameError, match=r"rate_ratio\.domestic_abuse_last_year"):  # of the other set
        rates("Rutland", given=(("need.rate_ratio.domestic_abuse_ever", 5.0),))


def test_the_priors_of_recording_are_the_user_s_to_change() -> None:
    """Half as good records need a higher rate to make the same count."""
    less = rates("Rutland", given=tuple((f"recording.{r}", 0.5) for r in RISKS))
    base = rates("Rutland")
    for r in RISKS:
        assert less.learned["risks"][r]["ratio"]["posterior"][0] > 1.2 * base.learned["risks"][r]["ratio"]["posterior"][0]
        assert less.learned["risks"][r]["product"]["posterior"] == pytest.approx(base.learned["risks"][r]["product"]["posterior"], rel=0.02)


def test_where_demand_follows_one_risk_the_prior_stands() -> None:
    found = rates("Rutland", measure=ABUSE)
    assert not found.learned["fitted"]
    assert "one risk alone" in found.learned["why"]
    assert found.weight.shape == (2, 200)


def test_scenarios_change_the_rate_of_one_risk_or_of_all() -> None:
    pathway = load_pathway("Rutland", layout="early_help_and_cin")
    value = rates("Rutland").parameters
    names = {f"need.rate_ratio.{r}" for r in RISKS}
    assert names <= set(value)
    assert names <= pathway.changeable
    scenarios = [
        jm.Scenario("one", "a", "b").scale(f"need.rate_ratio.{ABUSE}", 1.5, "2026-04"),
        jm.Scenario("all", "a", "b").scale("need.rate_ratio", 1.5, "2026-04"),
        jm.Scenario("same", "a", "b").set("need.rate_ratio", value["need.rate_ratio"].value, "2026-04"),
    ]
    done = jm.project(need("Rutland"), src.load_projection("Rutland"), pathway, scenarios, years=2, average_noise=False)
    contacts = done.node("demand/pathway").sel(service="contact").isel(area=0).mean("draw")
    total, of_risk = (contacts[n].sel(year="2026-27") for n in ("pathway_flow", "pathway_flow_affected"))
    base = float(total.sel(scenario="baseline"))
    assert base < float(total.sel(scenario="one")) < float(total.sel(scenario="all"))
    rest = total - of_risk
    assert float(rest.sel(scenario="all")) == pytest.approx(float(rest.sel(scenario="baseline")), rel=0.01)
    assert float(total.sel(scenario="same")) == pytest.approx(base, rel=1e-9)
    groups = done.node("demand/groups")["known_by_pattern"].isel(area=0, year=-1).mean("draw")
    share = groups / groups.sum("pattern")
    alone = {s: float(share.sel(scenario=s, pattern=ABUSE)) for s in ("baseline", "one")}
    assert alone["one"] > 1.05 * alone["baseline"]
    wrong = jm.Scenario("wrong", "a", "b").scale("need.rate_ratio.domestic_abuse", 1.5, "2026-04")
    with pytest.raises(UnknownNameError, match=rf"rate_ratio\.{ABUSE}"):
        jm.project(need("Rutland"), src.load_projection("Rutland"), pathway, [wrong], years=1)
    kept = done.provenance["pathway"]["layout"]
    assert kept["rates_by_pattern"]["fitted"]
    assert kept["parameters"][f"need.rate_ratio.{ABUSE}"]["source"].startswith("fitted to recorded factors")


def test_names_are_checked_before_anything_is_run() -> None:
    def change(name: str) -> list[jm.Scenario]:
        return [jm.Scenario("one", "a", "b").scale(name, 1.2, "2026-04")]

    pathway = load_pathway("Rutland", layout="early_help_and_cin")
    check_scenarios(pathway, change(f"need.rate_ratio.{ABUSE}"), 3, RISKS)
    for name in ("need.rate_ratio.domestic_abuse_lst_year", "need.rate_ratio.domestic_abuse_ever", f"recording.{ABUSE}"):
        with pytest.raises(UnknownNameError, match=rf"need\.rate_ratio\.{ABUSE}"):
            check_scenarios(pathway, change(name), 3, RISKS)
    other = load_pathway("Rutland", {"need.rate_ratio.domestic_abuse_ever": 5.0}, layout="early_help_and_cin")
    with pytest.raises(UnknownNameError, match="domestic_abuse_ever"):
        check_scenarios(other, [], 3, RISKS)
